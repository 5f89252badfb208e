"""Where other systems' formulas go wrong: fourteen small histories, asked through the API."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest

from app.domain.roles import Role
from app.identity.models import Shift
from app.parts.models import PartMovement
from tests.conftest import Cast
from tests.kpis.conftest import MAY, Ask, Records, at

WEEK = {"from_": "2026-05-04", "to": "2026-05-11"}


def test_t1_nested_labor_is_paid_once(ask: Ask, records: Records) -> None:
    work = records.completed(18)
    visit, ana = records.visit(work, 9, 12), records.technician("Ana")
    records.time(visit, ana, 9, 12)
    records.time(visit, ana, 10, 11)

    assert ask("cost_per_work_order", **WEEK)["components"]["labor"] == 3 * 6000


def test_t1b_two_short_inside_a_long_one(ask: Ask, records: Records) -> None:
    work = records.completed(18)
    visit, ana = records.visit(work, 9, 17), records.technician("Ana")
    for start, end in ((9, 17), (9.5, 10), (11, 12)):
        records.time(visit, ana, start, end)

    assert ask("cost_per_work_order", **WEEK)["components"]["labor"] == 8 * 6000


@pytest.mark.parametrize(
    "key",
    [
        "first_time_fix_rate", "reopen_rate", "cycle_time", "lead_time", "resolution_time", "business_time",
        "visit_duration", "time_in_state", "overdue_share", "sla_compliance", "on_time_arrival",
        "cancellation_rate", "utilization", "csat", "nps", "survey_response_rate", "cost_per_work_order", "mtbf",
        "closure_first_pass_rate",
    ],
)  # fmt: skip
def test_t2_a_rate_or_mean_of_nothing_is_null(ask: Ask, key: str) -> None:
    answer = ask(key, **WEEK)

    assert answer["value"] is None
    assert answer["status"] == "no_data"
    assert answer["spread"]["p50"] is None


@pytest.mark.parametrize("key", ["backlog", "new_vs_closed", "throughput", "parts_used", "failed_verifications"])
def test_t2_a_count_of_nothing_is_zero(ask: Ask, key: str) -> None:
    answer = ask(key, **WEEK)

    assert answer["value"] == 0
    assert answer["status"] == "ok"


def test_t3_csat_is_the_share_of_top_ratings_and_comments_are_no_ratings(
    ask: Ask, drill: Ask, records: Records
) -> None:
    for score in (5, 5, 4, 3, 1, 1, None):
        records.answer(records.completed(), score)

    answer = ask("csat", **WEEK)

    assert (answer["value"], answer["numerator"], answer["denominator"]) == (50.0, 3, 6)
    assert answer["excluded"] == {"no_rating": 1}
    assert answer["spread"]["mean"] == pytest.approx(19 / 6)
    assert len(drill("csat", "numerator", **WEEK)) == 3
    assert len(drill("csat", "denominator", **WEEK)) == 6
    assert [one["reason"] for one in drill("csat", "excluded", **WEEK)] == ["no_rating"]


def test_t4_time_on_hold_does_not_count_even_when_it_ends_in_the_solution(ask: Ask, records: Records) -> None:
    started, held, done = (datetime(2026, *day, tzinfo=UTC) for day in ((1, 20), (2, 1), (8, 1)))
    work = records.completed(
        requested_at=started,
        first_assigned_at=started,
        first_completed_at=done,
        first_closed_at=done,
        closed_at=done,
        due_at=datetime(2026, 2, 3, tzinfo=UTC),
        sla_pause_reasons=["parts"],
    )
    records.state(work, "in_progress", started, held)
    records.state(work, "on_hold", held, done, hold_reason="parts")
    year = {"from_": "2026-01-01", "to": "2027-01-01", "at": "2026-09-01"}

    assert ask("cycle_time", net="true", **year)["value"] == timedelta(days=12).total_seconds()
    assert ask("cycle_time", **year)["value"] == timedelta(days=193).total_seconds()
    assert ask("sla_compliance", **year)["value"] == 100.0


def test_t4_a_pause_whose_reason_the_policy_does_not_list_stops_no_clock(ask: Ask, records: Records) -> None:
    work = records.completed(20, due_at=at(10), sla_pause_reasons=["parts"])
    records.state(work, "on_hold", at(5), at(18), hold_reason="customer")

    assert ask("sla_compliance", **WEEK)["value"] == 0.0


def test_t5_open_work_past_its_target_is_a_violation(ask: Ask, drill: Ask, records: Records) -> None:
    for hours in (9, 9, 9, 9, 9, 9, 11, 11):
        records.completed(hours, due_at=at(10))
    for _ in range(2):
        records.work_order(due_at=at(10), status="in_progress")

    answer = ask("sla_compliance", **WEEK)

    assert (answer["value"], answer["numerator"], answer["denominator"]) == (60.0, 6, 10)
    assert answer["breakdown"] == {"met": 6, "done_late": 2, "open_past_target": 2}
    assert len(drill("sla_compliance", "denominator", category="open_past_target", **WEEK)) == 2
    assert ask("sla_compliance", basis="closed", **WEEK)["value"] is None


def test_t6_first_time_fix_is_judged_by_the_cohort_of_the_first_completion(
    ask: Ask, drill: Ask, records: Records
) -> None:
    fixed = records.completed()
    reopened = records.completed(reopen_count=1, status="approved", outcome=None)
    called_back = records.completed(site_id=None, problem_code="E1")
    twice = records.completed(40)
    records.completed(remote=True)
    for work in (fixed, reopened, called_back):
        records.visit(work, 9, 10)
    records.visit(twice, 9, 10, outcome="not_resolved", status="incomplete", incomplete_reason="parts")
    records.visit(twice, 33, 34)
    records.work_order(callback_of=called_back.id, requested_at=at(24 * 10), status="new")

    answer = ask("first_time_fix_rate", **WEEK)

    assert (answer["value"], answer["numerator"], answer["denominator"]) == (25.0, 1, 4)
    assert answer["breakdown"] == {"fixed": 1, "reopened": 1, "callback": 1, "parts": 1}
    assert answer["excluded"] == {"remote": 1}
    assert [one["id"] for one in drill("first_time_fix_rate", "numerator", **WEEK)] == [str(fixed.id)]
    assert len(drill("first_time_fix_rate", "denominator", **WEEK)) == 4


def test_t7_a_total_is_its_groups_added_again(ask: Ask, records: Records) -> None:
    with records.at_once():
        ana, ben = records.technician("Ana"), records.technician("Ben")
        for technician, good, bad in ((ana, 1, 0), (ben, 50, 50)):
            for number in range(good + bad):
                work = records.completed(reopen_count=0 if number < good else 1)
                records.visit(work, 9, 10, technician_id=technician.id)

    answer = ask("first_time_fix_rate", group_by="technician", **WEEK)

    assert answer["value"] == 50.5
    assert {group["label"]: group["value"] for group in answer["groups"]} == {"Ana": 100.0, "Ben": 50.0}
    assert sum(group["numerator"] for group in answer["groups"]) == answer["numerator"] == 51
    assert sum(group["denominator"] for group in answer["groups"]) == answer["denominator"] == 101


def test_t8_without_a_shift_utilization_is_null_and_never_a_share_of_24_hours(ask: Ask, records: Records) -> None:
    visit, ana = records.visit(records.completed(), 8, 14), records.technician("Ana")
    records.time(visit, ana, 8, 14)

    answer = ask("utilization", **WEEK)

    assert answer["value"] is None
    assert answer["excluded"] == {"no_shift": 1}

    monday = Shift(
        organization_id=records.organization_id, technician_id=ana.id, weekday=1, starts=time(8), ends=time(16)
    )
    records.add(monday)
    assert ask("utilization", **WEEK)["value"] == 75.0


@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23)])
def test_t9_a_local_day_has_the_hours_that_its_clocks_gave_it(ask: Ask, records: Records, day: str, hours: int) -> None:
    paris = {"through": day, "tz": "Europe/Paris"}
    (bucket,) = ask("new_vs_closed", from_=day, bucket="day", **paris)["buckets"]
    start = datetime.fromisoformat(bucket["from"])
    records.work_order(requested_at=start)
    records.work_order(requested_at=start + timedelta(hours=hours) - timedelta(seconds=1))
    records.work_order(requested_at=start + timedelta(hours=hours))

    assert datetime.fromisoformat(bucket["to"]) - start == timedelta(hours=hours)
    assert ask("new_vs_closed", from_=day, bucket="day", flow="created", **paris)["points"] == [[day, 2]]


def test_t11_a_part_costs_what_it_cost_when_it_was_used(ask: Ask, records: Records) -> None:
    work = records.completed()
    used = PartMovement(
        organization_id=records.organization_id,
        kind="used",
        part_number="P-1",
        work_order_id=work.id,
        quantity=Decimal(2),
        delta=Decimal(-2),
        unit_cost_minor=1000,
        currency="EUR",
        occurred_at=at(10),
        effective_at=at(10),
        recorded_at=at(10),
    )
    records.add(used)

    assert ask("cost_per_work_order", **WEEK)["components"]["parts"] == 2000


def test_t12_four_of_five_is_anything_from_38_to_96_percent(ask: Ask, records: Records) -> None:
    for score in (5, 5, 5, 5, 1):
        records.answer(records.completed(), score)

    answer = ask("csat", **WEEK)

    assert (round(answer["interval"]["low"], 1), round(answer["interval"]["high"], 1)) == (37.6, 96.4)
    assert answer["status"] == "insufficient_data"
    assert ask("csat", min_n=5, **WEEK)["status"] == "ok"


def test_t13_a_crew_of_two_is_one_trip_and_four_labor_hours(ask: Ask, records: Records, cast: Cast) -> None:
    work = records.completed()
    for name in ("Ana", "Ben"):
        technician = cast(name, Role.TECHNICIAN).technician
        assert technician is not None
        visit = records.visit(work, 9, 11, technician_id=technician.id)
        records.time(visit, technician, 9, 11)

    assert ask("first_time_fix_rate", **WEEK)["value"] == 100.0
    assert ask("cost_per_work_order", **WEEK)["components"]["labor"] == 4 * 6000


def test_t14_a_canceled_visit_is_in_the_denominator_of_the_cancellation_rate(ask: Ask, records: Records) -> None:
    work = records.work_order()
    for status in ("canceled", "completed", "completed", "incomplete", "scheduled"):
        records.visit(work, status=status, scheduled_start=MAY, cancel_cause="us" if status == "canceled" else None)

    answer = ask("cancellation_rate", **WEEK)

    assert (answer["value"], answer["numerator"], answer["denominator"]) == (25.0, 1, 4)
    assert answer["excluded"] == {"not_ended": 1}
