"""Takes files of historic records: at once in the request, or chunk by chunk by the worker.

Each row is stored whole or not at all, and no row stops the others. A chunk is one transaction of the worker; the run
counts the rows that are done in the same transaction, so a worker that dies goes on where it stood.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import psycopg
import structlog
from sqlmodel import Session, col, select

from app.domain.import_rows import TABLES
from app.identity.access import Caller
from app.identity.models import Organization
from app.imports.batch import Batch, Outcome
from app.imports.models import ImportRun, ImportState
from app.imports.reading import Format, Read, Refused, read_file
from app.imports.tables import STORE, TableName
from app.kit import clock
from app.kit.database import rows
from app.kit.queue import Task, enqueue
from app.kit.runtime import Runtime

log = structlog.get_logger("firstfix.imports")

RUN = "imports.run"
CHUNK = 2_000
KEPT = 1_000
#: A large set in one statement takes longer than a request's usual statement may. And the plans that check foreign
#: keys are kept for as long as a connection lives: made when tables were small they read whole tables, row by row.
PATIENCE = (
    "SELECT set_config('statement_timeout', '120s', true), set_config('lock_timeout', '20s', true), "
    "set_config('enable_seqscan', 'off', true)"
)
FRESH_PLANS = "DISCARD PLANS"
#: Imports of one organization wait for one another: two of the same file would meet at every row.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('imports' || %(organization_id)s::text, 0))"

Progress = Callable[[int, int], None]


def import_now(db: Session, table: TableName, form: Format, body: bytes, *, by: Caller, at: datetime) -> ImportRun:
    """Take the file in this transaction.

    Raises:
        HeaderNotWellFormed: the first line of a CSV file does not name columns of the table.
    """
    found = list(read_file(body, form, TABLES[table]))
    run = make_run(db, by.organization_id, table, form, by=by.id, at=at)
    run.rows_total = len(found)
    for begin in range(0, len(found), CHUNK):
        take_chunk(db, run, found[begin : begin + CHUNK], at=at)
    finish(db, run, at=at)
    return run


def import_later(db: Session, table: TableName, form: Format, body: bytes, *, by: Caller, at: datetime) -> ImportRun:
    """Keep the file for the worker.

    Raises:
        HeaderNotWellFormed: as above; this much is looked at now.
    """
    read_file(body, form, TABLES[table])
    run = make_run(db, by.organization_id, table, form, by=by.id, at=at)
    run.body = body
    db.add(run)
    db.flush()
    enqueue(db, RUN, organization_id=by.organization_id, import_id=run.id)
    return run


def make_run(
    db: Session, organization_id: UUID, table: TableName, form: Format, *, by: UUID | None, at: datetime
) -> ImportRun:
    run = ImportRun(
        organization_id=organization_id, table_name=table.value, format=form.value, created_by=by, created_at=at
    )
    db.add(run)
    db.flush()
    return run


def take_chunk(db: Session, run: ImportRun, chunk: Sequence[Read | Refused], *, at: datetime) -> None:
    """Store the rows of this chunk and count them in the run."""
    rows(db, PATIENCE)
    rows(db, FRESH_PLANS)
    rows(db, ONE_AT_A_TIME, organization_id=run.organization_id)
    currency = db.exec(select(Organization.currency).where(Organization.id == run.organization_id)).one()
    batch = Batch(db, run.organization_id, run.id, currency, at)
    outcome = Outcome(refused=[one for one in chunk if isinstance(one, Refused)])
    outcome += store(batch, TableName(run.table_name), [one for one in chunk if isinstance(one, Read)])
    run.state = ImportState.RUNNING
    run.rows_done += len(chunk)
    run.rows_created += outcome.created
    run.rows_updated += outcome.updated
    run.rows_unchanged += outcome.unchanged
    run.rows_refused += len(outcome.refused)
    run.rows_warned += len(outcome.warnings)
    run.refusals = kept(run.refusals, outcome.refused)
    run.warnings = kept(run.warnings, outcome.warnings)
    db.add(run)
    db.flush()


def kept(earlier: Sequence[dict[str, object]], more: Iterable[Refused]) -> list[dict[str, object]]:
    found = sorted((asdict(one) for one in more), key=lambda one: one["line"])
    return [*earlier, *found][:KEPT]


def store(batch: Batch, table: TableName, given: Sequence[Read]) -> Outcome:
    """Store these rows; where the database refuses them all, find the row that it means."""
    if not given:
        return Outcome()
    try:
        with batch.db.begin_nested():
            return STORE[table](batch, given)
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(given) == 1:
            outcome = Outcome()
            outcome.refuse(given[0], "not-stored", f"The database refused it: {_what(error)}.")
            return outcome
    half = len(given) // 2
    outcome = store(batch, table, given[:half])
    outcome += store(batch, table, given[half:])
    return outcome


def _what(error: psycopg.Error) -> str:
    return error.diag.constraint_name or type(error).__name__


def finish(db: Session, run: ImportRun, *, at: datetime) -> None:
    run.state, run.body, run.finished_at = ImportState.DONE, None, at
    db.add(run)
    db.flush()


def run_import(runtime: Runtime, *, organization_id: str, import_id: str) -> None:
    """The worker's part: go on with the run where it stands. Safe to run twice, and at the same time."""
    owner, run_id = UUID(organization_id), UUID(import_id)
    with runtime.transaction(owner) as db:
        run = _unfinished(db, run_id)
        if run is None or run.body is None:
            return
        table, form, body = TableName(run.table_name), Format(run.format), run.body
    found = list(read_file(body, form, TABLES[table]))
    try:
        work_through(runtime, owner, run_id, found)
    except psycopg.OperationalError:
        raise
    except Exception:
        log.exception("import failed", import_id=import_id)
        _fail(runtime, owner, run_id)


def work_through(
    runtime: Runtime,
    organization_id: UUID,
    run_id: UUID,
    found: Sequence[Read | Refused],
    on_progress: Progress = lambda done, total: None,
) -> None:
    """Take the rows of a run that are not done yet, a transaction for each chunk."""
    while True:
        at = clock.now()
        with runtime.transaction(organization_id) as db:
            run = _unfinished(db, run_id)
            if run is None:
                return
            run.rows_total = len(found)
            chunk = found[run.rows_done : run.rows_done + CHUNK]
            if chunk:
                take_chunk(db, run, chunk, at=at)
            done = run.rows_done
            if done >= len(found):
                finish(db, run, at=clock.now())
        on_progress(done, len(found))


def _unfinished(db: Session, run_id: UUID) -> ImportRun | None:
    waiting = (ImportState.QUEUED, ImportState.RUNNING)
    query = select(ImportRun).where(ImportRun.id == run_id, col(ImportRun.state).in_(waiting)).with_for_update()
    return db.exec(query).one_or_none()


def _fail(runtime: Runtime, organization_id: UUID, run_id: UUID) -> None:
    with runtime.transaction(organization_id) as db:
        run = _unfinished(db, run_id)
        if run is not None:
            run.state, run.body, run.finished_at = ImportState.FAILED, None, clock.now()
            db.add(run)


TASKS = (Task(RUN, run_import),)
