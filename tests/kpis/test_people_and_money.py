"""Satisfaction, arrival, utilization and cost on small histories that can be checked by hand."""

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.identity.models import Absence, Organization, Shift, Technician
from app.kit.runtime import Runtime
from app.parts.models import PartMovement
from tests.kpis.conftest import Ask, Records, at

WEEK = {"from_": "2026-05-04", "to": "2026-05-11"}


def test_satisfaction_belongs_to_the_period_of_the_completion_unless_asked_otherwise(
    ask: Ask, records: Records
) -> None:
    records.answer(records.completed(12), 5, answered_at=at(24 * 8))

    assert ask("csat", **WEEK)["denominator"] == 1
    assert ask("csat", cohort="responded", **WEEK)["denominator"] == 0


@pytest.mark.parametrize(
    ("scale", "score", "positive"),
    [((1, 5), 4, 1), ((1, 5), 3, 0), ((1, 3), 3, 1), ((1, 3), 2, 0), ((1, 7), 6, 1), ((1, 7), 5, 0),
     ((1, 10), 8, 1), ((1, 10), 7, 0), ((0, 10), 8, 1)],
)  # fmt: skip
def test_the_top_of_each_scale_is_positive(
    ask: Ask, records: Records, scale: tuple[int, int], score: int, positive: int
) -> None:
    records.answer(records.completed(), score, scale_min=scale[0], scale_max=scale[1])

    assert ask("csat", **WEEK)["numerator"] == positive


def test_nps_is_promoters_less_detractors(ask: Ask, records: Records) -> None:
    for score in (10, 9, 9, 8, 7, 6, 0):
        records.answer(records.completed(), score, kind="nps", question="nps", scale_min=0, scale_max=10)

    answer = ask("nps", **WEEK)

    assert (answer["value"], answer["numerator"], answer["denominator"]) == (14.29, 1, 7)
    assert answer["breakdown"] == {"promoters": 3, "passives": 2, "detractors": 2}


def test_satisfaction_is_credited_to_who_came_last(ask: Ask, records: Records) -> None:
    ana, ben = records.technician("Ana"), records.technician("Ben")
    work = records.completed(12, technician_id=ana.id)
    records.visit(work, 1, 2, technician_id=ana.id)
    records.visit(work, 5, 6, technician_id=ben.id)
    records.answer(work, 5)

    assert [group["label"] for group in ask("csat", group_by="technician", **WEEK)["groups"]] == ["Ben"]
    first = ask("first_time_fix_rate", group_by="technician", **WEEK)
    assert [group["label"] for group in first["groups"]] == ["Ana"]


def test_the_response_rate_leaves_out_what_never_reached_the_customer(ask: Ask, records: Records) -> None:
    facts: list[dict[str, Any]] = [
        {"state": "answered", "answered_at": at(20)},
        {},
        {"state": "delivered", "delivered_at": at(14)},
        {"state": "suppressed", "suppressed_reason": "cooldown", "sent_at": None},
        {"bounced_at": at(15)},
        {"state": "due", "sent_at": None},
    ]
    for given in facts:
        records.survey(records.completed(), **given)

    answer = ask("survey_response_rate", **WEEK)

    assert (answer["value"], answer["numerator"], answer["denominator"]) == (33.33, 1, 3)
    assert answer["excluded"] == {"bounced": 1, "not_sent": 1, "suppressed_cooldown": 1}


