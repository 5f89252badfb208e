"""The life of a work order as a row of status intervals: from its events, native or of another system."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from app.domain.ledger import Event, EventType, StatusInterval, WorkOrderState, apply, corrected, fold, instant
from app.domain.lifecycle import WorkOrderStatus

W = WorkOrderStatus

FROM_A_RECORD = frozenset({EventType.IMPORTED, EventType.STATUS_RECORDED, EventType.VISIT_IMPORTED})


def history(events: Sequence[Event]) -> list[StatusInterval]:
    """What the work order was, from when until when; the last interval is open.

    Native events are taken by effective time, as it was put right later; a new interval begins where the status or
    the hold reason changes.
    Statuses that another system recorded are taken in that system's own order, one interval each, with the times
    as they were recorded, even when a later one has an earlier time.
    """
    told = corrected(events)
    foreign = [event for event in told if event.type in FROM_A_RECORD]
    native = sorted((event for event in told if event.type not in FROM_A_RECORD), key=lambda event: event.at)
    state, visits = fold(foreign)
    intervals = _of_the_record(foreign, state)
    for event in native:
        apply(state, visits, event)
        if not intervals or (intervals[-1].status, intervals[-1].hold_reason) != (state.status, state.hold_reason):
            _enter(intervals, StatusInterval(state.status, event.at, hold_reason=state.hold_reason))
    if native:
        _end_as_recorded(intervals, events, native[-1].at)
    return intervals


def _end_as_recorded(intervals: list[StatusInterval], events: Sequence[Event], at: datetime) -> None:
    """What the work order is now is settled by the order of recording, even where the order in time says otherwise."""
    now, _ = fold(sorted(events, key=lambda event: event.seq))
    if intervals[-1].status is not now.status:
        _enter(intervals, StatusInterval(now.status, at, hold_reason=now.hold_reason))


def _enter(intervals: list[StatusInterval], interval: StatusInterval) -> None:
    """End the last interval where the new one begins, which is never before the last one began."""
    if intervals:
        moment = max(interval.entered_at, intervals[-1].entered_at)
        intervals[-1] = replace(intervals[-1], left_at=moment)
        interval = replace(interval, entered_at=moment)
    intervals.append(interval)


def _of_the_record(foreign: Sequence[Event], state: WorkOrderState) -> list[StatusInterval]:
    record = [event for event in foreign if event.type == EventType.IMPORTED]
    if not record:
        return []
    recorded = [event for event in foreign if event.type == EventType.STATUS_RECORDED]
    return _recorded(record[-1], recorded, state) if recorded else _implied(record[-1], state)


def _recorded(record: Event, recorded: Iterable[Event], state: WorkOrderState) -> list[StatusInterval]:
    """One interval for each recorded status; before the first and after the last what the record itself implies."""
    intervals: list[StatusInterval] = []
    ordered = sorted(recorded, key=lambda event: (event.data["source_seq"], event.seq))
    if record.at < ordered[0].at:
        intervals.append(StatusInterval(W.APPROVED, record.at, ordered[0].at, implied=True))
    for event, following in zip(ordered, [*ordered[1:], None], strict=True):
        intervals.append(
            StatusInterval(
                W(event.data["status"]),
                event.at,
                following.at if following else None,
                recorded_status=event.data["recorded_status"],
                substatus=event.data.get("substatus"),
            )
        )
    ended_at = _ended_at(record, state)
    if intervals[-1].status is not state.status and ended_at is not None and ended_at >= intervals[-1].entered_at:
        _enter(intervals, StatusInterval(state.status, ended_at, implied=True))
    return intervals


def _ended_at(record: Event, state: WorkOrderState) -> datetime | None:
    name = {W.COMPLETED: "resolved_at", W.CLOSED: "closed_at", W.CANCELED: "closed_at"}.get(state.status)
    return instant(record.data.get(name)) if name else None


def _implied(record: Event, state: WorkOrderState) -> list[StatusInterval]:
    """From the record's own instants, where no status was recorded; the last interval has the record's status."""
    assigned_at, resolved_at, closed_at = (
        instant(record.data.get(name)) for name in ("assigned_at", "resolved_at", "closed_at")
    )
    ended_at = min((moment for moment in (resolved_at, closed_at) if moment is not None), default=None)
    intervals = [StatusInterval(W.APPROVED, record.at, implied=True)]
    if assigned_at is not None and (ended_at is None or assigned_at <= ended_at):
        _enter(intervals, StatusInterval(W.SCHEDULED, assigned_at, implied=True))
    if resolved_at is not None and (closed_at is None or resolved_at <= closed_at):
        _enter(intervals, StatusInterval(W.COMPLETED, resolved_at, implied=True))
    if closed_at is not None:
        _enter(intervals, StatusInterval(W.CLOSED, closed_at, implied=True))
    intervals[-1] = replace(intervals[-1], status=state.status, recorded_status=record.data.get("recorded_status"))
    return intervals
