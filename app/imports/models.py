"""Historic records from elsewhere: each run, what it took and what it refused."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.kit.database import Table, index, json_field, one_of, time_field


class ImportState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ImportRun(Table, table=True):
    """One file for one table. `refusals` has the line, the record's own key and the reason of each refused row, and
    `warnings` what was odd about rows that were taken: the first thousand of each; the counts are of all."""

    __tablename__ = "imports"
    __table_args__ = (
        one_of(ImportState, "state"),
        index("created_at", name="ix_imports_created_at"),
    )

    table_name: str
    format: str
    state: ImportState = Field(default=ImportState.QUEUED, sa_type=sa.Text)
    rows_total: int = 0
    rows_done: int = 0
    rows_created: int = 0
    rows_updated: int = 0
    rows_unchanged: int = 0
    rows_refused: int = 0
    rows_warned: int = 0
    refusals: list[dict[str, Any]] = json_field(list)
    warnings: list[dict[str, Any]] = json_field(list)
    body: bytes | None = None
    """Kept only while the run waits for the worker."""
    created_by: UUID | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = time_field()
