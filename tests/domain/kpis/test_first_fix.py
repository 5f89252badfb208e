from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.domain.kpis.callbacks import Callbacks, Repair
from app.domain.kpis.first_fix import (
    Attendance,
    FirstFix,
    FirstFixRules,
    judge_first_fix,
    judge_single_visit,
    trips,
)

MAY = datetime(2026, 5, 4, tzinfo=UTC)
LATER = FirstFixRules(as_of=datetime(2026, 9, 1, tzinfo=UTC))


def at(hours: float) -> datetime:
    return MAY + timedelta(hours=hours)


def visit(start: float, end: float | None, outcome: str | None = "resolved", **more: Any) -> Attendance:
    return Attendance(
        at(start), None if end is None else at(end), outcome, more.get("purpose"), more.get("incomplete_reason")
    )


def work(*visits: Attendance, **more: Any) -> FirstFix:
    facts = {"left_out": None, "completed_at": at(48), "counts": True, "planned_trips": 1, "outcome": "resolved"}
    return FirstFix(**{**facts, "reopened": False, "callback_at": None, "visits": visits, **more})


@pytest.mark.parametrize(
    ("visits", "count"),
    [
        ([], 0),
        ([visit(9, 11), visit(9, 11)], 1),
        ([visit(9, 11), visit(10, 12), visit(11.5, 13)], 1),
        ([visit(9, 11), visit(11, 12)], 2),
        ([visit(9, None), visit(15, 16)], 1),
        ([visit(9, 9), visit(9, 9)], 1),
        ([visit(9, 17), visit(10, 11), visit(16, 18), visit(20, 21)], 2),
    ],
)
def test_visits_that_overlap_on_site_are_one_trip(visits: list[Attendance], count: int) -> None:
    assert len(trips(visits)) == count
    assert sorted(one for trip in trips(visits) for one in trip) == sorted(visits)


def test_a_customer_who_was_absent_made_a_trip_unless_asked_otherwise() -> None:
    absent = work(visit(9, 9.5, "no_access"), visit(33, 34))

    assert judge_first_fix(absent, LATER).category == "access"
    assert judge_first_fix(absent, FirstFixRules(LATER.as_of, exclude_no_access=True)).category == "fixed"


def test_a_survey_before_the_repair_is_no_trip() -> None:
    assert judge_first_fix(work(visit(1, 2, "not_resolved", purpose="survey"), visit(9, 10)), LATER).amount == 1
    assert judge_first_fix(work(visit(1, 2, purpose="estimate")), LATER).reason == "no_trip"


def test_planned_trips_are_no_failures() -> None:
    both = (visit(9, 10, "not_resolved", incomplete_reason="time"), visit(33, 34))

    assert judge_first_fix(work(*both, planned_trips=2), LATER).category == "fixed"
    assert judge_first_fix(work(*both), LATER).category == "time"


def test_what_could_not_be_completed_counts_only_when_strict() -> None:
    given_up = work(visit(9, 10, "not_resolved"), completed_at=None, outcome=None)

    assert judge_first_fix(given_up, LATER).reason == "cannot_complete"
    assert judge_first_fix(given_up, FirstFixRules(LATER.as_of, strict=True)).category == "cannot_complete"


def test_a_visit_after_the_completion_is_not_of_the_first_fix() -> None:
    assert judge_first_fix(work(visit(9, 10), visit(60, 61, "not_resolved")), LATER).category == "fixed"


@pytest.mark.parametrize(("days", "category"), [(29, "callback"), (30, "callback"), (31, "fixed")])
def test_a_callback_counts_within_its_window(days: int, category: str) -> None:
    called = work(visit(9, 10), callback_at=at(48) + timedelta(days=days))

    assert judge_first_fix(called, LATER).category == category


def test_a_mature_cohort_waits_for_its_callbacks() -> None:
    young = FirstFixRules(as_of=at(48) + timedelta(days=29), mature=True)

    assert judge_first_fix(work(visit(9, 10)), young).reason == "callback_window_open"


@pytest.mark.parametrize(
    ("visits", "outcome", "category"),
    [
        (1, "resolved", "fixed"),
        (1, "not_resolved", "not_resolved"),
        (2, "resolved", "several_visits"),
        (0, None, "no_visit"),
    ],
)
def test_the_single_visit_variant(visits: int, outcome: str | None, category: str) -> None:
    assert judge_single_visit(visits, outcome).category == category


ASSET, SITE = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("repair", "found"),
    [
        ({"asset_id": ASSET}, True),
        ({"site_id": SITE, "problem_code": "E1"}, True),
        ({"site_id": SITE, "problem_code": "E2"}, False),
        ({"site_id": SITE}, False),
        ({"asset_id": SITE}, False),
        ({"callback_of": UUID(int=9)}, True),
        ({"asset_id": ASSET, "id": UUID(int=9)}, False),
        ({"asset_id": ASSET, "requested_at": at(-1)}, False),
    ],
)
def test_a_callback_is_the_same_asset_or_the_same_problem_at_the_same_site(repair: dict[str, Any], found: bool) -> None:
    nothing = dict.fromkeys(("asset_id", "site_id", "problem_code", "callback_of"))
    callbacks = Callbacks([Repair(**{"id": uuid4(), "requested_at": at(5), **nothing, **repair})])

    assert (callbacks.after(at(0), UUID(int=9), ASSET, SITE, "E1") is not None) == found
