"""Many dear pictures at once, sent to a server in a process of its own: how much memory it and its workers take."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.kit.images import AT_ONCE, Limits
from app.kit.runtime import Runtime
from tests.closure.hostile import many_scans, one_color_png
from tests.closure.test_upload_evidence import fields
from tests.conftest import Somebody
from tests.field import Job
from tests.processes import Process, free_port, serve, wait_until_ready

MB = 1024 * 1024
SENDERS = 16
#: What the server itself may grow by: bodies are spooled to disk, a picture is at most 15 MB while it is handed over.
SERVER_GROWS = 150 * MB


@pytest.fixture
def server(dsn: str, runtime: Runtime, tmp_path: Path) -> Iterator[tuple[Process, str]]:
    """The API in a process of its own, on the test's database and files; and its address."""
    port = free_port()
    data = str(runtime.settings.data_dir)
    process = serve(tmp_path, dsn, port, FIRSTFIX_DATA_DIR=data, FIRSTFIX_SECRET_KEY=runtime.secret)
    process.start()
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.stop()


def resident(pid: int) -> int:
    """Bytes; 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines.get("VmRSS", "0 kB").split()[0]) * 1024


def children_of(pid: int) -> list[int]:
    found = []
    for one in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in one.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@dataclass
class Watch:
    """The most that was seen: of the process itself, of all its children together, how many of those at once."""

    own: int = 0
    children: int = 0
    at_once: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def look(self, pid: int) -> None:
        while not self.over.wait(0.02):
            children = children_of(pid)
            self.own = max(self.own, resident(pid))
            self.children = max(self.children, sum(resident(one) for one in children))
            self.at_once = max(self.at_once, len(children))


@contextmanager
def watched(pid: int) -> Iterator[Watch]:
    watch = Watch()
    looking = threading.Thread(target=watch.look, args=(pid,))
    looking.start()
    try:
        yield watch
    finally:
        watch.over.set()
        looking.join()


def test_many_dear_pictures_at_once_take_as_much_memory_as_a_few(
    server: tuple[Process, str], job: Job, ana: Somebody
) -> None:
    process, address = server
    large = one_color_png(7000, 7000, color=6)
    padded = many_scans() + bytes(13_000_000)
    before = resident(process.pid)
    with httpx.Client(base_url=address, headers=ana.headers, timeout=60, trust_env=False) as http:

        def send(number: int) -> httpx.Response:
            data, mime = ((large, "image/png"), (padded, "image/jpeg"))[number % 4 == 3]
            path = f"/v1/visits/{job.visit_id}/evidence"
            return http.post(path, data=fields(), files={"file": ("a", data, mime)})

        with watched(process.pid) as watch, ThreadPoolExecutor(SENDERS) as crowd:
            sent = [crowd.submit(send, number) for number in range(SENDERS)]
            began, waited = time.monotonic(), 0.0
            while not all(one.done() for one in sent) and time.monotonic() - began < 60:
                asked = time.monotonic()
                assert http.get("/v1/me").status_code == 200
                waited = max(waited, time.monotonic() - asked)
            answers = [one.result() for one in sent]

    assert {one.status_code for one in answers} <= {201, 422, 503}
    assert all(int(one.headers["retry-after"]) > 0 for one in answers if one.status_code == 503)
    assert 201 in {one.status_code for one in answers}
    assert 1 <= watch.at_once <= AT_ONCE
    assert watch.children <= AT_ONCE * Limits().memory_bytes
    assert watch.own - before <= SERVER_GROWS
    assert waited < 5, "others are answered meanwhile"
    assert process.running is not None
    assert process.running.poll() is None
