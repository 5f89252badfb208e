"""`GET /v1/sync/hints`: says where the feed stands and when it moves; losing a hint costs time and nothing else."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from app.identity.models import Organization
from app.kit.runtime import Runtime
from app.sync import hints
from tests.conftest import CheckedClient, Somebody
from tests.processes import Process, free_port, serve, wait_until_ready
from tests.scene import Scene
from tests.sync.listening import SOON, Listening, listening
from tests.sync.phone import Phone

HINTS = "/v1/sync/hints"
KILL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'firstfix-news' AND datname = current_database()
"""
#: So that a server of its own process knows the cursors that the one in this process gave.
SECRET = "a secret that only the tests know, long enough"
REVOKE = "UPDATE sessions SET revoked_at = now() WHERE organization_id = %s AND person_id = %s"


class Server:
    def __init__(self, folder: Path, dsn: str, **settings: str) -> None:
        self.port = free_port()
        self.process: Process = serve(folder, dsn, self.port, FIRSTFIX_SECRET_KEY=SECRET, **settings)
        self.process.start()
        wait_until_ready(self.process, f"http://127.0.0.1:{self.port}/readyz")

    def hints(self, who: Somebody, **more: str) -> Listening:
        return Listening(self.port, {**who.headers, **more})

    def get(self, path: str, who: Somebody, seconds: float = SOON) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", headers=who.headers, timeout=seconds, trust_env=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, dsn: str) -> Iterator[Server]:
    """A server of its own process, with one database connection for all requests."""
    started = Server(tmp_path_factory.mktemp("server"), dsn, FIRSTFIX_DATABASE_CONNECTIONS="1")
    yield started
    started.process.stop()


@pytest.fixture
def phone(api: CheckedClient, ana: Somebody) -> Phone:
    """Ana's, up to date: from here on her feed is kept."""
    phone = Phone(api, ana)
    phone.pull()
    return phone


def head_of(dsn: str, who: Somebody) -> int:
    assert who.technician is not None
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT head FROM feeds WHERE id = %s", [who.technician.id]).fetchone()
    return int(row[0]) if row else 0


def execute(dsn: str, statement: str, *values: object) -> int:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(statement, values or None).rowcount  # type: ignore[arg-type]


def test_a_stream_begins_with_where_the_feed_stands_and_tells_when_it_moves(
    server: Server, dsn: str, scene: Scene, ana: Somebody, ben: Somebody, phone: Phone
) -> None:
    Phone(phone.api, ben).pull()
    with listening(server.port, ana.headers) as anas, listening(server.port, ben.headers) as bens:
        assert anas.next() == head_of(dsn, ana)
        assert bens.next() == head_of(dsn, ben)

        began = time.monotonic()
        visit = scene.dispatched(ana)
        told = anas.next()
        assert time.monotonic() - began < SOON
        while told != head_of(dsn, ana):
            told = anas.next()

        scene.report(visit["id"], "depart", ana)
        assert anas.next() == head_of(dsn, ana) > (told or 0)
        assert bens.is_quiet, "nothing of this is Ben's"


def test_the_answer_says_that_it_is_a_stream_of_ours_and_is_not_kept_back(
    server: Server, ana: Somebody, phone: Phone
) -> None:
    with listening(server.port, {**ana.headers, "Accept-Encoding": "gzip", "Accept": "text/event-stream"}) as stream:
        assert stream.next() is not None
        assert stream.status == 200
        assert stream.headers["content-type"].partition(";")[0] == "text/event-stream"
        assert stream.headers["content-encoding"] is None
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["sync-protocol"] == "1"


def test_open_streams_hold_no_seat_and_no_connection(
    server: Server, ana: Somebody, ben: Somebody, phone: Phone
) -> None:
    with ExitStack() as streams:
        opened = [streams.enter_context(listening(server.port, who.headers)) for who in (ana, ben) * 3]
        assert all(stream.next() is not None for stream in opened)

        assert [server.get("/v1/me", ana).status_code for _ in range(3)] == [200, 200, 200]


def test_after_an_interruption_streams_catch_up(
    server: Server, dsn: str, scene: Scene, ana: Somebody, phone: Phone
) -> None:
    with listening(server.port, ana.headers) as stream:
        told = stream.next()
        for _ in range(2):
            assert execute(dsn, KILL) >= 1
            scene.dispatched(ana)
            while told != head_of(dsn, ana):
                told = stream.next()


def test_who_is_signed_out_hears_nothing_any_more_after_the_next_look(
    server: Server, dsn: str, ana: Somebody, phone: Phone, organization: Organization
) -> None:
    with listening(server.port, ana.headers) as stream:
        stream.next()
        assert execute(dsn, REVOKE, organization.id, ana.id) == 1
        execute(dsn, KILL)

        assert stream.next() is None
        assert stream.ended.is_set(), "it was ended in order, not cut off"
        assert server.get(HINTS, ana).status_code == 401


def test_a_hint_that_nobody_hears_loses_nothing(
    tmp_path: Path, dsn: str, scene: Scene, ana: Somebody, phone: Phone
) -> None:
    deaf = Server(tmp_path, dsn, FIRSTFIX_MOST_WAITING="0")
    try:
        refused = deaf.get(HINTS, ana)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert int(refused.headers["retry-after"]) >= 30, "it is better to poll"

        visit = scene.dispatched(ana)
        changes = deaf.get(f"/v1/sync/changes?cursor={phone.cursor}", ana).json()["changes"]
        assert {one["id"] for one in changes} == {visit["id"]}
    finally:
        deaf.process.stop()


