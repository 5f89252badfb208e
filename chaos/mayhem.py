"""Kills one of the processes at random, has it started again, and measures how long it takes to be back."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from app.kit.embedded_postgres import EmbeddedPostgres
from tests.processes import Process, wait_until_ready

READY_SECONDS = 60


@dataclass
class Mayhem:
    """`kills` counts by victim; `back_seconds` holds for each how long it took until the API was ready again."""

    server: Process
    worker: Process
    postgres: EmbeddedPostgres
    ready_url: str
    dice: random.Random
    with_database: bool
    weights: dict[str, int] = field(default_factory=lambda: {"server": 5, "worker": 4, "database": 2})
    kills: Counter[str] = field(default_factory=Counter)
    back_seconds: dict[str, list[float]] = field(default_factory=dict)

    def strike(self) -> str:
        """Kill one at a random moment; returns who it was, once the API is ready again."""
        time.sleep(self.dice.uniform(0.2, 2.0))
        weights = self.weights if self.with_database else {**self.weights, "database": 0}
        victim = self.dice.choices(list(weights), list(weights.values()))[0]
        strikes: dict[str, Callable[[], None]] = {
            "server": lambda: _again(self.server),
            "worker": lambda: _again(self.worker),
            "database": self._kill_database,
        }
        strikes[victim]()
        self.kills[victim] += 1
        took = wait_until_ready(self.server, self.ready_url, seconds=READY_SECONDS)
        self.back_seconds.setdefault(victim, []).append(took)
        self._keep_worker_running()
        return victim

    def _kill_database(self) -> None:
        if (pid := self.postgres.pid) is not None:
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)

    def _keep_worker_running(self) -> None:
        """As a supervisor of processes does: a worker that ended because its database was gone is started again."""
        assert self.worker.running is not None
        if self.worker.running.poll() is not None:
            self.kills["worker restarted"] += 1
            self.worker.start()


def _again(process: Process) -> None:
    process.kill()
    process.start()
