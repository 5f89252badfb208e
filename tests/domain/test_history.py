"""Status intervals from events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.history import history
from app.domain.import_rows import STATUS_MEANS
from app.domain.ledger import Event, EventType, fold
from app.domain.lifecycle import WorkOrderStatus

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)


def hour(hours: float) -> datetime:
    return MORNING + timedelta(hours=hours)


def told(*happened: tuple[EventType, float, dict[str, Any]]) -> list[Event]:
    return [Event(seq, kind, hour(hours), data) for seq, (kind, hours, data) in enumerate(happened, start=1)]


def in_short(events: list[Event]) -> list[tuple[str, float, float | None]]:
    return [
        (
            one.status.value,
            (one.entered_at - MORNING).total_seconds() / 3600,
            (one.left_at - MORNING).total_seconds() / 3600 if one.left_at else None,
        )
        for one in history(events)
    ]


def imported(status: str, **instants: float) -> tuple[EventType, float, dict[str, Any]]:
    known = {name: hour(hours).isoformat() for name, hours in instants.items()}
    return (EventType.IMPORTED, 0, {"status": STATUS_MEANS[status].value, "recorded_status": status, **known})


def recorded(seq: int, hours: float, word: str) -> tuple[EventType, float, dict[str, Any]]:
    data = {"status": STATUS_MEANS[word].value, "recorded_status": word, "source_seq": seq}
    return (EventType.STATUS_RECORDED, hours, data)


def test_nothing_has_no_history() -> None:
    assert history([]) == []


def test_an_interval_begins_where_the_status_or_the_hold_reason_changes() -> None:
    events = told(
        (EventType.CREATED, 0, {}),
        (EventType.NOTE_ADDED, 1, {}),
        (EventType.APPROVED, 2, {}),
        (EventType.HELD, 3, {"hold_reason": "parts"}),
        (EventType.HELD, 4, {"hold_reason": "customer"}),
        (EventType.RELEASED, 5, {}),
        (EventType.CANCELED, 6, {"cause": "customer"}),
    )

    assert in_short(events) == [
        ("new", 0, 2),
        ("approved", 2, 3),
        ("on_hold", 3, 4),
        ("on_hold", 4, 5),
        ("approved", 5, 6),
        ("canceled", 6, None),
    ]


def test_a_late_event_takes_its_place_in_time() -> None:
    events = told(
        (EventType.CREATED, 0, {}),
        (EventType.APPROVED, 1, {}),
        (EventType.CANCELED, 5, {}),
        (EventType.HELD, 3, {"hold_reason": "parts"}),
    )

    assert in_short(events) == [("new", 0, 1), ("approved", 1, 3), ("on_hold", 3, 5), ("canceled", 5, None)]


def test_what_it_is_now_is_settled_by_the_order_of_recording() -> None:
    """The departure ended the hold when it was told, although its clock put it before the hold."""
    events = told(
        (EventType.CREATED, 0, {}),
        (EventType.APPROVED, 1, {}),
        (EventType.VISIT_SCHEDULED, 2, {}),
        (EventType.HELD, 4, {"hold_reason": "parts"}),
        (EventType.VISIT_DEPARTED, 3, {}),
    )
    events = [replace(event, visit_id=UUID(int=1)) if event.type.startswith("visit.") else event for event in events]

    assert in_short(events)[-3:] == [("in_progress", 3, 4), ("on_hold", 4, 4), ("in_progress", 4, None)]
    assert history(events)[-1].status is fold(events)[0].status


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (imported("new"), [("approved", 0, None)]),
        (imported("assigned", assigned_at=1), [("approved", 0, 1), ("scheduled", 1, None)]),
        (imported("on_hold", assigned_at=1), [("approved", 0, 1), ("on_hold", 1, None)]),
        (imported("resolved", resolved_at=2), [("approved", 0, 2), ("completed", 2, None)]),
        (
            imported("closed", assigned_at=1, resolved_at=2, closed_at=3),
            [("approved", 0, 1), ("scheduled", 1, 2), ("completed", 2, 3), ("closed", 3, None)],
        ),
        (
            imported("closed", assigned_at=-1, closed_at=3),
            [("approved", 0, 0), ("scheduled", 0, 3), ("closed", 3, None)],
        ),
        (imported("closed", assigned_at=5, closed_at=3), [("approved", 0, 3), ("closed", 3, None)]),
        (imported("closed", resolved_at=5, closed_at=3), [("approved", 0, 3), ("closed", 3, None)]),
        (imported("cancelled", closed_at=3), [("approved", 0, 3), ("canceled", 3, None)]),
        (imported("closed"), [("closed", 0, None)]),
    ],
)
def test_a_record_implies_its_statuses_by_its_own_times(
    record: tuple[EventType, float, dict[str, Any]], expected: list[tuple[str, float, float | None]]
) -> None:
    assert in_short(told(record)) == expected
    assert all(one.implied for one in history(told(record)))


def test_recorded_statuses_keep_their_order_even_against_their_times() -> None:
    events = told(
        imported("closed", closed_at=4),
        recorded(1, 1, "new"),
        recorded(3, 2, "resolved"),
        recorded(2, 3, "in_progress"),
        recorded(4, 4, "closed"),
    )

    assert in_short(events) == [
        ("approved", 0, 1),
        ("approved", 1, 3),
        ("in_progress", 3, 2),
        ("completed", 2, 4),
        ("closed", 4, None),
    ]
    assert [one.recorded_status for one in history(events)] == [None, "new", "in_progress", "resolved", "closed"]


RECORDS = st.builds(
    lambda status, instants: imported(status, **{name: hours for name, hours in instants.items() if hours is not None}),
    st.sampled_from(list(STATUS_MEANS)),
    st.fixed_dictionaries(
        {
            "assigned_at": st.none() | st.integers(-3, 9),
            "resolved_at": st.none() | st.integers(0, 9),
            "closed_at": st.none() | st.integers(0, 9),
        }
    ),
)
STATUSES = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(list(STATUS_MEANS))), max_size=6)


@given(RECORDS, STATUSES)
def test_a_recorded_life_has_no_gap_and_ends_as_the_record_says(
    record: tuple[EventType, float, dict[str, Any]], statuses: list[tuple[int, str]]
) -> None:
    events = told(record, *(recorded(seq, hours, word) for seq, (hours, word) in enumerate(statuses, start=1)))

    found = history(events)

    assert [one.left_at for one in found[:-1]] == [one.entered_at for one in found[1:]]
    assert found[-1].left_at is None
    assert found[0].entered_at == min(MORNING, found[0].entered_at)
    assert sum(not one.implied for one in found) == len(statuses)
    if not statuses:
        assert found[-1].status is fold(events)[0].status
        assert all(one.entered_at <= two.entered_at for one, two in pairwise(found))


@given(RECORDS, STATUSES, st.randoms(use_true_random=False))
def test_the_order_in_which_recorded_statuses_arrive_does_not_matter(
    record: tuple[EventType, float, dict[str, Any]], statuses: list[tuple[int, str]], chance: Any
) -> None:
    in_order = [recorded(seq, hours, word) for seq, (hours, word) in enumerate(statuses, start=1)]
    mixed = list(in_order)
    chance.shuffle(mixed)

    assert history(told(record, *mixed)) == history(told(record, *in_order))
    one, two = fold(told(record, *mixed))[0], fold(told(record, *in_order))[0]
    assert (one.status, one.first_completed_at, one.first_closed_at) == (
        two.status,
        two.first_completed_at,
        two.first_closed_at,
    )


def test_work_on_imported_work_goes_on_from_its_record() -> None:
    events = told(
        imported("closed", closed_at=3), (EventType.REOPENED, 6, {}), (EventType.HELD, 7, {"hold_reason": "parts"})
    )

    assert in_short(events) == [("approved", 0, 3), ("closed", 3, 6), ("approved", 6, 7), ("on_hold", 7, None)]
    assert history(events)[-1].status is WorkOrderStatus.ON_HOLD
