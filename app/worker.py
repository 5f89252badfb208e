"""The worker as a process of its own: `python -m app worker`."""

import asyncio
import contextlib
import signal

from app.kit.logs import configure
from app.kit.queue import work
from app.kit.settings import Settings
from app.main import build_runtime


def run(settings: Settings, dsn: str) -> None:
    """Work off the queue until SIGTERM or Ctrl-C; what has begun is finished."""
    configure(settings.log_level)
    runtime = build_runtime(settings, dsn)

    async def until_stopped() -> None:
        async with runtime.queue.open_async():
            working = asyncio.create_task(work(runtime.queue))
            for one in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(one, working.cancel)
            with contextlib.suppress(asyncio.CancelledError):
                await working

    asyncio.run(until_stopped())
    runtime.engine.dispose()