@pytest.mark.parametrize(
    ("facts", "bucket", "on_time"),
    [
        ({"arrived_at": at(8.9)}, "early", 0),
        ({"arrived_at": at(9)}, "on_time", 1),
        ({"arrived_at": at(10)}, "on_time", 1),
        ({"arrived_at": at(10.25)}, "late_1_15", 1),
        ({"arrived_at": at(10.26)}, "late_16_60", 0),
        ({"arrived_at": at(11.5)}, "late_60+", 0),
        ({"status": "no_show"}, "no_show", 0),
        ({"status": "canceled", "cancel_cause": "us", "ended_at": at(9.5)}, "no_show", 0),
    ],
)
def test_window_accuracy(ask: Ask, records: Records, facts: dict[str, Any], bucket: str, on_time: int) -> None:
    records.visit(records.work_order(), window_start=at(9), window_end=at(10), **facts)

    answer = ask("on_time_arrival", **WEEK)

    assert (answer["numerator"], answer["denominator"]) == (on_time, 1)
    assert {name for name, count in answer["breakdown"].items() if count} == {bucket}


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"status": "canceled", "cancel_cause": "customer", "ended_at": at(8)}, "canceled_before_window"),
        ({"status": "canceled", "cancel_cause": "customer", "ended_at": at(9.5)}, "canceled_by_customer"),
        ({"status": "scheduled", "window_end": at(24 * 4), "window_start": at(24 * 4 - 1)}, "window_still_open"),
    ],
)
def test_windows_that_say_nothing_about_us(ask: Ask, records: Records, facts: dict[str, Any], reason: str) -> None:
    records.visit(records.work_order(), **{"window_start": at(9), "window_end": at(10), **facts})

    assert ask("on_time_arrival", at=at(24 * 3).isoformat(), **WEEK)["excluded"] == {reason: 1}


def test_a_moved_window_counts_and_the_first_one_when_asked_for(ask: Ask, records: Records) -> None:
    windows = {"first_window_start": at(5), "first_window_end": at(6), "window_start": at(9), "window_end": at(10)}
    records.visit(records.work_order(), 9.5, 10, **windows)

    assert ask("on_time_arrival", **WEEK)["value"] == 100.0
    assert ask("on_time_arrival", original="true", **WEEK)["value"] == 0.0


def shift(records: Records, technician: Technician, weekday: int = 1, **more: Any) -> None:
    hours = {"starts": time(8), "ends": time(16), **more}
    records.add(Shift(organization_id=records.organization_id, technician_id=technician.id, weekday=weekday, **hours))


def test_utilization_counts_work_and_travel_once_inside_the_shift(ask: Ask, records: Records) -> None:
    ana = records.technician("Ana")
    shift(records, ana, unpaid_break_minutes=60)
    visit = records.visit(records.work_order(), 8, 17, technician_id=ana.id)
    records.time(visit, ana, 7, 9, kind="travel")
    records.time(visit, ana, 9, 12)
    records.time(visit, ana, 10, 11)
    records.time(visit, ana, 15, 18)

    answer = ask("utilization", **WEEK)

    assert (answer["numerator"], answer["denominator"]) == (5 * 3600, 7 * 3600)
    assert answer["value"] == 71.43
    assert answer["components"]["overtime"] == 3 * 3600
    assert ask("utilization", include="travel_only", **WEEK)["numerator"] == 3600
    assert ask("utilization", include="work_only", **WEEK)["numerator"] == 4 * 3600


def test_approved_absence_is_not_available_time(ask: Ask, records: Records) -> None:
    ana, ben = records.technician("Ana"), records.technician("Ben")
    for technician, ends in ((ana, 12), (ben, 30)):
        shift(records, technician)
        off = {"technician_id": technician.id, "starts_at": at(0), "ends_at": at(ends)}
        records.add(Absence(organization_id=records.organization_id, **off))

    answer = ask("utilization", **WEEK)

    assert answer["denominator"] == 4 * 3600
    assert answer["excluded"] == {"absent": 1}


def test_a_night_shift_ends_on_the_next_day(ask: Ask, records: Records) -> None:
    shift(records, records.technician("Ana"), weekday=7, starts=time(22), ends=time(6))

    assert ask("utilization", **WEEK)["denominator"] == 8 * 3600


