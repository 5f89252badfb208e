"""A sandbox as an app developer has it: one command, in a process of its own."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.processes import Process, free_port, wait_until_ready

CLOCK = "2026-11-21T10:00:00Z"


@dataclass
class Sandbox:
    """What the command printed, and a way to talk to it."""

    told: dict[str, Any]
    http: httpx.Client

    def headers(self, name: str = "Ana") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.told['people'][name]['token']}"}

    def get(self, path: str, *, by: str = "Ana", **more: Any) -> httpx.Response:
        return self.http.get(path, headers={**self.headers(by), **more.pop("headers", {})}, **more)

    def post(self, path: str, body: Any = None, *, by: str = "Ana", **headers: str) -> httpx.Response:
        return self.http.post(path, json=body, headers={**self.headers(by), **headers})

    def cursor(self, by: str = "Ana") -> str:
        """Where a device stands that has just got everything."""
        page = self.get("/v1/sync/changes", by=by, params={"limit": 500}).json()
        assert not page["has_more"]
        return str(page["cursor"])

    def push(self, *operations: dict[str, Any], by: str = "Ana", cursor: str | None = None, **headers: str) -> Any:
        body = {"sent_at": CLOCK, "cursor": cursor, "operations": list(operations)}
        return self.post("/v1/sync", body, by=by, **headers)


def a_note(visit_id: str, **more: Any) -> dict[str, Any]:
    said = {"type": "note.add", "target": visit_id, "args": {"text": "The key is at the counter."}}
    return {"op_id": str(uuid4()), "seq": 1, "occurred_at": CLOCK, **said, **more}


@pytest.fixture(scope="package")
def sandbox(tmp_path_factory: pytest.TempPathFactory, make_database: Callable[[str], str]) -> Iterator[Sandbox]:
    """The command with a database that is there already: that is the quicker start."""
    folder = tmp_path_factory.mktemp("sandbox")
    port = free_port()
    command = ["-m", "app", "sandbox", "--json", "--clock", CLOCK, "--port", str(port)]
    process = Process(command, folder / "server.log", {"DATABASE_URL": make_database("firstfix_sandbox")})
    process.start()
    try:
        base = f"http://127.0.0.1:{port}"
        wait_until_ready(process, f"{base}/readyz", seconds=90)
        said = next(line for line in process.last_words().splitlines() if line.startswith('{"base_url"'))
        with httpx.Client(base_url=base, timeout=30, trust_env=False) as http:
            yield Sandbox(json.loads(said), http)
    finally:
        process.stop()
