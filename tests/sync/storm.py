"""Transactions that meet: each is held open after it has got its places in the feeds, as long as the test wants."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
from sqlmodel import Session

from app.identity.models import Organization
from app.kit import clock
from app.kit.changes import Kind, touch, work_off
from app.kit.database import enter, rows
from app.kit.runtime import Runtime
from app.visits.models import Issue, Owner, Severity
from app.work_orders.models import Note
from tests.conftest import Somebody


@contextmanager
def placed(runtime: Runtime, organization_id: UUID, write: Callable[[Session], None]) -> Iterator[Session]:
    """Writes, gets its places, and stays open for the block; then it commits, unless the block raises."""
    with runtime.session() as db:
        enter(db, organization_id)
        write(db)
        db.flush()
        work_off(db, runtime.before_commit)
        yield db
        db.commit()


class ChangedMind(Exception):
    """The transaction is undone."""


def write_slowly(
    runtime: Runtime, organization_id: UUID, write: Callable[[Session], None], *, seconds: float, keep: bool
) -> None:
    """One transaction that stays open so long after it has got its places; undone in the end unless `keep`."""
    with suppress(ChangedMind), placed(runtime, organization_id, write):
        time.sleep(seconds)
        if not keep:
            raise ChangedMind


def together(*jobs: Callable[[], Any]) -> list[BaseException]:
    """Runs them all at once; what went wrong in them."""
    wrong: list[BaseException] = []

    def run(job: Callable[[], Any]) -> None:
        try:
            job()
        except BaseException as error:
            wrong.append(error)

    threads = [Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def notes_on(organization: Organization, visit: dict[str, Any], by: Somebody, text: str) -> Callable[[Session], None]:
    """Something that changes a job's document."""

    def write(db: Session) -> None:
        at = clock.now()
        db.add(
            Note(
                organization_id=organization.id,
                work_order_id=UUID(visit["work_order_id"]),
                visit_id=UUID(visit["id"]),
                author_id=by.id,
                author_name="Ana",
                text=text,
                internal=False,
                effective_at=at,
                recorded_at=at,
            )
        )
        touch(db, organization.id, Kind.WORK_ORDER, UUID(visit["work_order_id"]))

    return write


def mends_notes_of(organization: Organization, visit: dict[str, Any], text: str) -> Callable[[Session], None]:
    """Something that changes a job's document and waits for nobody who has its work order."""
    said = {"o": organization.id, "v": UUID(visit["id"]), "text": text}

    def write(db: Session) -> None:
        rows(db, "UPDATE notes SET text = %(text)s WHERE organization_id = %(o)s AND visit_id = %(v)s", **said)
        touch(db, organization.id, Kind.WORK_ORDER, UUID(visit["work_order_id"]))

    return write


def issues_for(organization: Organization, *technicians: UUID) -> Callable[[Session], None]:
    """A new thing in the feed of each of them, in this order."""

    def write(db: Session) -> None:
        at = clock.now()
        for technician_id in technicians:
            issue = Issue(
                organization_id=organization.id,
                severity=Severity.INFO,
                code="reassigned",
                owner=Owner.TECHNICIAN,
                technician_id=technician_id,
                choices=["ok"],
                effective_at=at,
                recorded_at=at,
            )
            db.add(issue)
            db.flush()
            touch(db, organization.id, Kind.ISSUE, issue.id)

    return write


def wait_until_somebody_waits(runtime: Runtime, *, patience_seconds: float = 20) -> None:
    """Until a connection of this database waits for another one."""
    over_at = time.monotonic() + patience_seconds
    with psycopg.connect(runtime.dsn, autocommit=True) as look:
        while time.monotonic() < over_at:
            found = look.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchone()
            if found is not None and found[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits for anybody")
