"""Events are the only truth: this module folds them into the state of a work order and of its visits.

The fold is total: it never asks whether an event was allowed, that was settled when the event was written. The
status columns of the database are what the fold says; replaying all events must give exactly the same.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.domain.lifecycle import OPEN_VISIT, PLANNED, UNDERWAY, Outcome, VisitStatus, WorkOrderStatus

V, W = VisitStatus, WorkOrderStatus


class EventType(StrEnum):
    """Public names of what can happen, in the past tense."""

    CREATED = "work_order.created"
    IMPORTED = "work_order.imported"
    STATUS_RECORDED = "work_order.status_recorded"
    EDITED = "work_order.edited"
    APPROVED = "work_order.approved"
    REJECTED = "work_order.rejected"
    HELD = "work_order.held"
    RELEASED = "work_order.released"
    COMPLETED_REMOTELY = "work_order.completed_remotely"
    CLOSED = "work_order.closed"
    SENT_BACK = "work_order.sent_back"
    CANNOT_COMPLETE = "work_order.cannot_complete"
    REOPENED = "work_order.reopened"
    CANCELED = "work_order.canceled"
    VISIT_SCHEDULED = "visit.scheduled"
    VISIT_RESCHEDULED = "visit.rescheduled"
    VISIT_REASSIGNED = "visit.reassigned"
    VISIT_DISPATCHED = "visit.dispatched"
    VISIT_ACCEPTED = "visit.accepted"
    VISIT_DECLINED = "visit.declined"
    VISIT_DEPARTED = "visit.departed"
    VISIT_ARRIVED = "visit.arrived"
    VISIT_STARTED = "visit.started"
    VISIT_PAUSED = "visit.paused"
    VISIT_RESUMED = "visit.resumed"
    VISIT_COMPLETED = "visit.completed"
    VISIT_ENDED_INCOMPLETE = "visit.ended_incomplete"
    VISIT_NO_ACCESS = "visit.no_access"
    VISIT_NO_SHOW = "visit.no_show"
    VISIT_NO_SHOW_WITHDRAWN = "visit.no_show_withdrawn"
    VISIT_CANCELED = "visit.canceled"
    VISIT_TIME_CORRECTED = "visit.time_corrected"
    VISIT_VERIFIED = "visit.verified"
    VISIT_IMPORTED = "visit.imported"
    MEMBER_JOINED = "visit.member_joined"
    MEMBER_LEFT = "visit.member_left"
    MEMBER_DEPARTED = "visit.member_departed"
    MEMBER_ARRIVED = "visit.member_arrived"
    MEMBER_PAUSED = "visit.member_paused"
    MEMBER_RESUMED = "visit.member_resumed"
    ORPHANED = "visit.orphaned"
    REPORTED = "visit.reported"
    VISIT_SEEN = "visit.seen"
    TIME_ADDED = "time.added"
    CLOSURE_SUBMITTED = "closure.submitted"
    CLOSURE_REVIEWED = "closure.reviewed"
    CLOSURE_CONFIRMED = "closure.confirmed"
    CLOSURE_WAIVED = "closure.waived"
    CLOSURE_AMENDED = "closure.amended"
    NOTE_ADDED = "note.added"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened at `at` (effective time); `seq` counts the events of one work order as they were recorded."""

    seq: int
    type: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    visit_id: UUID | None = None
    implied: bool = False


@dataclass(slots=True)
class VisitState:
    """The cached columns of a visit; each is what the fold over its events says."""

    id: UUID
    status: VisitStatus = V.SCHEDULED
    round: int = 0
    technician_id: UUID | None = None
    team_id: UUID | None = None
    partner_id: UUID | None = None
    employment: str | None = None
    work_type_version: int | None = None
    terms_id: UUID | None = None
    paused_from: VisitStatus | None = None
    attended: bool = False
    scheduled_start: datetime | None = None
    scheduled_end: datetime | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    first_window_start: datetime | None = None
    first_window_end: datetime | None = None
    dispatched_at: datetime | None = None
    accepted_at: datetime | None = None
    seen_at: datetime | None = None
    departed_at: datetime | None = None
    arrived_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    verified_at: datetime | None = None
    outcome: Outcome | None = None
    incomplete_reason: str | None = None
    cancel_cause: str | None = None
    resolution_code: str | None = None
    verification: str | None = None


