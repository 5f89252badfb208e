"""Durable work: procrastinate in the same database. A task only nudges; the domain row is the truth.

A handler is a plain function `handler(runtime, **ids)`. It may run more than once and must ask its row first.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import procrastinate
import psycopg
import structlog
from sqlmodel import Session

from app.kit.runtime import Runtime

Handler = Callable[..., None]
log = structlog.get_logger("firstfix.queue")
#: After the database was away, the worker looks again this often.
AGAIN_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Task:
    """Work that a transaction asks for: `name` is what rows in the queue are called."""

    name: str
    handler: Handler
    attempts: int = 12


@dataclass(frozen=True, slots=True)
class Sweep:
    """Work that is due by the clock: `handler(runtime)` at each tick of `cron`."""

    name: str
    cron: str
    handler: Handler


def enqueue(db: Session, task: str, *, in_seconds: int = 0, **ids: Any) -> None:
    """Ask for a task in this transaction: it runs when, and only when, the transaction commits."""
    connection = db.connection().connection.dbapi_connection
    schedule: Any = {"seconds": in_seconds} if in_seconds else None
    configured = _door().configure_task(task, connection=connection, schedule_in=schedule)
    configured.defer(**{name: str(value) for name, value in ids.items()})


@cache
def _door() -> procrastinate.App:
    """Takes work in through the caller's connection and opens none: an app of a worker takes async ones only."""
    return procrastinate.App(connector=procrastinate.SyncPsycopgConnector())


def make_queue(runtime: Runtime, tasks: Sequence[Task], sweeps: Sequence[Sweep]) -> procrastinate.App:
    """The queue of this process, with every handler registered."""
    connector = procrastinate.PsycopgConnector(conninfo=runtime.dsn, min_size=1, max_size=4)
    queue = procrastinate.App(connector=connector)
    for task in tasks:
        retry = procrastinate.RetryStrategy(max_attempts=task.attempts, exponential_wait=2)
        queue.task(name=task.name, retry=retry)(_named(partial(task.handler, runtime), task.name))
    for sweep in sweeps:
        queue.periodic(cron=sweep.cron)(queue.task(name=sweep.name)(_sweeping(runtime, sweep)))
    queue.periodic(cron="* * * * *")(queue.task(name="queue.rescue", pass_context=True)(_rescue))
    return queue


def _named(handler: Callable[..., None], name: str) -> Callable[..., None]:
    def run(**ids: Any) -> None:
        handler(**ids)

    run.__name__ = run.__qualname__ = name
    return run


def _sweeping(runtime: Runtime, sweep: Sweep) -> Callable[[int], None]:
    def run(timestamp: int) -> None:
        sweep.handler(runtime)

    run.__name__ = run.__qualname__ = sweep.name
    return run


async def _rescue(context: procrastinate.JobContext, timestamp: int) -> None:
    """Queue again what dead workers held; procrastinate does not do it by itself."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        await manager.retry_job(job)


async def work(queue: procrastinate.App, *, concurrency: int = 4) -> None:
    """Work off the queue until canceled; finishes what it has begun, and begins anew when the database was away."""
    while True:
        try:
            await queue.run_worker_async(
                concurrency=concurrency,
                fetch_job_polling_interval=1,
                shutdown_graceful_timeout=10,
                install_signal_handlers=False,
                delete_jobs="successful",
            )
        except (procrastinate.exceptions.ConnectorException, psycopg.OperationalError) as trouble:
            log.warning("the queue is interrupted", error=type(trouble).__name__)
        await asyncio.sleep(AGAIN_SECONDS)
