"""The database goes away under a running server: try again later, and back by itself."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from app.kit.embedded_postgres import EmbeddedPostgres
from app.migrate import migrate
from chaos.client import LONGEST_SECONDS
from chaos.shift import ADMIN, PASSWORD
from tests.processes import Process, free_port, serve, wait_until_ready

BACK_SECONDS = 20.0
HEARD = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > %s"


@dataclass
class Live:
    """A server with a worker in it, its database, and an administrator's way in."""

    process: Process
    postgres: EmbeddedPostgres
    http: httpx.Client
    folder: Path

    def ask(self) -> httpx.Response:
        return self.http.get("/v1/organization")

    def seconds_until(self, status: int) -> float:
        """Ask until this is the answer; every other one must be 503 with `Retry-After`."""
        began = time.monotonic()
        while time.monotonic() - began < LONGEST_SECONDS:
            answer = self.ask()
            if answer.status_code == status:
                return time.monotonic() - began
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) >= 1
            time.sleep(0.1)
        raise AssertionError(f"no {status} in {LONGEST_SECONDS} s: {self.process.last_words()}")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with EmbeddedPostgres.start(tmp_path) as postgres:
        migrate(postgres.dsn)
        port = free_port()
        settings = {"FIRSTFIX_BOOTSTRAP_ADMIN": f"{ADMIN}:{PASSWORD}", "FIRSTFIX_RUN_WORKER": "true"}
        process = serve(tmp_path, postgres.dsn, port, **settings)
        process.start()
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until_ready(process, f"{url}/readyz")
            form = {"grant_type": "password", "username": ADMIN, "password": PASSWORD}
            token = httpx.post(f"{url}/oauth/token", data=form, trust_env=False).json()["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=url, headers=headers, timeout=LONGEST_SECONDS, trust_env=False) as client:
                yield Live(process, postgres, client, tmp_path)
        finally:
            process.stop()


def test_while_the_database_is_down_the_answer_is_503_and_it_comes_back_by_itself(live: Live) -> None:
    assert live.ask().status_code == 200

    for _ in range(2):
        assert live.postgres.pid is not None
        os.kill(live.postgres.pid, signal.SIGKILL)
        down = live.seconds_until(503)
        assert live.http.get("/livez").status_code == 200, "it lives, though it can do nothing"
        assert live.http.get("/readyz").status_code == 503
        with EmbeddedPostgres.start(live.folder):
            back = live.seconds_until(200)
            assert down < LONGEST_SECONDS
            assert back < BACK_SECONDS
            assert _worker_is_back(live.postgres.dsn), live.process.last_words()


def test_a_database_that_hangs_makes_nobody_wait_for_ever(live: Live) -> None:
    assert live.ask().status_code == 200
    assert live.postgres.pid is not None
    backends = _backends(live.postgres)
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        seconds: list[float] = []
        answers: list[int] = []

        def ask() -> None:
            began = time.monotonic()
            answers.append(live.ask().status_code)
            seconds.append(time.monotonic() - began)

        asking = [threading.Thread(target=ask) for _ in range(20)]
        for one in asking:
            one.start()
        time.sleep(8)
        alive = live.http.get("/livez")
    finally:
        for pid in backends:
            os.kill(pid, signal.SIGCONT)
    for one in asking:
        one.join(LONGEST_SECONDS)

    assert alive.status_code == 200
    assert set(answers) <= {200, 503}
    assert len(answers) == len(asking)
    assert max(seconds) < LONGEST_SECONDS
    assert live.seconds_until(200) < BACK_SECONDS


def _backends(postgres: EmbeddedPostgres) -> list[int]:
    with psycopg.connect(postgres.dsn, autocommit=True) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
    return [pid for (pid,) in found]


def _worker_is_back(dsn: str) -> bool:
    """Whether a worker says from now on that it lives; it does so every ten seconds."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        since = connection.execute("SELECT clock_timestamp()").fetchone()
        deadline = time.monotonic() + BACK_SECONDS
        while time.monotonic() < deadline:
            if connection.execute(HEARD, since).fetchone() != (0,):
                return True
            time.sleep(0.5)
    return False