@dataclass(slots=True)
class WorkOrderState:
    """The cached columns of a work order; each is what the fold over its events says."""

    status: WorkOrderStatus = W.NEW
    substatus: str | None = None
    hold_reason: str | None = None
    held: bool = False
    approved: bool = False
    rework: bool = False
    remote: bool = False
    ended_as: WorkOrderStatus | None = None
    changes_requested: bool = False
    requested_at: datetime | None = None
    approved_at: datetime | None = None
    first_assigned_at: datetime | None = None
    first_completed_at: datetime | None = None
    resolved_at: datetime | None = None
    first_closed_at: datetime | None = None
    closed_at: datetime | None = None
    canceled_at: datetime | None = None
    cancel_cause: str | None = None
    outcome: Outcome | None = None
    resolution_code: str | None = None
    reopen_count: int = 0
    event_count: int = 0
    last_event_at: datetime | None = None
    late_events: bool = False


@dataclass(frozen=True, slots=True)
class StatusInterval:
    """From `entered_at` until `left_at` (None: still so) the work order had this status."""

    status: WorkOrderStatus
    entered_at: datetime
    left_at: datetime | None = None
    hold_reason: str | None = None
    recorded_status: str | None = None
    substatus: str | None = None
    implied: bool = False


def derive(order: WorkOrderState, visits: Iterable[VisitState]) -> WorkOrderStatus:
    """The status that follows from the visits of the present round; the last outcome in time decides.

    Made total from Dynamics 365 Field Service's table of booking statuses: there "Completed + Partially
    Completed" gives Completed, here an incomplete visit after a completed one means that work is left.
    """
    if order.ended_as is not None:
        return order.ended_as
    if order.held:
        return W.ON_HOLD
    mine = [visit for visit in visits if visit.round == order.reopen_count]
    if any(visit.status in UNDERWAY for visit in mine):
        return W.IN_PROGRESS
    attended = any(visit.attended for visit in mine)
    if any(visit.status in PLANNED for visit in mine):
        return W.IN_PROGRESS if attended else W.SCHEDULED
    if order.remote:
        return W.COMPLETED
    if order.rework:
        return W.IN_PROGRESS
    ended = [visit for visit in mine if visit.ended_at is not None and visit.outcome is not None]
    if ended and max(ended, key=lambda visit: (visit.ended_at, str(visit.id))).outcome is Outcome.RESOLVED:
        return W.COMPLETED
    return W.APPROVED if order.approved else W.NEW


def fold(
    events: Iterable[Event], order: WorkOrderState | None = None, visits: dict[UUID, VisitState] | None = None
) -> tuple[WorkOrderState, dict[UUID, VisitState]]:
    """The state after these events, from nothing or from where the given state stands (which is changed)."""
    state = order if order is not None else WorkOrderState()
    known = visits if visits is not None else {}
    for event in events:
        apply(state, known, event)
    return state, known


def apply(order: WorkOrderState, visits: dict[UUID, VisitState], event: Event) -> None:
    """Let one event take effect on the state."""
    order.event_count = max(order.event_count, event.seq)
    if event.type == EventType.VISIT_TIME_CORRECTED:
        order.late_events = True
    if order.last_event_at is not None and event.at < order.last_event_at:
        order.late_events = True
    order.last_event_at = max(order.last_event_at or event.at, event.at)
    change_order = ON_ORDER.get(event.type)
    if change_order is not None:
        change_order(order, event)
    if event.visit_id is not None and event.type not in ONLY_SAID:
        visit = visits.setdefault(event.visit_id, VisitState(id=event.visit_id, round=order.reopen_count))
        change_visit = ON_VISIT.get(event.type)
        if change_visit is not None:
            change_visit(visit, event)
        _what_a_visit_does_to_its_order(order, event)
    if event.type in LEAVES_STATUS:
        return
    before, order.status = order.status, derive(order, visits.values())
    if order.status is W.COMPLETED and before is not W.COMPLETED:
        _completed(order, event, visits)
    elif before is W.COMPLETED and order.status not in (W.COMPLETED, W.CLOSED):
        order.outcome = order.resolved_at = None


