"""What technicians report beside their status: that they have read it, what they ticked, hours, another time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from app.domain.ledger import EventType
from app.domain.time_rule import ClockSource
from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.database import rows, utc_iso
from app.kit.problems import Unprocessable
from app.kit.repeats import fingerprint_of
from app.visits.commands.assignment import field_ledger
from app.visits.commands.issues import raise_issue
from app.visits.issue_texts import IssueCode
from app.visits.models import Issue, Owner, Severity, TaskResult
from app.visits.schemas import ProposalIn, TaskIn, TimeIn
from app.work_orders.commands import IdReused, actor_of
from app.work_orders.ledger import NewEvent, record
from app.work_orders.terms import held_to


class TimeNotPossible(Unprocessable):
    """It ends before it begins, or lies in the future."""

    code = "time-not-possible"


def mark_seen(db: Session, visit_id: UUID, *, id: UUID, effective_at: datetime, by: Caller, at: datetime) -> bool:
    """The technician has read the job; whether that was known, or is of no matter since somebody else is to go.

    Raises:
        NotFound: the visit is not the technician's and never was.
        NotAssigned: it was not yet.
    """
    ledger = field_ledger(db, visit_id, by=by, effective_at=effective_at)
    visit = ledger.visits[visit_id]
    if visit.seen_at is not None or visit.technician_id != by.technician_id:
        return True
    seen = NewEvent(
        type=EventType.VISIT_SEEN,
        at=max(effective_at, ledger.visit_rows[visit_id]["recorded_at"]),
        data={"technician_id": by.technician_id},
        visit_id=visit_id,
        id=id,
        clock_source=ClockSource.DEVICE,
    )
    record(db, ledger, [seen], by=actor_of(by), at=at)
    return False


def set_task(db: Session, visit_id: UUID, given: TaskIn, *, effective_at: datetime, by: Caller, at: datetime) -> bool:
    """Answer an item of the checklist; whether the checklist that the visit is pinned to has this item.

    What was answered last counts, by `effective_at`; what came before stays. An unknown item is kept too.

    Raises:
        NotFound, NotAssigned: see `field_ledger`.
        IdReused: the id came earlier with another answer.
    """
    ledger = field_ledger(db, visit_id, by=by, effective_at=effective_at)
    values = {
        "organization_id": by.organization_id,
        **given.model_dump(),
        "visit_id": visit_id,
        "technician_id": by.technician_id,
        "effective_at": effective_at,
        "recorded_at": at,
    }
    adding = insert(TaskResult).values(values).on_conflict_do_nothing().returning(TaskResult)
    if db.scalars(adding).one_or_none() is None:
        _check_same(db.get_one(TaskResult, (by.organization_id, given.id)), values)
    touch(db, by.organization_id, Kind.WORK_ORDER, ledger.id)
    return any(item.get("id") == given.task_id for item in held_to(db, ledger, visit_id).checklist)


def _check_same(earlier: TaskResult, values: Mapping[str, Any]) -> None:
    """
    Raises:
        IdReused: it is another answer.
    """
    if any(getattr(earlier, name) != values[name] for name in ("visit_id", "task_id", "done", "value")):
        raise IdReused("This id came earlier with another answer.", id=str(earlier.id))


def add_time(db: Session, visit_id: UUID, given: TimeIn, *, effective_at: datetime, by: Caller, at: datetime) -> None:
    """Hours that the technician typed, beside those that follow from the reports; what overlaps is counted once.

    Raises:
        NotFound, NotAssigned: see `field_ledger`; it must have been the technician's by the end of these hours.
        TimeNotPossible: see there.
        IdReused: the id came earlier with something else.
    """
    if not given.started_at < given.ended_at <= at:
        error = {"pointer": "/body/ended_at", "code": TimeNotPossible.code, "detail": "after started_at, not after now"}
        raise TimeNotPossible("Hours end after they begin, and not in the future.", errors=[error])
    ledger = field_ledger(db, visit_id, by=by, effective_at=effective_at)
    said = fingerprint_of(given, about=(visit_id, by.id))
    if (earlier := _event(db, by.organization_id, given.id)) is not None:
        if bytes(earlier["body_hash"] or b"") != said:
            raise IdReused("This id came earlier with something else.", id=str(given.id))
        return
    data = {**given.model_dump(mode="json", exclude={"id"}, exclude_none=True), "technician_id": by.technician_id}
    added = NewEvent(
        type=EventType.TIME_ADDED,
        at=effective_at,
        data=data,
        visit_id=visit_id,
        id=given.id,
        clock_source=ClockSource.DEVICE,
        body_hash=said,
    )
    record(db, ledger, [added], by=actor_of(by), at=at)


def _event(db: Session, organization_id: UUID, event_id: UUID) -> dict[str, Any] | None:
    found = rows(
        db, "SELECT body_hash FROM events WHERE organization_id = %(o)s AND id = %(i)s", o=organization_id, i=event_id
    )
    return found[0] if found else None


def propose_schedule(
    db: Session, visit_id: UUID, given: ProposalIn, *, effective_at: datetime, by: Caller, at: datetime
) -> Issue:
    """Ask the dispatcher for another time; the plan is theirs.

    Raises:
        NotFound, NotAssigned: see `field_ledger`.
    """
    ledger = field_ledger(db, visit_id, by=by, effective_at=effective_at)
    times = {"start": utc_iso(given.start), "end": utc_iso(given.end)}
    return raise_issue(
        db,
        by.organization_id,
        IssueCode.SCHEDULE_PROPOSED,
        owner=Owner.DISPATCHER,
        severity=Severity.INFO,
        choices=("accept", "decline"),
        at=at,
        effective_at=effective_at,
        op_id=given.id,
        technician_id=by.technician_id,
        work_order_id=ledger.id,
        visit_id=visit_id,
        params={**times, "reason": given.reason, "by": by.name, "number": ledger.row["number"]},
    )
