"""Whoever waits for a feed hears of it, through one connection that comes back by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.sync import news as bus
from app.sync.news import News
from tests.conftest import with_database
from tests.processes import free_port

NORD, ANA, BEN = uuid4(), uuid4(), uuid4()
#: A wait that ends by its time-out makes a test fail by its length; one that is woken ends long before.
LONG = 60.0
#: What happens at once has happened after this, on the slowest machine.
SOON = 5.0


@pytest.fixture(scope="module")
def dsn(make_database: Callable[[str], str]) -> str:
    """A database of its own, where nobody else listens."""
    return make_database("firstfix_news")


@pytest.fixture
def announce(dsn: str) -> Iterator[Callable[..., None]]:
    """Says where a feed stands, as the transaction that moved it does."""
    with psycopg.connect(dsn, autocommit=True) as connection:

        def say(technician_id: UUID, head: int, *, payload: str | None = None) -> None:
            text = payload if payload is not None else f"{NORD} {technician_id} {head}"
            connection.execute("SELECT pg_notify('firstfix_feeds', %s)", [text])

        yield say


def during(dsn: str, story: Callable[[News], Awaitable[None]], *, most: int = 100) -> None:
    """The story of one process: what is left of its waiting is ended with it."""

    async def whole() -> None:
        news = News(dsn, most=most)
        try:
            await asyncio.wait_for(story(news), LONG)
        finally:
            await news.close()

    asyncio.run(whole())


async def is_listening(news: News) -> None:
    """The first who waits is sent to look when the connection listens."""
    assert await news.wait(NORD, uuid4(), 0, LONG)


async def at_once(waiting: Awaitable[bool]) -> bool:
    return await asyncio.wait_for(waiting, SOON)


def waiting(news: News, technician_id: UUID, after: int, seconds: float = LONG) -> asyncio.Task[bool]:
    return asyncio.create_task(news.wait(NORD, technician_id, after, seconds))


async def tasks_begin() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_who_waits_hears_of_it_at_once_and_nobody_else_does(dsn: str, announce: Callable[..., None]) -> None:
    async def story(news: News) -> None:
        await is_listening(news)
        anas, bens, elsewhere = waiting(news, ANA, 4821), waiting(news, BEN, 4821), waiting(news, ANA, 4822)
        await tasks_begin()

        announce(ANA, 4822)

        assert await at_once(anas)
        assert not bens.done()
        assert not elsewhere.done(), "this one has 4822 already"
        bens.cancel()
        elsewhere.cancel()

    during(dsn, story)


def test_when_nothing_comes_the_time_is_up(dsn: str) -> None:
    async def story(news: News) -> None:
        await is_listening(news)
        began = time.monotonic()
        assert not await news.wait(NORD, ANA, 0, 0.2)
        assert 0.2 <= time.monotonic() - began < SOON

    during(dsn, story)


def test_what_came_between_the_look_and_the_wait_is_not_missed(dsn: str, announce: Callable[..., None]) -> None:
    async def story(news: News) -> None:
        await is_listening(news)
        others = waiting(news, BEN, 0)
        await tasks_begin()
        announce(ANA, 7)
        announce(BEN, 1)
        assert await at_once(others)

        assert await at_once(news.wait(NORD, ANA, 6, LONG))
        assert not await news.wait(NORD, ANA, 7, 0.05)

    during(dsn, story)


LISTENERS = "FROM pg_stat_activity WHERE application_name = 'firstfix-news' AND datname = current_database()"


def kill_listeners(dsn: str) -> int:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(f"SELECT pg_terminate_backend(pid) {LISTENERS}").rowcount


def test_after_an_interruption_everybody_looks_and_hints_come_again(dsn: str, announce: Callable[..., None]) -> None:
    async def story(news: News) -> None:
        await is_listening(news)
        everybody = [waiting(news, technician, 5) for technician in (ANA, BEN, uuid4())]
        await tasks_begin()

        assert kill_listeners(dsn) == 1

        assert all([await at_once(one) for one in everybody])
        again = waiting(news, ANA, 5)
        await tasks_begin()
        announce(ANA, 6)
        assert await at_once(again)

    during(dsn, story)


def test_after_an_interruption_an_old_position_is_not_believed(dsn: str, announce: Callable[..., None]) -> None:
    async def story(news: News) -> None:
        await is_listening(news)
        heard = waiting(news, ANA, 4821)
        await tasks_begin()
        announce(ANA, 4822)
        assert await at_once(heard)
        unsure = waiting(news, BEN, 0)
        await tasks_begin()
        kill_listeners(dsn)
        assert await at_once(unsure)

        assert not await news.wait(NORD, ANA, 4700, 0.05), "the database may be an older one, where 4700 is the newest"

    during(dsn, story)


class Wire:
    """A way to the database that can be closed, cut and frozen."""

    def __init__(self, dsn: str) -> None:
        there = psycopg.conninfo.conninfo_to_dict(dsn)
        self._host, self._there = str(there.get("host", "")), int(there.get("port", 5432))
        self.port = free_port()
        self.dsn = with_database(psycopg.conninfo.make_conninfo(dsn, host="127.0.0.1", port=self.port), there["dbname"])  # type: ignore[arg-type]
        self.frozen = False
        self.swallowed = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def opened(self) -> Any:
        server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        try:
            yield
        finally:
            server.close()
            for one in self._open:
                one.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host.startswith("/"):
            ends = await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._there}")
        else:
            ends = await asyncio.open_connection(self._host or "127.0.0.1", self._there)
        self._open |= {writer, ends[1]}
        with suppress(ConnectionError):
            await asyncio.gather(self._pass(reader, ends[1]), self._pass(ends[0], writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            if self.frozen:
                self.swallowed.set()
                continue
            writer.write(chunk)
            await writer.drain()
        writer.close()


def test_a_database_that_is_not_there_stops_nobody_and_is_found_when_it_comes(
    dsn: str, announce: Callable[..., None]
) -> None:
    wire = Wire(dsn)

    async def story(news: News) -> None:
        assert not await news.wait(NORD, ANA, 0, 0.5)
        later = waiting(news, ANA, 0)
        async with wire.opened():
            assert await asyncio.wait_for(later, LONG)
            again = waiting(news, ANA, 0)
            await tasks_begin()
            announce(ANA, 1)
            assert await at_once(again)

    during(wire.dsn, story)


def test_a_connection_that_says_nothing_any_more_is_noticed(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "QUIET_SECONDS", 0.2)
    monkeypatch.setattr(bus, "ANSWER_SECONDS", 1)
    wire = Wire(dsn)

    async def story(news: News) -> None:
        async with wire.opened():
            await is_listening(news)
            unsure = waiting(news, ANA, 0)
            await tasks_begin()
            wire.frozen = True
            await wire.swallowed.wait()
            wire.frozen = False
            assert await asyncio.wait_for(unsure, LONG)

    during(wire.dsn, story)


def test_what_is_no_news_is_passed_over(dsn: str, announce: Callable[..., None]) -> None:
    async def story(news: News) -> None:
        await is_listening(news)
        anas = waiting(news, ANA, 0)
        await tasks_begin()
        for payload in ("", "one two three", f"{NORD} {ANA}", f"{NORD} {ANA} 1 2", f"{NORD} {ANA} x"):
            announce(ANA, 0, payload=payload)
        announce(ANA, 1)
        assert await at_once(anas)

    during(dsn, story)


def test_one_too_many_is_answered_at_once_and_a_place_becomes_free(dsn: str) -> None:
    async def story(news: News) -> None:
        await is_listening(news)
        first, second = waiting(news, ANA, 0), waiting(news, BEN, 0)
        await tasks_begin()

        assert news.is_full
        assert not await at_once(news.wait(NORD, ANA, 0, LONG))

        first.cancel()
        await tasks_begin()
        assert not news.is_full
        third = waiting(news, ANA, 0, 0.1)
        await tasks_begin()
        assert not third.done()
        assert not await third
        second.cancel()

    during(dsn, story, most=2)


def test_the_oldest_of_one_technicians_phones_gives_way(dsn: str) -> None:
    async def story(news: News) -> None:
        await is_listening(news)
        phones = []
        for _ in range(bus.MOST_EACH + 1):
            phones.append(waiting(news, ANA, 0))
            await tasks_begin()

        assert not await at_once(phones[0])
        assert not any(phone.done() for phone in phones[1:])
        for phone in phones[1:]:
            phone.cancel()

    during(dsn, story)


def test_at_the_end_nobody_waits_any_longer(dsn: str) -> None:
    async def story(news: News) -> None:
        await is_listening(news)
        everybody = [waiting(news, technician, 0) for technician in (ANA, BEN)]
        await tasks_begin()

        news.end()

        assert [await at_once(one) for one in everybody] == [False, False]
        assert not await at_once(news.wait(NORD, ANA, 0, LONG))

    during(dsn, story)


def test_nothing_is_opened_before_somebody_waits_and_nothing_stays_open(dsn: str) -> None:
    async def story(news: News) -> None:
        assert kill_listeners(dsn) == 0
        await is_listening(news)

    during(dsn, story)

    with psycopg.connect(dsn, autocommit=True) as connection:
        deadline = time.monotonic() + SOON
        while connection.execute(f"SELECT pid {LISTENERS}").fetchall():
            assert time.monotonic() < deadline, "the connection is still there"