def _completed(order: WorkOrderState, event: Event, visits: Mapping[UUID, VisitState]) -> None:
    ended = [visit.ended_at for visit in visits.values() if visit.ended_at and visit.outcome is Outcome.RESOLVED]
    at = max(ended) if ended and event.type.startswith("visit.") else event.at
    if order.first_completed_at is None:
        order.first_completed_at = at
    order.resolved_at = at
    order.outcome = Outcome.RESOLVED
    if event.data.get("resolution_code"):
        order.resolution_code = event.data["resolution_code"]


def _what_a_visit_does_to_its_order(order: WorkOrderState, event: Event) -> None:
    if event.type == EventType.VISIT_SCHEDULED:
        if order.first_assigned_at is None:
            order.first_assigned_at = event.at
    elif event.type in ENDS_A_HOLD:
        order.held, order.hold_reason = False, None
    if event.type in (EventType.VISIT_COMPLETED, EventType.VISIT_ENDED_INCOMPLETE):
        order.rework = False
        order.changes_requested = False
    if event.type in MAY_HOLD and event.data.get("hold_reason"):
        order.held, order.hold_reason = True, event.data["hold_reason"]


#: What another system says keeps its own status, and what is only said changes none.
LEAVES_STATUS = frozenset(
    {
        EventType.IMPORTED,
        EventType.STATUS_RECORDED,
        EventType.VISIT_IMPORTED,
        EventType.EDITED,
        EventType.NOTE_ADDED,
        EventType.CLOSURE_CONFIRMED,
        EventType.CLOSURE_WAIVED,
        EventType.CLOSURE_AMENDED,
        EventType.VISIT_SEEN,
        EventType.REPORTED,
        EventType.TIME_ADDED,
    }
)
#: Said about a visit without doing anything to it; it may have happened before the visit was planned.
ONLY_SAID = frozenset({EventType.REPORTED, EventType.TIME_ADDED})
#: Work that goes on, or is done straight from the pause, is no longer on hold.
ENDS_A_HOLD = frozenset(
    {
        EventType.VISIT_DEPARTED,
        EventType.VISIT_ARRIVED,
        EventType.VISIT_STARTED,
        EventType.VISIT_RESUMED,
        EventType.VISIT_COMPLETED,
    }
)
MAY_HOLD = frozenset({EventType.VISIT_PAUSED, EventType.VISIT_ENDED_INCOMPLETE})


# What an event does to the work order ------------------------------------------------------------------


def _created(order: WorkOrderState, event: Event) -> None:
    order.status = W.NEW
    order.requested_at = event.at


def _approved(order: WorkOrderState, event: Event) -> None:
    order.approved, order.approved_at = True, event.at


def _held(order: WorkOrderState, event: Event) -> None:
    order.held, order.hold_reason = True, event.data["hold_reason"]


def _released(order: WorkOrderState, event: Event) -> None:
    order.held, order.hold_reason = False, None


def _completed_remotely(order: WorkOrderState, event: Event) -> None:
    order.remote = True
    order.resolution_code = event.data.get("resolution_code")


def _closed(order: WorkOrderState, event: Event) -> None:
    order.ended_as = W.CLOSED
    order.changes_requested = False
    order.first_closed_at = order.first_closed_at or event.at
    order.closed_at = event.at


def _sent_back(order: WorkOrderState, event: Event) -> None:
    order.changes_requested = True
    if event.data.get("revisit"):
        order.rework = True
        order.remote = False


