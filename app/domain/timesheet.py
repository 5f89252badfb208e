"""Time entries follow from the events of a visit; hours that somebody types are an event like any other.

Travel runs from a real departure to the arrival; work from the arrival (a technician on site is at work) to the
end; a pause is a break, whatever its reason. What an implied event skipped is nobody's travel.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.domain.ledger import Event, EventType, VisitState, WorkOrderState, apply, corrected, fold, instant
from app.domain.lifecycle import OPEN_VISIT, VisitStatus


class TimeKind(StrEnum):
    TRAVEL = "travel"
    WORK = "work"
    BREAK = "break"


@dataclass(frozen=True, slots=True)
class TimeEffect:
    """What an event does to the running entry of one technician (None: of everybody on the visit)."""

    technician_id: UUID | None
    opens: TimeKind | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TimeEntry:
    technician_id: UUID
    kind: TimeKind
    started_at: datetime
    ended_at: datetime | None
    reason: str | None = None


ENDS = frozenset(
    {
        EventType.VISIT_COMPLETED,
        EventType.VISIT_ENDED_INCOMPLETE,
        EventType.VISIT_NO_ACCESS,
        EventType.VISIT_CANCELED,
        EventType.VISIT_DECLINED,
        EventType.VISIT_NO_SHOW,
    }
)
OPENS = {
    EventType.VISIT_DEPARTED: TimeKind.TRAVEL,
    EventType.VISIT_ARRIVED: TimeKind.WORK,
    EventType.VISIT_STARTED: TimeKind.WORK,
    EventType.VISIT_PAUSED: TimeKind.BREAK,
    EventType.VISIT_RESUMED: TimeKind.WORK,
    EventType.MEMBER_DEPARTED: TimeKind.TRAVEL,
    EventType.MEMBER_ARRIVED: TimeKind.WORK,
    EventType.MEMBER_PAUSED: TimeKind.BREAK,
    EventType.MEMBER_RESUMED: TimeKind.WORK,
}


def time_effect(event: Event, before: VisitState) -> TimeEffect | None:
    """What the event does to running entries; None when it does nothing to anybody's time."""
    if event.type in ENDS:
        return TimeEffect(None, None)
    who = event.data.get("member_id")
    technician_id = UUID(str(who)) if who else before.technician_id
    if event.type == EventType.MEMBER_LEFT:
        return TimeEffect(technician_id, None)
    if event.implied or event.type not in OPENS:
        return None
    if event.type == EventType.VISIT_STARTED and before.status is VisitStatus.ON_SITE and before.arrived_at != event.at:
        return None
    kind = OPENS[EventType(event.type)]
    if event.type == EventType.VISIT_RESUMED and before.paused_from is VisitStatus.EN_ROUTE:
        kind = TimeKind.TRAVEL
    if event.type == EventType.MEMBER_RESUMED and event.data.get("resumes") == VisitStatus.EN_ROUTE:
        kind = TimeKind.TRAVEL
    return TimeEffect(technician_id, kind, event.data.get("reason"))


def typed_entry(event: Event) -> TimeEntry | None:
    """The entry of hours that somebody typed: beside all that follows from reports; None for any other event."""
    if event.type != EventType.TIME_ADDED:
        return None
    data = event.data
    started_at, ended_at = instant(data["started_at"]), instant(data["ended_at"])
    assert started_at is not None
    return TimeEntry(UUID(str(data["technician_id"])), TimeKind(data["kind"]), started_at, ended_at, data.get("reason"))


def timesheet(events: Iterable[Event]) -> list[TimeEntry]:
    """All time entries of one visit from its events, in the order in which they happened.

    Nobody's time runs on once the visit has ended, even when a clock put something after its end.
    """
    told = sorted(events, key=lambda one: one.seq)
    visit_order, visits = WorkOrderState(), {}  # type: ignore[var-annotated]
    running: dict[UUID, TimeEntry] = {}
    done: list[TimeEntry] = []
    for event in sorted(corrected(told), key=lambda one: (one.at, one.seq)):
        if event.visit_id is None:
            continue
        before = visits.get(event.visit_id) or VisitState(id=event.visit_id)
        if (typed := typed_entry(event)) is not None:
            done.append(typed)
            continue
        effect = time_effect(event, before)
        apply(visit_order, visits, event)
        if effect is None:
            continue
        ending = list(running) if effect.technician_id is None else [effect.technician_id]
        ended = [running.pop(technician_id) for technician_id in ending if technician_id in running]
        done.extend(replace(entry, ended_at=event.at) for entry in ended if entry.started_at < event.at)
        if effect.opens is not None and effect.technician_id is not None:
            running[effect.technician_id] = TimeEntry(effect.technician_id, effect.opens, event.at, None, effect.reason)
    _, now = fold(told)
    if any(visit.status in OPEN_VISIT for visit in now.values()):
        done += running.values()
    return done
