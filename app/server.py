"""Serving: migrate, make the first admin, listen, work, and stop in order."""

import sys

import uvicorn
from rich.console import Console

from app.bootstrap import first_admin
from app.kit.logs import configure
from app.kit.settings import Settings
from app.main import build_runtime, create_app
from app.migrate import migrate


def run(settings: Settings, dsn: str, *, demo: bool, out: Console) -> None:
    """Serve until stopped by a signal."""
    configure(settings.log_level)
    migrate(dsn)
    runtime = build_runtime(settings, dsn)
    if demo:
        from app.demo.organization import ensure_demo_organization

        ensure_demo_organization(runtime, out)
    elif (link := first_admin(runtime)) is not None:
        out.print(f"Make the first admin here, once: {link}", soft_wrap=True)
    config = uvicorn.Config(
        create_app(runtime),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(3)
