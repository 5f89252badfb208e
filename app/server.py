"""Serving: migrate, make the first admin, listen, work, and stop in order."""

import socket
import sys
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from rich.console import Console
from starlette.types import ASGIApp, Receive, Scope, Send

from app.bootstrap import first_admin
from app.kit.logs import configure
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.main import build_runtime, create_app
from app.migrate import migrate
from app.sync.chaos import HANG_UP
from app.sync.news import News


class Server(uvicorn.Server):
    """A server that lets nobody wait for news while it waits for its open connections."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._news: News = app.state.news

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._news.end()
        await super().shutdown(sockets)


class Abrupt:
    """Lets the application break a connection off without a word, as `Sync-Chaos` may ask it to."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = getattr(send, "__self__", None)
        if scope["type"] == "http" and exchange is not None:
            scope.setdefault("extensions", {})[HANG_UP] = exchange.transport.abort
        await self.app(scope, receive, send)


def run(
    settings: Settings, dsn: str, *, demo: bool, out: Console, sandbox: Callable[[Runtime], None] | None = None
) -> None:
    """Serve until stopped by a signal. `sandbox` makes the sandbox, and says how to begin with it."""
    configure(settings.log_level)
    migrate(dsn)
    runtime = build_runtime(settings, dsn)
    if sandbox is not None:
        sandbox(runtime)
    elif demo:
        from app.demo.organization import ensure_demo_organization

        ensure_demo_organization(runtime, out)
    elif (link := first_admin(runtime)) is not None:
        out.print(f"Make the first admin here, once: {link}", soft_wrap=True)
    app = create_app(runtime)
    config = uvicorn.Config(
        app if sandbox is None else Abrupt(app),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    server = Server(config, app)
    server.run()
    if not server.started:
        sys.exit(3)