def _closure_submitted(order: WorkOrderState, event: Event) -> None:
    order.changes_requested = False


def _cannot_complete(order: WorkOrderState, event: Event) -> None:
    order.ended_as = W.CANNOT_COMPLETE
    order.held, order.hold_reason = False, None


def _reopened(order: WorkOrderState, event: Event) -> None:
    order.ended_as = None
    order.approved = True
    order.rework = order.remote = order.changes_requested = False
    order.outcome = None
    order.resolved_at = order.closed_at = order.canceled_at = None
    order.cancel_cause = None
    order.reopen_count += 1


def _canceled(order: WorkOrderState, event: Event) -> None:
    order.ended_as = W.CANCELED
    order.held, order.hold_reason = False, None
    order.canceled_at = event.at
    order.cancel_cause = event.data.get("cause", "duplicate" if event.type == EventType.REJECTED else None)


def _imported(order: WorkOrderState, event: Event) -> None:
    """A record of another system: its own instants are taken as they are."""
    data = event.data
    order.status = W(data["status"])
    order.substatus = data.get("substatus")
    order.approved = True
    order.held = order.status is W.ON_HOLD
    order.ended_as = order.status if order.status in (W.CLOSED, W.CANCELED, W.CANNOT_COMPLETE) else None
    order.remote = order.status is W.COMPLETED
    order.requested_at = event.at
    order.approved_at = event.at
    order.first_assigned_at = instant(data.get("assigned_at"))
    order.resolved_at = instant(data.get("resolved_at"))
    order.closed_at = instant(data.get("closed_at"))
    completed_at = None if order.status is W.CANCELED else order.resolved_at or order.closed_at
    order.first_completed_at = earliest(order.first_completed_at, completed_at)
    order.first_closed_at = earliest(order.first_closed_at, order.closed_at)
    order.outcome = Outcome.RESOLVED if completed_at else None
    order.resolution_code = data.get("resolution_code")
    order.canceled_at = instant(data.get("canceled_at"))


def _status_recorded(order: WorkOrderState, event: Event) -> None:
    """A status that another system recorded: it can move first times earlier, and it counts reopenings.

    `reopens` is by how many reopenings the history has more with this event than without it.
    """
    status = W(event.data["status"])
    if status in (W.COMPLETED, W.CLOSED):
        order.first_completed_at = earliest(order.first_completed_at, event.at)
    if status is W.CLOSED:
        order.first_closed_at = earliest(order.first_closed_at, event.at)
    order.reopen_count += int(event.data.get("reopens", 0))


ON_ORDER: Mapping[str, Callable[[WorkOrderState, Event], None]] = {
    EventType.CREATED: _created,
    EventType.IMPORTED: _imported,
    EventType.STATUS_RECORDED: _status_recorded,
    EventType.APPROVED: _approved,
    EventType.REJECTED: _canceled,
    EventType.HELD: _held,
    EventType.RELEASED: _released,
    EventType.COMPLETED_REMOTELY: _completed_remotely,
    EventType.CLOSED: _closed,
    EventType.SENT_BACK: _sent_back,
    EventType.CLOSURE_SUBMITTED: _closure_submitted,
    EventType.CANNOT_COMPLETE: _cannot_complete,
    EventType.REOPENED: _reopened,
    EventType.CANCELED: _canceled,
}


# What an event does to its visit -----------------------------------------------------------------------


def _scheduled(visit: VisitState, event: Event) -> None:
    data = event.data
    visit.status = V.SCHEDULED
    if event.type == EventType.VISIT_REASSIGNED:
        visit.seen_at = None
    if data.get("technician_id"):
        visit.technician_id = UUID(str(data["technician_id"]))
        visit.team_id = UUID(str(data["team_id"])) if data.get("team_id") else None
        visit.partner_id = UUID(str(data["partner_id"])) if data.get("partner_id") else None
        visit.employment = data.get("employment")
    for name in ("scheduled_start", "scheduled_end", "window_start", "window_end"):
        if data.get(name) is not None:
            setattr(visit, name, instant(data[name]))
    if visit.first_window_start is None and visit.first_window_end is None:
        visit.first_window_start, visit.first_window_end = visit.window_start, visit.window_end
    visit.dispatched_at = visit.accepted_at = None
    _held_to(visit, event)


