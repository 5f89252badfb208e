"""`GET /v1/kpis/{key}/records`: what is counted is what is listed, for every KPI, over one varied history."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.identity.models import Shift
from app.kpis.definitions import DEFINITIONS
from app.parts.models import PartMovement
from app.work_orders.models import WorkOrder
from tests.conftest import CheckedClient, Somebody
from tests.kpis.conftest import Ask, Records, at

MONTH = {"from_": "2026-05-01", "to": "2026-06-01", "pair": "false", "at": "2026-05-20"}
NEEDED = {"substatus_share": {"reached": "waiting"}}


@pytest.fixture
def history(records: Records) -> None:
    """Forty work orders of two technicians in every state, from a fixed seed."""
    with records.at_once():
        _forty(records, random.Random(7))


def _forty(records: Records, luck: random.Random) -> None:
    people = [records.technician(name, external_ref=name) for name in ("T1", "T2")]
    for person in people:
        hours = {"starts": at(8).time(), "ends": at(17).time(), "unpaid_break_minutes": 30}
        for weekday in (1, 2, 3, 4, 5):
            shift = Shift(organization_id=records.organization_id, technician_id=person.id, weekday=weekday, **hours)
            records.add(shift)
    for number in range(40):
        _one(records, luck, people, number)


def _one(records: Records, luck: random.Random, people: list[Any], number: int) -> None:
    start, person = luck.randrange(0, 240), luck.choice(people)
    facts: dict[str, Any] = {
        "requested_at": at(start),
        "due_at": luck.choice([None, at(start + 30)]),
        "territory": luck.choice(["North", "South", None]),
        "is_test": number % 13 == 0,
        "technician_id": person.id,
        "asset_ref": luck.choice(["A1", "A2"]),
        "imported_cost_minor": luck.choice([None, Decimal("120.5")]),
    }
    if number % 4 == 0:
        work = records.work_order(status=luck.choice(["approved", "on_hold", "canceled"]), **facts)
        records.state(work, work.status, at(start), substatus=luck.choice([None, "waiting"]))
        return
    done = start + luck.randrange(2, 60)
    closed = {"first_closed_at": at(done + 1), "closed_at": at(done + 1), "first_assigned_at": at(start + 1)}
    work = records.completed(done, reopen_count=luck.choice([0, 0, 1]), **facts, **closed)
    records.state(work, "approved", at(start), at(done))
    records.state(work, "closed", at(done))
    _worked(records, luck, work, person, start, done)


def _worked(records: Records, luck: random.Random, work: WorkOrder, person: Any, start: int, done: int) -> None:
    for trip in range(luck.choice([0, 1, 1, 2])):
        arrived = start + trip + luck.random()
        visit = records.visit(
            work,
            arrived,
            min(done, arrived + 0.5),
            technician_id=person.id,
            outcome=luck.choice(["resolved", "resolved", "not_resolved"]),
            scheduled_start=at(arrived),
            window_start=at(start),
            window_end=at(start + 1),
        )
        verdict = luck.choice(["verified", "waived", "changes_requested", "pending_review"])
        waits = verdict == "pending_review"
        records.closure(visit, verdict, happened=arrived + 0.5, decided=None if waits else arrived + 1)
        records.time(visit, person, arrived, arrived + 0.5, rate_minor=luck.choice([None, 6000, 6000]))
        used = {"kind": "used", "part_number": luck.choice(["P1", "P2"]), "quantity": Decimal(2), "delta": Decimal(-2)}
        when = {"occurred_at": at(arrived), "effective_at": at(arrived), "recorded_at": at(arrived)}
        records.add(
            PartMovement(
                organization_id=records.organization_id, work_order_id=work.id, unit_cost_minor=5, **used, **when
            )
        )
    if luck.random() < 0.6:
        kind, scale = luck.choice([("csat", (1, 5)), ("nps", (0, 10))])
        score = luck.choice([None, scale[0], scale[1] - 1, scale[1]])
        records.answer(work, score, kind=kind, question=kind, scale_min=scale[0], scale_max=scale[1])


@pytest.mark.usefixtures("history")
def test_each_side_lists_exactly_the_records_that_the_figure_counts(
    ask: Ask, drill: Ask, subtests: pytest.Subtests
) -> None:
    for key in DEFINITIONS:
        with subtests.test(key):
            params = {**MONTH, **NEEDED.get(key, {})}

            answer = ask(key, **params)
            listed = {side: drill(key, side, **params) for side in ("numerator", "denominator", "excluded")}

            assert {side: len(found) for side, found in listed.items()} == answer["record_counts"]
            assert len({_which(one) for one in listed["denominator"]}) == len(listed["denominator"])
            assert sum(one["amount"] for one in listed["numerator"]) == pytest.approx(answer["numerator"])
            if answer["denominator"] is not None:
                assert sum(one["weight"] for one in listed["denominator"]) == pytest.approx(answer["denominator"])
            assert sum(answer["excluded"].values()) == len(listed["excluded"])
            assert answer["n"] > 0


def _which(one: dict[str, Any]) -> tuple[str, str, str]:
    return one["id"], one["category"], one["currency"]


@pytest.mark.usefixtures("history")
def test_groups_and_buckets_add_up_to_the_whole(ask: Ask, subtests: pytest.Subtests) -> None:
    for key, definition in DEFINITIONS.items():
        with subtests.test(key):
            dimension = "technician" if "technician" in definition.dimensions else definition.category

            answer = ask(key, group_by=dimension, bucket="week", **MONTH, **NEEDED.get(key, {}))

            assert sum(group["numerator"] for group in answer["groups"]) == pytest.approx(answer["numerator"])
            assert sum(answer["sums"].values()) == pytest.approx(answer["numerator"])
            if not definition.at_instant:
                assert sum(bucket["numerator"] for bucket in answer["buckets"]) == pytest.approx(answer["numerator"])
                assert sum(bucket["n"] for bucket in answer["buckets"]) == answer["n"]


@pytest.mark.usefixtures("history")
def test_a_filter_leaves_what_its_group_had(ask: Ask) -> None:
    grouped = ask("lead_time", group_by="territory", **MONTH)
    north = ask("lead_time", territory="North", **MONTH)
    nowhere = ask("lead_time", region="", **MONTH)

    by_key = {group["key"]: group for group in grouped["groups"]}
    assert (north["value"], north["n"]) == (by_key["North"]["value"], by_key["North"]["n"])
    assert nowhere["n"] == by_key[None]["n"]
    assert [key for key, _ in grouped["ranking"]] == [key for key in by_key if key is not None]


def test_a_cursor_of_another_list_is_refused(
    api: CheckedClient, reader: Somebody, records: Records, drill: Ask
) -> None:
    for _ in range(3):
        records.completed(closed_at=at(20))
    first = api.get("/v1/kpis/throughput/records", params={"limit": 2}, headers=reader.headers).json()

    other = api.get("/v1/kpis/lead_time/records", params={"cursor": first["next_cursor"]}, headers=reader.headers)

    assert other.status_code == 400
    assert len(drill("throughput", "numerator")) == 3


def test_the_series_of_the_backlog_counts_the_end_of_each_day(ask: Ask, records: Records) -> None:
    """Closing at midnight is still open in the day that ends there; opening at midnight is not yet."""
    midnight = at(24)
    one = records.work_order(status="closed", closed_at=midnight, requested_at=at(1))
    other = records.work_order(status="approved", requested_at=midnight)
    records.state(one, "approved", at(1), midnight)
    records.state(other, "approved", midnight)
    days = {"from_": "2026-05-04", "through": "2026-05-05", "bucket": "day"}

    for population in ("active", "unclosed"):
        answer = ask("backlog", population=population, at=midnight.isoformat(), **days)
        assert answer["points"] == [["2026-05-04", 1], ["2026-05-05", 1]]
        assert answer["value"] == 1
    assert ask("backlog", at=(midnight - timedelta(seconds=1)).isoformat())["value"] == 1
    assert ask("backlog", at=at(0.5).isoformat())["value"] == 0
