"""Real processes of ours: started, waited for, killed. For what cannot be seen inside one process."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """A program that can be started again after it was killed; what it says goes to `log`."""

    command: list[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.running is not None, "it was not started"
        return self.running.pid

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.running = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        assert self.running is not None
        self.running.kill()
        self.running.wait()

    def stop(self) -> None:
        """Ask it to end; kill it when it does not within 15 seconds. Harmless to repeat."""
        if self.running is None or self.running.poll() is not None:
            return
        self.running.send_signal(signal.SIGTERM)
        try:
            self.running.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


def serve(folder: Path, dsn: str, port: int, **settings: str) -> Process:
    """The API as an operator starts it, without a worker in it; `settings` are more of its environment."""
    environment = {
        "DATABASE_URL": dsn,
        "FIRSTFIX_DATA_DIR": str(folder),
        "FIRSTFIX_RUN_WORKER": "false",
        "FIRSTFIX_LOG_LEVEL": "warning",
        **settings,
    }
    return Process(["-m", "app", "serve", "--port", str(port)], folder / "server.log", environment)


def worker(folder: Path, dsn: str, **settings: str) -> Process:
    """The worker as an operator starts it."""
    environment = {"DATABASE_URL": dsn, "FIRSTFIX_DATA_DIR": str(folder), "FIRSTFIX_LOG_LEVEL": "warning", **settings}
    return Process(["-m", "app", "worker"], folder / "worker.log", environment)


def wait_until_ready(process: Process, url: str, *, seconds: float = 30) -> float:
    """Wait until `url` answers 200; how long it took, in seconds.

    Raises:
        AssertionError: the process ended, or the time is up; with what it said last.
    """
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        assert process.running is not None
        assert process.running.poll() is None, f"it ended: {process.last_words()}"
        try:
            if httpx.get(url, timeout=2, trust_env=False).status_code == 200:
                return time.monotonic() - began
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{url} was not ready in {seconds} s: {process.last_words()}")
