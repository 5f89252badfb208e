"""Durations, backlog, volumes and targets on small histories that can be checked by hand."""

from datetime import datetime, timedelta

import pytest

from tests.kpis.conftest import Ask, Records, at

WEEK = {"from_": "2026-05-04", "to": "2026-05-11"}
HOUR = 3600


def test_cycle_time_runs_from_the_first_assignment_to_the_first_closing(ask: Ask, records: Records) -> None:
    for hours in (2, 4, 6, 20):
        records.completed(hours, first_assigned_at=at(0), first_closed_at=at(hours), closed_at=at(hours))
    records.completed(3, first_closed_at=at(3), closed_at=at(3))

    answer = ask("cycle_time", **WEEK)

    assert (answer["value"], answer["n"], answer["numerator"]) == (8 * HOUR, 4, 32 * HOUR)
    assert (answer["spread"]["p50"], answer["spread"]["p90"]) == (5 * HOUR, pytest.approx(15.8 * HOUR))
    assert answer["excluded"] == {"never_started": 1}


def test_a_reopen_leaves_cycle_time_alone_and_shows_in_lead_time(ask: Ask, records: Records) -> None:
    records.completed(
        4, requested_at=at(0), first_assigned_at=at(2), first_closed_at=at(5), closed_at=at(50), reopen_count=1
    )

    assert ask("cycle_time", **WEEK)["value"] == 3 * HOUR
    assert ask("lead_time", **WEEK)["value"] == 50 * HOUR
    assert ask("lead_time", until="first_closed", **WEEK)["value"] == 5 * HOUR
    assert ask("resolution_time", **WEEK)["value"] == 4 * HOUR


def test_resolution_follows_the_source_and_its_closing_where_it_never_said_when(ask: Ask, records: Records) -> None:
    records.work_order(status="closed", first_completed_at=at(9), closed_at=at(9))
    assert ask("resolution_time", until="resolved", **WEEK)["value"] == 9 * HOUR

    records.work_order(status="closed", first_completed_at=at(3), resolved_at=at(3), closed_at=at(9))
    assert ask("resolution_time", until="resolved", **WEEK)["value"] == 3 * HOUR


def test_business_time_leaves_out_nights_weekends_and_holidays(ask: Ask, records: Records) -> None:
    friday = datetime.fromisoformat("2026-05-08T20:00:00+00:00")
    records.work_order(status="closed", requested_at=friday, closed_at=friday + timedelta(hours=61, minutes=15))
    hours = {"tz": "Europe/Amsterdam", "weekdays": "1,2,3,4,5", "open": "07:30", "close": "18:00", "holidays": ""}

    assert ask("business_time", **hours)["value"] == 3.75 * HOUR
    assert ask("business_time", **{**hours, "holidays": "2026-05-11"})["value"] == 0
    around_the_clock = {**hours, "weekdays": "1,2,3,4,5,6,7", "open": "00:00", "close": "24:00"}
    assert ask("business_time", **around_the_clock)["value"] == 61.25 * HOUR


def test_time_in_state_is_clipped_to_the_period_and_to_now(ask: Ask, records: Records) -> None:
    work = records.work_order(status="on_hold")
    records.state(work, "approved", at(-10), at(2))
    records.state(work, "on_hold", at(2), None, hold_reason="parts")

    answer = ask("time_in_state", group_by="state", at=at(12).isoformat(), **WEEK)

    assert answer["sums"] == {"on_hold": 10 * HOUR, "approved": 2 * HOUR}
    assert ask("time_in_state", hold_reason="parts", at=at(12).isoformat(), **WEEK)["value"] == 10 * HOUR


def test_backlog_has_ages_bands_and_what_is_overdue(ask: Ask, records: Records) -> None:
    now = at(24 * 40)
    for hours, due in ((24 * 39, None), (24 * 30, at(24 * 31)), (0, at(24 * 50)), (24 * 33, None)):
        work = records.work_order(status="approved", requested_at=at(hours), due_at=due)
        records.state(work, "approved", at(hours))
    records.state(records.work_order(status="new"), "new", at(0))

    answer = ask("backlog", at=now.isoformat())

    assert answer["value"] == 4
    assert answer["breakdown"] == {"0-7": 1, "7-30": 2, "30-90": 1, "90+": 0}
    assert answer["components"]["overdue"] == 1
    assert answer["spread"]["p50"] == 8.5 * 24 * HOUR
    assert ask("backlog", population="intake", at=now.isoformat())["value"] == 1
    share = ask("overdue_share", at=now.isoformat())
    assert (share["value"], share["numerator"], share["denominator"]) == (25.0, 1, 4)


