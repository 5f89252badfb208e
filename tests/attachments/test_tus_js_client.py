"""The tus client that apps use, unmodified, over a line that is cut again and again.

Needs Node and `npm ci` in the project's folder; both are said when missing.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session, select

from app.attachments import queries
from app.attachments.models import Upload
from app.attachments.receiving import CHUNK_BYTES
from app.kit.runtime import Runtime
from tests.attachments.conftest import Device
from tests.attachments.cutting_proxy import CuttingProxy
from tests.processes import Process, free_port, serve, wait_until_ready

PROJECT = Path(__file__).parents[2]
#: What the headers of one request may have at most.
HEADERS = 1000
SIZE = 4_000_000
#: The answer to the creation is lost, then the line is cut seven times in the bytes, and the last answer is lost.
CUTS: tuple[int | str, ...] = ("answer", 300_000, 700_001, 65_536, 262_144, 900_000, 11_111, 450_000, "answer to bytes")


@pytest.fixture
def server(dsn: str, runtime: Runtime, tmp_path: Path) -> Iterator[int]:
    """The API in a process of its own, on the test's database and files; its port."""
    port = free_port()
    data = str(runtime.settings.data_dir)
    process: Process = serve(tmp_path, dsn, port, FIRSTFIX_DATA_DIR=data, FIRSTFIX_SECRET_KEY=runtime.secret)
    process.start()
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
        yield port
    finally:
        process.stop()


def upload(**order: Any) -> dict[str, Any]:
    if shutil.which("node") is None:
        raise RuntimeError("This test needs Node.")
    if not (PROJECT / "node_modules" / "tus-js-client").is_dir():
        raise RuntimeError("This test needs its tools: npm ci, in the project's folder.")
    done = subprocess.run(
        ["node", str(PROJECT / "tests" / "offline" / "node" / "tus_upload.mjs")],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


def test_a_film_over_a_line_that_is_cut_nine_times_is_stored_once_and_hardly_a_byte_goes_twice(
    server: int, device: Device, runtime: Runtime, db: Session, tmp_path: Path
) -> None:
    film = b"\x00\x00\x00\x18ftypisom" + os.urandom(SIZE - 12)
    (tmp_path / "film.mp4").write_bytes(film)
    name = device.link(film, mime="video/mp4", role="document")["attachment_id"]

    with CuttingProxy(server, CUTS) as line:
        seen = upload(
            endpoint=f"http://127.0.0.1:{line.own_port}/v1/uploads",
            token=device.who.headers["Authorization"].removeprefix("Bearer "),
            attachment_id=name,
            path=str(tmp_path / "film.mp4"),
            retries=30,
        )

    assert line.done == 9
    assert seen["failures"] >= 9
    assert seen["requests"].count("POST") == 2
    assert seen["requests"][-1] == "HEAD", "who lost the last answer asks, and is told that all is here"
    assert seen["url"].endswith(f"/v1/uploads/{name}")
    assert device.shown(name)["state"] == "stored"
    [row] = db.exec(select(Upload)).all()
    assert (row.id, row.sha256) == (UUID(name), hashlib.sha256(film).hexdigest())
    keys = [queries.key_of_chunk(row.organization_id, row.id, one)
            for one in queries.chunks_of(db, row.organization_id, row.id)]  # fmt: skip
    assert b"".join(runtime.objects.get(key) for key in keys) == film
    wasted = line.sent_up - SIZE - HEADERS * len(seen["requests"])
    assert wasted <= 9 * CHUNK_BYTES, f"{line.sent_up} bytes for {SIZE}"
