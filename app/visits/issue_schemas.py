"""Shapes of the routes of issues."""

from typing import Any
from uuid import UUID

from app.kit.paging import PageQuery
from app.kit.schemas import In, Key, Line, Out, UtcTime
from app.visits.models import IssueState, Owner, Severity
from app.visits.schemas import ScheduleIn


class ResolutionIn(In):
    """What to do about an issue: one of its `choices`.

    `attach` puts the report on `visit_id`, or on the visit that it named; `new_visit` plans `visit`; `discard` needs a
    reason. A reason also plans all the same what `accept` or `new_visit` would not plan, as a `force_reason` does.
    """

    choice: Key
    reason: Line | None = None
    visit_id: UUID | None = None
    visit: ScheduleIn | None = None


class IssueQuery(PageQuery):
    state: IssueState | None = None
    owner: Owner | None = None
    work_order_id: UUID | None = None
    technician_id: UUID | None = None


class IssueTextOut(Out):
    """What an issue says: a key to look the text up by, what the text names, and the same in English."""

    key: str
    params: dict[str, Any]
    en: str


class IssueOut(Out):
    """The field is not as the plan says. `op_id` is the report that it is about; `report` what that said, if noted."""

    id: UUID
    version: int
    severity: Severity
    code: str
    owner: Owner
    technician_id: UUID | None
    technician_name: str | None
    op_id: UUID | None
    work_order_id: UUID | None
    work_order_number: str | None
    work_order_title: str | None
    visit_id: UUID | None
    text: IssueTextOut
    choices: list[str]
    report: dict[str, Any] | None
    effective_at: UtcTime
    recorded_at: UtcTime
    state: IssueState
    choice: str | None
    reason: str | None
    resolved_by: UUID | None
    resolved_by_name: str | None
    resolved_at: UtcTime | None
