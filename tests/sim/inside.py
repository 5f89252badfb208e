"""The application in this process, asked without a socket; requests that are sent together run at once."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg
import psycopg.sql
from fastapi import FastAPI


@dataclass(frozen=True, slots=True)
class Ask:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(slots=True)
class Reply:
    """Header names are in lower case. `crash`: what went through to the server's outside."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    crash: BaseException | None = None

    def json(self) -> Any:
        return orjson.loads(self.body)


class Inside:
    """One application, started and stopped with the block."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._loop = asyncio.new_event_loop()
        self._life = app.router.lifespan_context(app)

    def __enter__(self) -> "Inside":
        self._loop.run_until_complete(self._life.__aenter__())
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._life.__aexit__(None, None, None))
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    def ask(self, ask: Ask) -> Reply:
        return self.ask_together([ask])[0]

    def ask_together(self, asks: Sequence[Ask]) -> list[Reply]:
        return self._loop.run_until_complete(self._gather(asks))

    async def _gather(self, asks: Sequence[Ask]) -> list[Reply]:
        return list(await asyncio.gather(*(self._one(ask) for ask in asks)))

    async def _one(self, ask: Ask) -> Reply:
        reply = Reply()
        path, _, query = ask.path.partition("?")
        given = {**ask.headers, "content-length": str(len(ask.body)), "host": "testserver"}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": ask.method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
            "state": {},
        }
        unread = [{"type": "http.request", "body": ask.body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if unread:
                return unread.pop()
            await asyncio.Event().wait()
            raise AssertionError("nothing more comes")

        async def send(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            elif message["type"] == "http.response.body":
                reply.body += message.get("body", b"")

        try:
            await self._app(scope, receive, send)
        except Exception as crash:
            reply.crash = crash
        return reply


def without_waiting(dsn: str) -> None:
    """Nobody cuts the power of a simulation: its commits need not wait for the disk."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        name = psycopg.sql.Identifier(connection.info.dbname)
        connection.execute(psycopg.sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