def _held_to(visit: VisitState, event: Event) -> None:
    if "terms_id" in event.data:
        known = event.data["terms_id"]
        visit.terms_id = UUID(str(known)) if known else None


def _dispatched(visit: VisitState, event: Event) -> None:
    visit.status, visit.dispatched_at = V.DISPATCHED, event.at
    visit.work_type_version = event.data.get("work_type_version")
    _held_to(visit, event)


def _seen(visit: VisitState, event: Event) -> None:
    """Only the one who is to go first counts, and only the first look."""
    if visit.seen_at is None and UUID(str(event.data["technician_id"])) == visit.technician_id:
        visit.seen_at = event.at


def _accepted(visit: VisitState, event: Event) -> None:
    visit.status, visit.accepted_at = V.ACCEPTED, event.at


def _declined(visit: VisitState, event: Event) -> None:
    visit.status, visit.ended_at = V.DECLINED, event.at


def _departed(visit: VisitState, event: Event) -> None:
    """A departure that is reported late, when the visit is further on, still gives its time."""
    if visit.status in PLANNED:
        visit.status = V.EN_ROUTE
    if not event.implied:
        visit.departed_at = min(visit.departed_at or event.at, event.at)


def _arrived(visit: VisitState, event: Event) -> None:
    if visit.status in PLANNED or visit.status is V.EN_ROUTE:
        visit.status = V.ON_SITE
    visit.attended = True
    visit.arrived_at = min(visit.arrived_at or event.at, event.at)


def _started(visit: VisitState, event: Event) -> None:
    if visit.status in PLANNED or visit.status in (V.EN_ROUTE, V.ON_SITE):
        visit.status = V.IN_PROGRESS
    visit.attended = True
    visit.started_at = min(visit.started_at or event.at, event.at)


def _paused(visit: VisitState, event: Event) -> None:
    visit.paused_from, visit.status = visit.status, V.PAUSED


def _resumed(visit: VisitState, event: Event) -> None:
    visit.status, visit.paused_from = visit.paused_from or V.IN_PROGRESS, None


def _visit_completed(visit: VisitState, event: Event) -> None:
    visit.status, visit.outcome, visit.ended_at, visit.paused_from = V.COMPLETED, Outcome.RESOLVED, event.at, None
    visit.attended = True
    visit.resolution_code = event.data.get("resolution_code")


def _ended_incomplete(visit: VisitState, event: Event) -> None:
    visit.status, visit.ended_at, visit.paused_from = V.INCOMPLETE, event.at, None
    visit.outcome = Outcome.NO_ACCESS if event.type == EventType.VISIT_NO_ACCESS else Outcome.NOT_RESOLVED
    visit.attended = visit.attended or event.type == EventType.VISIT_NO_ACCESS
    visit.incomplete_reason = event.data.get("reason", "access")


def _no_show(visit: VisitState, event: Event) -> None:
    visit.status, visit.ended_at = V.NO_SHOW, event.at


def _no_show_withdrawn(visit: VisitState, event: Event) -> None:
    visit.status, visit.ended_at = V.SCHEDULED, None


def _visit_canceled(visit: VisitState, event: Event) -> None:
    visit.status, visit.ended_at, visit.paused_from = V.CANCELED, event.at, None
    visit.cancel_cause = event.data.get("cause")


def _time_corrected(visit: VisitState, event: Event) -> None:
    setattr(visit, event.data["field"], instant(event.data["value"]))


def _verified(visit: VisitState, event: Event) -> None:
    visit.verified_at = event.at
    visit.verification = event.data["verification"]


