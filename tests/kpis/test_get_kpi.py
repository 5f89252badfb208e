"""`GET /v1/kpis/{key}`: what every answer has, whatever the KPI."""

from typing import Any

import pytest

from app.domain.roles import Role
from app.kpis.definitions import DEFINITIONS
from tests.conftest import Cast, CheckedClient, Somebody
from tests.kpis.conftest import Ask, Records, at

WEEK = {"from_": "2026-05-04", "to": "2026-05-11"}
NEEDED = {"substatus_share": {"reached": "waiting"}}


def variants(key: str) -> list[dict[str, str]]:
    """Every word that every choice of a KPI takes, one at a time."""
    found: list[dict[str, str]] = [{}]
    for name, option in DEFINITIONS[key].options.items():
        found += [{name: value} for value in option.values]
    return found


@pytest.mark.parametrize("key", DEFINITIONS)
def test_every_variant_takes_every_filter_and_every_dimension_groups(ask: Ask, key: str) -> None:
    definition = DEFINITIONS[key]
    everything = dict.fromkeys(definition.dimensions, "x")
    needed = NEEDED.get(key, {})

    for variant in variants(key):
        assert ask(key, pair="false", **WEEK, **everything, **{**needed, **variant})["n"] == 0
    for dimension in definition.groupings:
        assert ask(key, pair="false", group_by=dimension, **WEEK, **needed)["group_by"] == dimension


@pytest.mark.parametrize("key", DEFINITIONS)
def test_every_kpi_compares_and_makes_a_series(ask: Ask, key: str) -> None:
    answer = ask(key, bucket="day", compare="previous", **WEEK, **NEEDED.get(key, {}))

    assert [bucket["date"] for bucket in answer["buckets"]] == [f"2026-05-{day:02}" for day in range(4, 11)]
    assert answer["comparison"]["from"] == "2026-04-27T00:00:00Z"
    assert answer["pair"] is None or answer["pair"]["verdict"] == "ok"
    assert answer["definition_version"] == 1


@pytest.mark.parametrize(
    ("key", "params", "pointer"),
    [
        ("csat", {"colour": "red"}, "/query/colour"),
        ("csat", {"callback_days": "30"}, "/query/callback_days"),
        ("csat", {"from": "2026-05-04T00:00:00"}, "/query/from"),
        ("csat", {"from": "soon"}, "/query/from"),
        ("csat", {"from": "2026-05-04", "to": "2026-05-04"}, "/query/to"),
        ("csat", {"to": "2026-05-04", "through": "2026-05-04"}, "/query/through"),
        ("csat", {"tz": "Mars/Olympus"}, "/query/tz"),
        ("csat", {"tz": "../etc/passwd"}, "/query/tz"),
        ("csat", {"bucket": "day"}, "/query/bucket"),
        ("csat", {"bucket": "hour"}, "/query/bucket"),
        ("csat", {"bucket": "day", "from": "1970-01-01", "to": "2026-01-01"}, "/query/bucket"),
        ("csat", {"group_by": "shoe_size"}, "/query/group_by"),
        ("csat", {"compare": "previous"}, "/query/compare"),
        ("csat", {"top": "0"}, "/query/top"),
        ("csat", {"cohort": "yesterday"}, "/query/cohort"),
        ("first_time_fix_rate", {"strict": "maybe"}, "/query/strict"),
        ("first_time_fix_rate", {"callback_days": "1e3"}, "/query/callback_days"),
        ("backlog", {"ageing_days": "30,7"}, "/query/ageing_days"),
        ("business_time", {"open": "9 o'clock"}, "/query/open"),
        ("business_time", {"open": "18:00", "close": "09:00"}, "/query/close"),
        ("business_time", {"weekdays": "0"}, "/query/weekdays"),
        ("business_time", {"holidays": "christmas"}, "/query/holidays"),
        ("business_time", {"from_field": "birth"}, "/query/from_field"),
        ("substatus_share", {}, "/query/reached"),
    ],
)
def test_a_parameter_that_is_unknown_or_badly_written_is_named(
    api: CheckedClient, reader: Somebody, key: str, params: dict[str, str], pointer: str
) -> None:
    response = api.get(f"/v1/kpis/{key}", params=params, headers=reader.headers)

    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


def test_there_is_no_kpi_of_another_name(api: CheckedClient, reader: Somebody) -> None:
    assert api.get("/v1/kpis/happiness", headers=reader.headers).status_code == 404