def test_cost_has_five_parts(ask: Ask, records: Records, runtime: Runtime, organization: Organization) -> None:
    work = records.completed(20, overhead_minor=700)
    ana, tom = records.technician("Ana"), records.technician("Tom")
    own = records.visit(work, 8, 10, technician_id=ana.id, employment="employee")
    theirs = records.visit(work, 12, 13, technician_id=tom.id, employment="contractor")
    records.time(own, ana, 8, 9, kind="travel", rate_minor=3000)
    records.time(own, ana, 9, 10)
    records.time(theirs, tom, 12, 13, rate_minor=9000)
    for kind, quantity in (("used", 3), ("returned", 1)):
        movement = {"part_number": "P", "quantity": Decimal(quantity), "delta": Decimal(0), "unit_cost_minor": 250}
        when = dict.fromkeys(("occurred_at", "effective_at", "recorded_at"), at(9))
        records.add(
            PartMovement(
                organization_id=organization.id, work_order_id=work.id, kind=kind, currency="EUR", **movement, **when
            )
        )

    answer = ask("cost_per_work_order", **WEEK)

    parts = {"labor": 6000, "travel": 3000, "parts": 500, "contractor": 9000, "overhead": 700}
    assert answer["components"] == parts
    assert (answer["value"], answer["currency"]) == (sum(parts.values()), "EUR")


def test_a_missing_rate_is_not_free_work(ask: Ask, records: Records) -> None:
    visit, ana = records.visit(records.completed(), 8, 10), records.technician("Ana")
    records.time(visit, ana, 8, 10, rate_minor=None)

    answer = ask("cost_per_work_order", **WEEK)

    assert answer["components"]["labor"] is None
    assert answer["status"] == "incomplete_costs"


def test_two_currencies_are_two_rows_and_never_a_sum(ask: Ask, records: Records) -> None:
    for currency, cost in (("EUR", "100"), ("EUR", "0"), ("USD", "70"), ("USD", None)):
        given = None if cost is None else Decimal(cost)
        records.completed(closed_at=at(20), currency=currency, imported_cost_minor=given)

    answer = ask("cost_per_work_order", costs="imported", **WEEK)

    assert (answer["value"], answer["status"]) == (None, "mixed_currencies")
    assert {row["currency"]: (row["numerator"], row["n"]) for row in answer["by_currency"]} == {
        "EUR": (100, 2),
        "USD": (70, 1),
    }
    assert answer["excluded"] == {"no_cost": 1}


def test_parts_that_came_back_were_not_used(ask: Ask, records: Records) -> None:
    work = records.completed()
    for number, kind, quantity in (("VALVE", "used", 3), ("VALVE", "returned", 1), ("RELAY", "used", 1)):
        facts = {"part_number": number, "kind": kind, "quantity": Decimal(quantity), "delta": Decimal(0)}
        when = dict.fromkeys(("occurred_at", "effective_at", "recorded_at"), at(9))
        records.add(PartMovement(organization_id=records.organization_id, work_order_id=work.id, **facts, **when))

    answer = ask("parts_used", group_by="part", **WEEK)

    assert answer["value"] == 3
    assert answer["sums"] == {"VALVE": 2, "RELAY": 1}


def test_visit_duration_counts_visits_that_happened(ask: Ask, records: Records) -> None:
    work = records.completed()
    records.visit(work, 8, 10)
    records.visit(work, 11, 12)
    records.visit(work, status="canceled", ended_at=at(9))

    answer = ask("visit_duration", **WEEK)

    assert (answer["n"], answer["value"]) == (2, timedelta(hours=1.5).total_seconds())


def test_failed_verifications_say_how_many_work_orders_they_belong_to(ask: Ask, records: Records) -> None:
    work = records.completed()
    records.visit(work, 8, 9, outcome="not_resolved")
    records.visit(work, 9, 10, verification="failed", verified_at=at(12))
    records.visit(work, 10, 11)

    answer = ask("failed_verifications", **WEEK)

    assert (answer["value"], answer["work_orders"]) == (2, 1)
