"""A device in a test's hand: the Python client in this process, or the TypeScript client in Node; same words for both.

What a device does is `order(do, **with)`: `open` a client over the storage (which survives), `enqueue`, `sync`,
`jobs`, … `die_at` ends the client at its n-th step; the next `open` begins a new one over what it left.
"""

import base64
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import httpx
from firstfix_offline import Device, HttpxTransport, Limits, MemoryStorage, OfflineClient, SqliteStorage
from firstfix_offline.replica import held_entries
from firstfix_offline.storage import TABLES

DRIVER = Path(__file__).with_name("node") / "driver.mjs"


class Handset(Protocol):
    def order(self, do: str, **what: Any) -> Any: ...

    def close(self) -> None: ...


class Died(BaseException):
    """The program was ended at this step."""


class PythonHandset:
    """The reference client in Python, over httpx."""

    def __init__(self) -> None:
        self.storage: Any = None
        self.client: OfflineClient
        self.clock: dict[str, float | None] = {}
        self.steps: list[str] = []
        self.token = "t"
        self.refreshed = 0
        self.connection = httpx.Client(timeout=60, trust_env=False)

    def order(self, do: str, **what: Any) -> Any:
        orders: dict[str, Callable[..., Any]] = {
            "open": self.open,
            "dump": self.dump,
            "held": self.held,
            "sync": self.sync,
            "set": self.set_state,
            "haunt": self.haunt,
            "clock": self.clock.update,
            "attach": self.attach,
        }
        if do in orders:
            return orders[do](**what)
        found = getattr(self.client, do)(*what.pop("given", ()), **what)
        return [asdict(one) for one in found] if do == "jobs" else found

    def open(
        self,
        *,
        url: str,
        fresh: bool = False,
        file: str | None = None,
        token: str = "t",
        limits: dict[str, int] | None = None,
        die_at: int = 0,
        random: float | None = None,
        refresh_to: str | None = None,
        metered: bool = False,
    ) -> None:
        if fresh or self.storage is None:
            self.storage = SqliteStorage(file) if file else MemoryStorage()
        self.token, self.refreshed, self.steps = token, 0, []

        def step(name: str) -> None:
            self.steps.append(name)
            if len(self.steps) == die_at:
                raise Died(name)

        def refresh() -> None:
            self.refreshed += 1
            if refresh_to is None:
                raise RuntimeError("sign in again")
            self.token = refresh_to

        usual = Device()
        device = Device(
            now=lambda: self.clock.get("now") or usual.now(),
            monotonic=lambda: self.clock.get("monotonic") or usual.monotonic(),
            random=usual.random,
            on_step=step,
        )
        if random is not None:
            device.random = lambda: random
        self.client = OfflineClient(
            HttpxTransport(url, self.connection),
            self.storage,
            token=lambda: self.token,
            refresh=refresh,
            device=device,
            limits=Limits(**(limits or {})),
            metered=lambda: metered,
        )

    def sync(self) -> dict[str, Any]:
        try:
            outcome = self.client.sync()
        except Died as died:
            return {"died": str(died)}
        return {"state": outcome.state, "wait_ms": outcome.wait_ms, "refreshed": self.refreshed}

    def dump(self) -> dict[str, list[Any]]:
        with self.storage.transaction() as tx:
            return {table: tx.all(table) for table in TABLES if table != "bytes"}

    def held(self) -> dict[str, str]:
        with self.storage.transaction() as tx:
            return {f"{one['kind']}|{one['id']}": one["rev"] for one in held_entries(tx)}

    def set_state(self, **state: Any) -> None:
        with self.storage.transaction() as tx:
            tx.put("meta", "state", {**tx.get("meta", "state"), **state})

    def haunt(self) -> None:
        """Hold a job that the server does not have."""
        with self.storage.transaction() as tx:
            tx.put("replica", "job|ghost", {"kind": "job", "id": "ghost", "rev": "1.1", "doc": {}, "gen": 0})

    def attach(self, visit: str, content: str, role: str, mime: str) -> str:
        return self.client.attach(visit, base64.b64decode(content), role, mime)

    def close(self) -> None:
        self.connection.close()


class NodeHandset:
    """The reference client in TypeScript, compiled, in a Node of its own."""

    def __init__(self, node: str, compiled: Path) -> None:
        self._process = subprocess.Popen(
            [node, str(DRIVER), (compiled / "index.js").as_uri()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
        )

    def order(self, do: str, **what: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "it ended"}')
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