def _visit_imported(visit: VisitState, event: Event) -> None:
    data = event.data
    visit.outcome = Outcome(data["outcome"]) if data.get("outcome") else None
    for name in ("technician_id", "team_id", "partner_id"):
        setattr(visit, name, UUID(data[name]) if data.get(name) else None)
    visit.employment = data.get("employment")
    visit.arrived_at = visit.started_at = instant(data.get("started_at"))
    visit.ended_at = instant(data.get("ended_at"))
    visit.verified_at = instant(data.get("verified_at"))
    visit.verification = data.get("verification")
    visit.round = data.get("round", 0)
    visit.attended = visit.started_at is not None or visit.outcome is not None
    ended = V.COMPLETED if visit.outcome is Outcome.RESOLVED else V.INCOMPLETE
    is_over = visit.ended_at is not None or visit.outcome is not None
    visit.status = ended if is_over else V.IN_PROGRESS if visit.attended else V.SCHEDULED


ON_VISIT: Mapping[str, Callable[[VisitState, Event], None]] = {
    EventType.VISIT_SCHEDULED: _scheduled,
    EventType.VISIT_RESCHEDULED: _scheduled,
    EventType.VISIT_REASSIGNED: _scheduled,
    EventType.VISIT_DISPATCHED: _dispatched,
    EventType.VISIT_SEEN: _seen,
    EventType.VISIT_ACCEPTED: _accepted,
    EventType.VISIT_DECLINED: _declined,
    EventType.VISIT_DEPARTED: _departed,
    EventType.VISIT_ARRIVED: _arrived,
    EventType.VISIT_STARTED: _started,
    EventType.VISIT_PAUSED: _paused,
    EventType.VISIT_RESUMED: _resumed,
    EventType.VISIT_COMPLETED: _visit_completed,
    EventType.VISIT_ENDED_INCOMPLETE: _ended_incomplete,
    EventType.VISIT_NO_ACCESS: _ended_incomplete,
    EventType.VISIT_NO_SHOW: _no_show,
    EventType.VISIT_NO_SHOW_WITHDRAWN: _no_show_withdrawn,
    EventType.VISIT_CANCELED: _visit_canceled,
    EventType.VISIT_TIME_CORRECTED: _time_corrected,
    EventType.VISIT_VERIFIED: _verified,
    EventType.VISIT_IMPORTED: _visit_imported,
}


def instant(value: Any) -> datetime | None:
    """A time as it stands in an event's data: RFC 3339 text, or nothing."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(value)


def earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


TIME_OF = {
    "departed_at": (EventType.VISIT_DEPARTED,),
    "arrived_at": (EventType.VISIT_ARRIVED,),
    "started_at": (EventType.VISIT_STARTED,),
    "ended_at": (EventType.VISIT_COMPLETED, EventType.VISIT_ENDED_INCOMPLETE, EventType.VISIT_NO_ACCESS),
}


def corrected(events: Iterable[Event]) -> list[Event]:
    """The events as they are believed now: with the times that were put right later, without what was taken back.

    The corrections themselves are left out, and so are no-shows that an arrival withdrew.
    """
    told = sorted(events, key=lambda event: event.seq)
    times: dict[tuple[UUID | None, str], datetime | None] = {}
    withdrawn: dict[UUID | None, int] = {}
    for event in told:
        if event.type == EventType.VISIT_NO_SHOW_WITHDRAWN:
            withdrawn[event.visit_id] = event.seq
        if event.type == EventType.VISIT_TIME_CORRECTED:
            for kind in TIME_OF[event.data["field"]]:
                times[event.visit_id, kind] = instant(event.data["value"])
    return [
        replace(event, at=times.get((event.visit_id, event.type)) or event.at)
        for event in told
        if event.type != EventType.VISIT_TIME_CORRECTED
        and not (event.type == EventType.VISIT_NO_SHOW and event.seq < withdrawn.get(event.visit_id, 0))
    ]


def open_visits(visits: Iterable[VisitState]) -> list[VisitState]:
    return [visit for visit in visits if visit.status in OPEN_VISIT]