def test_who_leaves_makes_room(tmp_path: Path, dsn: str, ana: Somebody, phone: Phone) -> None:
    small = Server(tmp_path, dsn, FIRSTFIX_MOST_WAITING="1")
    try:
        with listening(small.port, ana.headers) as stream:
            stream.next()
            assert small.get(HINTS, ana).status_code == 503
        deadline = time.monotonic() + SOON
        while small.get(f"{HINTS}?seconds=0", ana).status_code != 200:
            assert time.monotonic() < deadline, "the place stays taken"
    finally:
        small.process.stop()


class Poll(threading.Thread):
    """A long poll of the phone on its way; `answer` when it came back."""

    def __init__(self, server: Server, phone: Phone) -> None:
        super().__init__(daemon=True)
        self._server, self._phone = server, phone
        self.answer: httpx.Response | None = None
        self.start()

    def run(self) -> None:
        path = f"/v1/sync/changes?cursor={self._phone.cursor}&wait=25"
        self.answer = self._server.get(path, self._phone.who, seconds=40)

    def came_back(self, seconds: float) -> bool:
        self.join(seconds)
        return self.answer is not None


@pytest.fixture
def acknowledged(phone: Phone, server: Server) -> Phone:
    """The phone, and the server knows that it has everything."""
    phone.pull()
    return phone


def test_a_long_poll_comes_back_when_there_is_something_and_holds_no_connection_until_then(
    server: Server, dsn: str, scene: Scene, ana: Somebody, ben: Somebody, acknowledged: Phone
) -> None:
    poll = Poll(server, acknowledged)
    assert not poll.came_back(1), "there is nothing yet"
    assert server.get("/v1/me", ben).status_code == 200
    assert execute(dsn, KILL) >= 1
    assert not poll.came_back(1), "an interruption is no news"

    visit = scene.schedule(scene.work_order(), ana)

    assert poll.came_back(SOON)
    assert poll.answer is not None
    assert [one["id"] for one in poll.answer.json()["changes"]] == [visit["id"]]


def test_a_server_that_stops_answers_its_long_polls(tmp_path: Path, dsn: str, acknowledged: Phone) -> None:
    server = Server(tmp_path, dsn)
    assert server.process.running is not None
    poll = Poll(server, acknowledged)
    assert not poll.came_back(1)
    server.process.running.send_signal(signal.SIGTERM)

    assert poll.came_back(40)
    assert poll.answer is not None
    assert (poll.answer.status_code, poll.answer.headers["sync-protocol"]) == (204, "1")
    assert server.process.running.wait(40) == 0


def test_a_server_that_stops_ends_its_streams_and_waits_for_none(
    tmp_path: Path, dsn: str, ana: Somebody, phone: Phone
) -> None:
    server = Server(tmp_path, dsn)
    assert server.process.running is not None
    with listening(server.port, ana.headers) as one, listening(server.port, ana.headers) as other:
        assert [one.next(), other.next()] == [head_of(dsn, ana)] * 2
        server.process.running.send_signal(signal.SIGTERM)

        assert server.process.running.wait(40) == 0, server.process.last_words()
        assert "timeout graceful shutdown exceeded" not in server.process.last_words()
        assert one.ended.wait(SOON)
        assert other.ended.wait(SOON)


def test_a_stream_lasts_as_long_as_was_asked_and_shows_that_it_lives(
    api: CheckedClient, ana: Somebody, phone: Phone, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "PING_SECONDS", 0.1)
    first = f"event: head\ndata: {head_of(dsn, ana)}\n\n"

    assert api.get(f"{HINTS}?seconds=0", headers=ana.headers).text == first
    longer = api.get(f"{HINTS}?seconds=1", headers=ana.headers).text
    assert longer.startswith(first)
    assert set(longer.removeprefix(first).split("\n\n")) == {": still here", ""}
    assert longer.count(": still here") >= 3


def test_each_minute_it_is_seen_whether_the_caller_may_still_hear_it(
    api: CheckedClient,
    runtime: Runtime,
    dsn: str,
    ana: Somebody,
    phone: Phone,
    organization: Organization,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hints, "PING_SECONDS", 0.1)
    monkeypatch.setattr(hints, "LOOK_SECONDS", 0.2)
    ended = threading.Event()

    def hear() -> None:
        if api.get(f"{HINTS}?seconds=60", headers=ana.headers).status_code == 200:
            ended.set()

    hearing = threading.Thread(target=hear)
    hearing.start()
    assert not ended.wait(1), "nothing ends it while she is signed in"
    execute(dsn, "UPDATE access_tokens SET expires_at = now() WHERE organization_id = %s", organization.id)

    assert ended.wait(SOON)
    hearing.join()
    assert runtime.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_before_a_device_has_pulled_the_feed_stands_at_nothing(api: CheckedClient, ben: Somebody) -> None:
    assert api.get(f"{HINTS}?seconds=0", headers=ben.headers).text == "event: head\ndata: 0\n\n"


@pytest.mark.parametrize("seconds", ["-1", "3601", "x"])
def test_a_time_that_cannot_be_is_refused(api: CheckedClient, ana: Somebody, seconds: str) -> None:
    answer = api.get(f"{HINTS}?seconds={seconds}", headers=ana.headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
