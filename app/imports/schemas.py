"""Reports of imports."""

from uuid import UUID

from pydantic import Field

from app.imports.models import ImportState
from app.imports.reading import Format
from app.imports.tables import TableName
from app.kit.schemas import Out, UtcTime


class RemarkOut(Out):
    """Why a row was refused, or what was odd about it: `line` is where it begins in the file, `key` is its own key."""

    line: int
    key: str
    code: str
    detail: str
    field: str | None


class ImportSummaryOut(Out):
    """One file and what became of its rows: created, updated, unchanged and refused make the rows that are done."""

    id: UUID
    table: TableName = Field(validation_alias="table_name")
    format: Format
    state: ImportState
    rows_total: int
    rows_done: int
    rows_created: int
    rows_updated: int
    rows_unchanged: int
    rows_refused: int
    rows_warned: int
    created_by: UUID | None
    created_at: UtcTime
    finished_at: UtcTime | None


class ImportOut(ImportSummaryOut):
    """The whole report; `refusals` and `warnings` hold the first thousand of each."""

    refusals: list[RemarkOut]
    warnings: list[RemarkOut]


class ImportTotalsOut(Out):
    """Records that came from elsewhere, by kind."""

    work_orders: int
    status_events: int
    visits: int
    parts: int
    surveys: int
    teams: int
    technicians: int
    customers: int
    sites: int
    assets: int