def test_costs_are_not_for_dispatchers_nor_is_the_pair_that_would_tell_them(
    api: CheckedClient, dana: Somebody, cast: Cast, records: Records
) -> None:
    fay = cast("Fay", Role.FINANCE)

    assert api.get("/v1/kpis/cost_per_work_order", headers=dana.headers).status_code == 403
    assert api.get("/v1/kpis/cost_per_work_order/records", headers=dana.headers).status_code == 403
    assert api.get("/v1/kpis/cost_per_work_order", headers=fay.headers).status_code == 200
    listed = api.get("/v1/kpis", headers=dana.headers).json()["items"]
    assert "cost_per_work_order" not in {item["key"] for item in listed}


def test_a_technician_reads_no_kpis(api: CheckedClient, ana: Somebody) -> None:
    assert api.get("/v1/kpis/csat", headers=ana.headers).status_code == 403
    assert api.get("/v1/kpis", headers=ana.headers).status_code == 403


def test_the_catalogue_says_twelve_things_about_each_kpi(api: CheckedClient, reader: Somebody) -> None:
    items: list[dict[str, Any]] = api.get("/v1/kpis", headers=reader.headers).json()["items"]

    attributes = [
        "definition",
        "business_insights",
        "measurement_approach",
        "formula",
        "trend_analysis",
        "diagnostics",
        "tips",
        "visualization",
        "risk_warnings",
        "tools",
        "integration",
        "change_impact",
    ]
    assert [item["key"] for item in items] == list(DEFINITIONS)
    assert all(item[attribute].endswith(".") for item in items for attribute in attributes)


def test_a_kpi_holds_nothing_of_another_organization(
    ask: Ask, records: Records, runtime: Any, api: CheckedClient
) -> None:
    from app.identity import commands
    from app.kit import clock

    with runtime.transaction(None) as db:
        other = commands.create_organization(db, "Sud", time_zone="UTC", currency="EUR", at=clock.now())
    Records(runtime, other.id).work_order(status="approved")
    records.work_order(status="approved")

    assert ask("new_vs_closed", flow="created", **WEEK)["value"] == 1


def test_test_records_merged_and_canceled_ones_are_left_out_and_counted(ask: Ask, records: Records) -> None:
    kept = records.work_order()
    records.work_order(is_test=True)
    records.work_order(merged_into=kept.id, status="canceled")
    records.work_order(status="canceled")

    assert ask("new_vs_closed", flow="created", **WEEK)["excluded"] == {"canceled": 1, "merged": 1, "test": 1}
    assert ask("new_vs_closed", flow="created", canceled="include", **WEEK)["value"] == 2


def test_an_improvement_that_its_pair_pays_for_is_suspected(ask: Ask, records: Records) -> None:
    """Satisfaction rises from 0 to 100 percent while the answers fall from all to few."""
    with records.at_once():
        for hours, score, silent in ((-24 * 5, 1, 0), (12, 5, 40)):
            for _ in range(20):
                records.answer(records.completed(hours), score, sent_at=at(hours))
            for _ in range(silent):
                records.survey(records.completed(hours), sent_at=at(hours))

    assert ask("csat", **WEEK)["pair"] == {
        "key": "survey_response_rate",
        "value": 33.33,
        "delta": -66.67,
        "verdict": "gaming_suspected",
    }


def test_a_period_that_is_still_running_is_provisional(ask: Ask, records: Records) -> None:
    records.visit(records.completed(), 9, 10)

    closed = ask("first_time_fix_rate", at="2026-07-01", **WEEK)
    waiting = ask("first_time_fix_rate", at="2026-05-20", **WEEK)
    running = ask("csat", at="2026-05-06", **WEEK)
    assert (closed["provisional"], waiting["provisional"], running["provisional"]) == (False, True, True)
    assert ask("first_time_fix_rate", mature="true", at="2026-05-20", **WEEK)["excluded"] == {"callback_window_open": 1}


def test_a_visit_still_open_in_the_period_keeps_it_provisional(ask: Ask, records: Records) -> None:
    records.visit(records.work_order(status="scheduled"), status="dispatched", scheduled_start=at(30))

    answer = ask("csat", at="2026-07-01", **WEEK)

    assert answer["provisional"] is True
    assert answer["watermark"]["open_visits"] == 1
