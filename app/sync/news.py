"""Who waits for news of a feed in this process. One connection listens for all of them; none holds a session or a seat.

A hint only means "look now". One that is lost costs time and nothing else, so nothing is kept: when the listening
connection was away, everybody who waits is sent to look, because something may have been missed.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import psycopg
import structlog

log = structlog.get_logger("firstfix.news")

CHANNEL = "firstfix_feeds"
#: One technician's followers; the oldest gives way to one more, it is a phone that was cut off.
MOST_EACH = 8
#: So many feeds are remembered by where they stand; more than are in the field of one process.
MOST_REMEMBERED = 100_000
#: A connection on which nothing came for so long is asked whether it lives.
QUIET_SECONDS = 30.0
LOOKS_AT_ONCE = 2
ANSWER_SECONDS = 10
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 15.0

Key = tuple[UUID, UUID]


class Follower:
    """Somebody who waits for one feed. `head` is the newest position that was announced, 0 when none was.

    `ended`: waiting is over for this one, whatever comes: the server stops, or there are too many.
    """

    def __init__(self, head: int) -> None:
        self.head = head
        self.ended = False
        self._in_doubt = False
        self._stirred = asyncio.Event()

    async def news(self, after: int, timeout_seconds: float) -> bool:
        """Wait for something after this position.

        Returns:
            whether to look: there is something or, after an interruption, there may be; False when the time is up
            and when waiting has ended.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while not (self.head > after or self._in_doubt or self.ended):
                    self._stirred.clear()
                    await self._stirred.wait()
        in_doubt, self._in_doubt = self._in_doubt, False
        return not self.ended and (self.head > after or in_doubt)

    def announce(self, head: int) -> None:
        self.head = head
        self._stirred.set()

    def doubt(self) -> None:
        self.head, self._in_doubt = 0, True
        self._stirred.set()

    def end(self) -> None:
        self.ended = True
        self._stirred.set()


class News:
    """The followers of one process, and the connection that listens for them; it is opened for the first of them."""

    def __init__(self, dsn: str, *, most: int) -> None:
        self._dsn = dsn
        self._most = most
        self._count = 0
        self._followers: dict[Key, list[Follower]] = {}
        self._heads: dict[Key, int] = {}
        self._listening: asyncio.Task[None] | None = None
        self._ended = False
        self.few_at_once = asyncio.Semaphore(LOOKS_AT_ONCE)
        """For whoever has to look in the database: after an interruption it is everybody."""

    @property
    def is_full(self) -> bool:
        return self._count >= self._most

    async def wait(self, organization_id: UUID, technician_id: UUID, after: int, timeout_seconds: float) -> bool:
        """Wait until something after this position may be in the feed.

        Returns:
            whether to look again. It may be for nothing: then wait for the rest of the time. False: answer now.
        """
        with self.follow(organization_id, technician_id) as follower:
            return await follower.news(after, timeout_seconds)

    @contextmanager
    def follow(self, organization_id: UUID, technician_id: UUID) -> Iterator[Follower]:
        """Somebody who waits as long as the block lasts; one too many is ended from the start."""
        key = organization_id, technician_id
        follower = Follower(self._heads.get(key, 0))
        if self._ended or self.is_full:
            follower.end()
            yield follower
            return
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        mine = self._followers.setdefault(key, [])
        mine.append(follower)
        self._count += 1
        for oldest in mine[:-MOST_EACH]:
            oldest.end()
        try:
            yield follower
        finally:
            self._count -= 1
            mine.remove(follower)
            if not mine:
                del self._followers[key]

    def end(self) -> None:
        """Let nobody wait any longer: the server is about to wait for its open connections."""
        self._ended = True
        for follower in self._everybody():
            follower.end()

    async def close(self) -> None:
        self.end()
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening

    async def _listen(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._dsn, autocommit=True, connect_timeout=ANSWER_SECONDS, application_name="firstfix-news"
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    pause = FIRST_PAUSE_SECONDS
                    self._doubt()
                    await self._hear(connection)
            except (psycopg.Error, OSError) as trouble:
                log.warning("news are interrupted", error=type(trouble).__name__)
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _hear(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            async for heard in connection.notifies(timeout=QUIET_SECONDS):
                self._announce(heard.payload)
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.execute("SELECT 1")

    def _announce(self, payload: str) -> None:
        """`<organization> <technician> <head>`; anything else is nobody's news."""
        try:
            organization_id, technician_id, head = payload.split(" ")
            key, position = (UUID(organization_id), UUID(technician_id)), int(head)
        except ValueError:
            log.warning("these are no news", length=len(payload))
            return
        if len(self._heads) >= MOST_REMEMBERED:
            self._heads.clear()
        self._heads[key] = position
        for follower in self._followers.get(key, ()):
            follower.announce(position)

    def _doubt(self) -> None:
        """Where the feeds stood may be wrong now, even too high: the database may be an older one."""
        self._heads.clear()
        for follower in self._everybody():
            follower.doubt()

    def _everybody(self) -> list[Follower]:
        return [follower for mine in self._followers.values() for follower in mine]