def test_a_reopened_order_is_backlog_again_from_its_reopening(ask: Ask, records: Records) -> None:
    work = records.work_order(status="approved", reopen_count=1)
    records.state(work, "approved", at(0), at(5))
    records.state(work, "closed", at(5), at(20))
    records.state(work, "approved", at(20))

    assert [ask("backlog", at=at(hours).isoformat())["value"] for hours in (1, 10, 20)] == [1, 0, 1]


def test_backlog_is_compared_with_as_long_before_as_the_period_is_long(ask: Ask, records: Records) -> None:
    records.state(records.work_order(status="approved"), "approved", at(0))
    may = {"from_": "2026-05-04", "to": "2026-05-11", "at": "2026-05-11", "compare": "previous"}

    answer = ask("backlog", **may)

    assert answer["comparison"]["at"] == "2026-05-04T00:00:00Z"
    assert (answer["value"], answer["comparison"]["value"], answer["comparison"]["delta"]) == (1, 1, 0)


def test_new_against_closed_is_the_change_of_the_backlog(ask: Ask, records: Records) -> None:
    for closed in (None, None, at(30)):
        records.work_order(closed_at=closed, status="closed" if closed else "approved", channel="web")
    records.work_order(requested_at=at(-50), closed_at=at(40), status="closed")

    answer = ask("new_vs_closed", bucket="day", **WEEK)

    assert answer["value"] == 1
    assert answer["breakdown"] == {"created": 3, "closed": 2}
    assert answer["points"][:2] == [["2026-05-04", 3], ["2026-05-05", -2]]
    assert ask("new_vs_closed", flow="closed", **WEEK)["value"] == 2
    assert ask("new_vs_closed", flow="created", source="web", **WEEK)["value"] == 3


def test_throughput_ranks_by_any_dimension_and_leaves_out_who_is_unknown(ask: Ask, records: Records) -> None:
    for team in ("south", "north", "north", "east", None):
        records.completed(closed_at=at(20), team_ref=team)

    answer = ask("throughput", group_by="team_ref", top=2, **WEEK)

    assert answer["ranking"] == [["north", 2], ["east", 1]]
    assert answer["counts"] == {"north": 2, "east": 1, "south": 1, "": 1}
    assert answer["value"] == 5


def test_the_target_of_a_promise_moves_with_its_pauses_and_so_does_its_period(ask: Ask, records: Records) -> None:
    sunday = at(24 * 6 + 20)
    work = records.work_order(status="in_progress", due_at=sunday, sla_pause_reasons=["customer"])
    records.state(work, "on_hold", at(10), at(20), hold_reason="customer")

    assert ask("sla_compliance", **WEEK)["status"] == "no_data"
    next_week = ask("sla_compliance", from_="2026-05-11", to="2026-05-18")
    assert (next_week["value"], next_week["breakdown"]["open_past_target"]) == (0.0, 1)


def test_what_is_not_due_yet_or_was_canceled_in_time_is_left_out(ask: Ask, records: Records) -> None:
    records.work_order(status="in_progress", due_at=at(30))
    records.work_order(status="canceled", canceled_at=at(5), due_at=at(10))
    records.work_order(status="canceled", canceled_at=at(15), due_at=at(10))

    answer = ask("sla_compliance", at=at(20).isoformat(), **WEEK)

    assert answer["excluded"] == {"canceled": 1, "still_running": 1}
    assert (answer["numerator"], answer["denominator"]) == (0, 1)


def test_done_exactly_at_the_target_is_kept(ask: Ask, records: Records) -> None:
    records.completed(10, due_at=at(10), closed_at=at(10), first_closed_at=at(10))

    assert ask("sla_compliance", **WEEK)["value"] == 100.0
    assert ask("sla_compliance", basis="closed", **WEEK)["value"] == 100.0


def test_failures_of_an_asset_are_so_far_apart(ask: Ask, records: Records) -> None:
    for asset, hours in (("A1", 0), ("A1", 240), ("A1", 612), ("A2", 5)):
        records.work_order(requested_at=at(hours), asset_ref=asset)

    answer = ask("mtbf", basis="gaps")

    assert (answer["value"], answer["denominator"]) == (306 * HOUR, 2)
    assert answer["components"]["failures"] == 4
    assert ask("mtbf", basis="gaps", asset_ref="A2")["value"] is None


def test_operating_time_leaves_out_when_the_asset_was_down(ask: Ask, records: Records) -> None:
    records.completed(10, requested_at=at(0), asset_ref="A1")
    records.completed(9, requested_at=at(4), asset_ref="A1")
    records.work_order(requested_at=at(0), asset_ref="A2", work_class="preventive")

    answer = ask("mtbf", at=at(100).isoformat())

    assert answer["value"] == (90 + 100) * HOUR / 2
    assert answer["components"]["failures"] == 2
