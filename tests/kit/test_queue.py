"""The worker outlives its database."""

import asyncio
from contextlib import suppress
from typing import Any

import procrastinate
import psycopg
import pytest

from app.kit import queue


class Interrupted:
    """A queue whose database goes away the first time; the second time it is worked off until canceled."""

    def __init__(self, trouble: Exception) -> None:
        self.trouble: Exception | None = trouble
        self.working = asyncio.Event()

    async def run_worker_async(self, **options: Any) -> None:
        if self.trouble is not None:
            trouble, self.trouble = self.trouble, None
            raise trouble
        self.working.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize("trouble", [procrastinate.exceptions.ConnectorException(), psycopg.OperationalError()])
def test_a_worker_whose_database_was_away_begins_anew(trouble: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "AGAIN_SECONDS", 0)

    async def until_it_works_again() -> None:
        interrupted = Interrupted(trouble)
        working = asyncio.create_task(queue.work(interrupted))  # type: ignore[arg-type]
        await asyncio.wait_for(interrupted.working.wait(), 5)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working

    asyncio.run(until_it_works_again())
