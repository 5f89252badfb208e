"""The two transition tables, the derivation, and the fold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest

from app.domain.ledger import Event, EventType, VisitState, WorkOrderState, derive, fold
from app.domain.lifecycle import (
    CATEGORY,
    VISIT_MOVES,
    WORK_ORDER_MOVES,
    Outcome,
    VisitAction,
    VisitStatus,
    WorkOrderAction,
    WorkOrderStatus,
    allowed_on_visit,
    allowed_on_work_order,
)
from app.domain.roles import Role
from app.domain.time_rule import ClockSource, effective_time
from app.domain.timesheet import TimeEntry, TimeKind, timesheet

NINE = datetime(2026, 5, 4, 9, tzinfo=UTC)
V, W = VisitStatus, WorkOrderStatus

#: The published table, written out by hand: each action with the states that it may follow.
VISIT_TABLE = {
    "reschedule": "scheduled dispatched accepted",
    "reassign": "scheduled dispatched accepted",
    "dispatch": "scheduled",
    "accept": "dispatched",
    "decline": "dispatched accepted",
    "depart": "scheduled dispatched accepted",
    "arrive": "scheduled dispatched accepted en_route no_show",
    "start": "scheduled dispatched accepted en_route on_site",
    "pause": "en_route on_site in_progress",
    "resume": "paused",
    "complete": "on_site in_progress paused",
    "end_incomplete": "en_route on_site in_progress paused",
    "no_access": "en_route on_site",
    "no_show": "scheduled dispatched accepted",
    "cancel": "scheduled dispatched accepted en_route on_site in_progress paused",
    "correct_time": "on_site in_progress paused completed incomplete",
}
WORK_ORDER_TABLE = {
    "approve": "new",
    "reject": "new",
    "schedule": "approved scheduled in_progress",
    "hold": "approved scheduled in_progress",
    "release": "on_hold",
    "complete": "approved scheduled in_progress",
    "close": "completed",
    "send_back": "completed",
    "cannot_complete": "approved scheduled in_progress on_hold completed",
    "reopen": "completed closed cannot_complete",
    "cancel": "new approved scheduled in_progress on_hold",
}


@pytest.mark.parametrize(("action", "status"), list(product(VisitAction, VisitStatus)))
def test_a_visit_takes_an_action_exactly_when_the_table_lists_it(action: VisitAction, status: VisitStatus) -> None:
    listed = status.value in VISIT_TABLE[action.value].split()

    assert (status in VISIT_MOVES[action].sources) is listed
    for role in Role:
        offered = action.value in [one.action for one in allowed_on_visit(status, [role])]
        assert offered is (listed and role in VISIT_MOVES[action].roles)


@pytest.mark.parametrize(("action", "status"), list(product(WorkOrderAction, WorkOrderStatus)))
def test_a_work_order_takes_an_action_exactly_when_the_table_lists_it(
    action: WorkOrderAction, status: WorkOrderStatus
) -> None:
    listed = status.value in WORK_ORDER_TABLE[action.value].split()

    assert (status in WORK_ORDER_MOVES[action].sources) is listed
    offered = action.value in [one.action for one in allowed_on_work_order(status, [Role.ADMIN])]
    assert offered is listed


def test_every_status_has_a_category() -> None:
    assert set(CATEGORY) == set(VisitStatus)


def visit(status: VisitStatus, *, outcome: Outcome | None = None, hours: int = 0, round_: int = 0) -> VisitState:
    ended = NINE + timedelta(hours=hours) if outcome or status in (V.CANCELED, V.NO_SHOW, V.DECLINED) else None
    attended = status in (V.ON_SITE, V.IN_PROGRESS, V.PAUSED, V.COMPLETED, V.INCOMPLETE)
    return VisitState(id=uuid4(), status=status, outcome=outcome, ended_at=ended, attended=attended, round=round_)


DONE = visit(V.COMPLETED, outcome=Outcome.RESOLVED, hours=1)
NOT_DONE_LATER = visit(V.INCOMPLETE, outcome=Outcome.NOT_RESOLVED, hours=2)
NOT_DONE_EARLIER = visit(V.INCOMPLETE, outcome=Outcome.NOT_RESOLVED, hours=0)


@pytest.mark.parametrize(
    ("visits", "expected"),
    [
        ([], W.APPROVED),
        ([visit(V.SCHEDULED)], W.SCHEDULED),
        ([visit(V.DISPATCHED), visit(V.CANCELED)], W.SCHEDULED),
        ([visit(V.EN_ROUTE)], W.IN_PROGRESS),
        ([visit(V.PAUSED), DONE], W.IN_PROGRESS),
        ([visit(V.SCHEDULED), NOT_DONE_EARLIER], W.IN_PROGRESS),
        ([DONE], W.COMPLETED),
        ([NOT_DONE_EARLIER, DONE], W.COMPLETED),
        ([DONE, NOT_DONE_LATER], W.APPROVED),
        ([NOT_DONE_LATER], W.APPROVED),
        ([visit(V.CANCELED), visit(V.NO_SHOW), visit(V.DECLINED)], W.APPROVED),
        ([DONE, visit(V.CANCELED, hours=5)], W.COMPLETED),
        ([DONE, replace(visit(V.CANCELED, hours=5), attended=True)], W.COMPLETED),
        ([DONE, replace(NOT_DONE_LATER, attended=False)], W.APPROVED),
    ],
)
def test_the_last_outcome_in_time_decides(visits: list[VisitState], expected: WorkOrderStatus) -> None:
    assert derive(WorkOrderState(approved=True), visits) is expected


def test_visits_of_an_earlier_round_do_not_complete_a_reopened_work_order() -> None:
    assert derive(WorkOrderState(approved=True, reopen_count=1), [DONE]) is W.APPROVED


VISIT = UUID(int=1)
ANA, BEN = UUID(int=2), UUID(int=3)


def told(*happened: tuple[str, float, dict[str, object]]) -> list[Event]:
    """Events of one visit: type, hours after nine, data."""
    return [
        Event(number, kind, NINE + timedelta(hours=hours), data, VISIT)
        for number, (kind, hours, data) in enumerate(happened, start=1)
    ]


WHOLE_TRIP = told(
    ("visit.scheduled", 0, {"technician_id": str(ANA)}),
    ("visit.departed", 1, {}),
    ("visit.arrived", 1.5, {}),
    ("visit.started", 1.5, {}),
    ("visit.paused", 2, {"reason": "break"}),
    ("visit.resumed", 2.5, {}),
    ("visit.completed", 4, {"resolution_code": "fixed"}),
)


def test_a_trip_becomes_travel_work_and_break() -> None:
    entries = [(entry.kind, entry.started_at, entry.ended_at) for entry in timesheet(WHOLE_TRIP)]

    hour = timedelta(hours=1)
    assert entries == [
        (TimeKind.TRAVEL, NINE + hour, NINE + 1.5 * hour),
        (TimeKind.WORK, NINE + 1.5 * hour, NINE + 2 * hour),
        (TimeKind.BREAK, NINE + 2 * hour, NINE + 2.5 * hour),
        (TimeKind.WORK, NINE + 2.5 * hour, NINE + 4 * hour),
    ]


def test_the_order_of_arrival_does_not_change_the_time_sheet() -> None:
    late = [*WHOLE_TRIP[:2], *WHOLE_TRIP[3:], Event(9, WHOLE_TRIP[2].type, WHOLE_TRIP[2].at, {}, VISIT)]

    assert timesheet(late) == timesheet(WHOLE_TRIP)


def test_a_corrected_time_moves_the_entries_on_both_sides() -> None:
    correction = {"field": "arrived_at", "value": (NINE + timedelta(hours=1.25)).isoformat(), "reason": "typed late"}
    corrected = Event(8, EventType.VISIT_TIME_CORRECTED, NINE + timedelta(hours=9), correction, VISIT)
    entries = timesheet([*WHOLE_TRIP, corrected])

    assert (entries[0].ended_at, entries[1].started_at) == (NINE + timedelta(hours=1.25),) * 2


def test_typed_hours_stand_beside_those_that_follow_from_the_trip() -> None:
    hour = timedelta(hours=1)
    data = {"technician_id": str(BEN), "kind": "work", "reason": "paperwork"}
    data |= {"started_at": (NINE + 5 * hour).isoformat(), "ended_at": (NINE + 6 * hour).isoformat()}
    typed = Event(8, EventType.TIME_ADDED, NINE + 7 * hour, data, VISIT)

    entries = timesheet([*WHOLE_TRIP, typed])

    added = [entry for entry in entries if entry not in timesheet(WHOLE_TRIP)]
    assert added == [TimeEntry(BEN, TimeKind.WORK, NINE + 5 * hour, NINE + 6 * hour, "paperwork")]
    assert len(entries) == 5


def test_the_first_look_of_who_is_to_go_counts_until_somebody_else_is_to_go() -> None:
    events = [
        Event(1, EventType.VISIT_SCHEDULED, NINE, {"technician_id": str(ANA)}, VISIT),
        *(
            Event(seq, EventType.VISIT_SEEN, NINE + timedelta(hours=seq), {"technician_id": str(who)}, VISIT)
            for seq, who in ((2, BEN), (3, ANA), (4, ANA))
        ),
    ]
    given_away = Event(5, EventType.VISIT_REASSIGNED, NINE + timedelta(hours=5), {"technician_id": str(BEN)}, VISIT)

    assert fold(events)[1][VISIT].seen_at == NINE + timedelta(hours=3)
    assert fold([*events, given_away])[1][VISIT].seen_at is None


@pytest.mark.parametrize("kind", [EventType.REPORTED, EventType.TIME_ADDED])
def test_what_is_only_said_about_a_visit_makes_none(kind: EventType) -> None:
    """It may carry a time from before the visit was planned."""
    created = Event(1, EventType.CREATED, NINE)

    order, visits = fold([created, Event(2, kind, NINE, {}, VISIT)])

    assert (order.status, visits) == (W.NEW, {})


def test_somebody_of_the_crew_has_time_of_their_own() -> None:
    events = [
        *WHOLE_TRIP[:4],
        Event(5, EventType.MEMBER_ARRIVED, NINE + timedelta(hours=2), {"member_id": str(BEN)}, VISIT),
        Event(6, EventType.MEMBER_LEFT, NINE + timedelta(hours=3), {"member_id": str(BEN)}, VISIT),
        Event(7, EventType.VISIT_COMPLETED, NINE + timedelta(hours=4), {}, VISIT),
    ]

    hours = {entry.technician_id: entry for entry in timesheet(events) if entry.kind is TimeKind.WORK}

    assert hours[BEN].ended_at == NINE + timedelta(hours=3)
    assert hours[ANA].ended_at == NINE + timedelta(hours=4)


def test_reopening_never_moves_the_first_completion() -> None:
    done = [Event(1, "work_order.created", NINE), Event(2, "work_order.approved", NINE), *WHOLE_TRIP]
    done = [Event(number, one.type, one.at, one.data, one.visit_id) for number, one in enumerate(done, start=1)]
    order, _ = fold(done)
    assert order.first_completed_at == NINE + timedelta(hours=4)

    fold([Event(20, EventType.REOPENED, NINE + timedelta(days=3), {"reason": "leaks"})], order, {})

    assert (order.status, order.first_completed_at) == (W.APPROVED, NINE + timedelta(hours=4))
    assert (order.resolved_at, order.reopen_count) == (None, 1)


@pytest.mark.parametrize(
    ("occurred", "sent", "age_ms", "expected", "source"),
    [
        (47, 47 + 60, 3_600_000, 0, ClockSource.AGE),
        (47, 47 + 60, None, 0, ClockSource.OFFSET),
        (0, 60, None, 0, ClockSource.DEVICE),
        (0, None, None, 0, ClockSource.DEVICE),
        (500, None, None, 60, ClockSource.DEVICE),
    ],
)
def test_the_effective_time_follows_the_clock_that_deserves_it(
    occurred: int, sent: int | None, age_ms: int | None, expected: int, source: ClockSource
) -> None:
    """A device 47 minutes fast reports after an hour what happened at nine."""
    minutes = timedelta(minutes=1)
    found = effective_time(
        NINE + occurred * minutes,
        sent_at=NINE + sent * minutes if sent is not None else None,
        age_ms=age_ms,
        received_at=NINE + 60 * minutes,
    )
    assert found == (NINE + expected * minutes, source)
