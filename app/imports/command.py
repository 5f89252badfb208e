"""`python -m app import DIR`: every table of a folder, without a server."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from app.domain.import_rows import TABLES
from app.imports.commands import make_run, work_through
from app.imports.models import ImportRun
from app.imports.reading import Format, read_file
from app.imports.tables import TableName
from app.kit import clock
from app.kit.problems import NotFound
from app.kit.runtime import Runtime

FolderProgress = Callable[[str, int, int], None]
"""Told the table, the rows done and the rows in all, after each chunk."""


def files_of(folder: Path) -> list[tuple[TableName, Format, Path]]:
    """What can be imported of a folder (`work_orders.csv`, `events.ndjson`, ...), in the order to take it."""
    named = [(table, form, folder / f"{table}.{form}") for table in TableName for form in Format]
    return [(table, form, path) for table, form, path in named if path.is_file()]


def import_folder(
    runtime: Runtime,
    organization_id: UUID,
    folder: Path,
    on_progress: FolderProgress = lambda table, done, total: None,
) -> list[ImportRun]:
    """Import every table of a folder, a transaction for each chunk of rows; returns the reports in that order.

    Raises:
        NotFound: there is no file of a table in the folder.
        HeaderNotWellFormed: a CSV file does not name columns of its table; earlier files are imported by then.
    """
    files = files_of(folder)
    if not files:
        raise NotFound("There is no file of a table in this folder.", folder=str(folder), tables=list(TableName))
    return [_import_file(runtime, organization_id, one, on_progress) for one in files]


def _import_file(
    runtime: Runtime, organization_id: UUID, file: tuple[TableName, Format, Path], on_progress: FolderProgress
) -> ImportRun:
    table, form, path = file
    found = list(read_file(path.read_bytes(), form, TABLES[table]))
    with runtime.transaction(organization_id) as db:
        run_id = make_run(db, organization_id, table, form, by=None, at=clock.now()).id
    on_progress(table, 0, len(found))
    work_through(runtime, organization_id, run_id, found, lambda done, total: on_progress(table, done, total))
    with runtime.transaction(organization_id) as db:
        run = db.get(ImportRun, (organization_id, run_id))
        assert run is not None
        return run
