"""What the features above may react to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.kit.events import Happened


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitDispatched(Happened):
    """The technician was told, and what the visit is held to is settled; it may happen again."""

    work_order_id: UUID
    visit_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class PartsNeeded(Happened):
    """A trip ended without a solution, and these parts are needed to go on; `report_id` is the report that says so."""

    work_order_id: UUID
    visit_id: UUID
    technician_id: UUID | None
    report_id: UUID
    part_numbers: tuple[str, ...]
    recorded_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ChoiceMade(Happened):
    """Somebody chose what to do about an issue, and whatever the choice does to a visit is done."""

    issue_id: UUID
    code: str
    choice: str
    op_id: UUID | None
    by_id: UUID
