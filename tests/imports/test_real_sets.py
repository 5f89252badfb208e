"""Every reference data set, whole: what is in the tables is what the events say, and a second time changes nothing."""

import csv
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.domain.history import history
from app.domain.ledger import Event, VisitState, WorkOrderState, fold
from app.identity.models import Organization
from app.imports.command import files_of, import_folder
from app.kit.database import rows
from app.kit.runtime import Runtime
from tests.conftest import SHARED_DATA, CheckedClient, Somebody
from tests.imports.conftest import Send, codes, counts

pytestmark = pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the reference data sets are not on this machine")

SETS = ("spec_examples", "boston311_quickstart", "servicenow_incidents", "boston311_h1")


def lines_of(path: Path) -> int:
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.DictReader(file))


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_imported_whole_and_a_second_time_changes_nothing(
    name: str, runtime: Runtime, organization: Organization, api: CheckedClient, max_: Somebody
) -> None:
    folder = SHARED_DATA / name
    in_files = {table.value: lines_of(path) for table, _, path in files_of(folder)}

    first = import_folder(runtime, organization.id, folder)
    totals = api.get("/v1/imports/totals", headers=max_.headers).json()
    second = import_folder(runtime, organization.id, folder)

    assert {run.table_name: run.rows_created for run in first} == in_files
    assert {run.table_name: run.rows_unchanged for run in second} == in_files
    assert sum(run.rows_refused for run in (*first, *second)) == 0
    in_files["status_events"] = in_files.pop("events", 0)
    assert {what: totals[what] for what in in_files} == in_files
    assert_that_the_caches_are_what_the_events_say(runtime, organization.id)


def assert_that_the_caches_are_what_the_events_say(runtime: Runtime, organization_id: UUID) -> None:
    events: dict[UUID, list[Event]] = {}
    with runtime.transaction(organization_id) as db:
        for row in rows(db, "SELECT * FROM events ORDER BY work_order_id, seq"):
            event = Event(row["seq"], row["type"], row["effective_at"], row["data"], row["visit_id"], row["implied"])
            events.setdefault(row["work_order_id"], []).append(event)
        orders = {row["id"]: row for row in rows(db, "SELECT * FROM work_orders")}
        visits = {row["id"]: row for row in rows(db, "SELECT * FROM visits")}
        intervals: dict[UUID, list[dict[str, Any]]] = {}
        for row in rows(db, "SELECT * FROM status_intervals ORDER BY work_order_id, seq"):
            intervals.setdefault(row["work_order_id"], []).append(row)
    assert events.keys() == orders.keys()
    for id_, mine in events.items():
        state, went = fold(mine)
        assert {one.name: orders[id_][one.name] for one in fields(WorkOrderState)} == asdict(state)
        for visit in went.values():
            assert {one.name: visits[visit.id][one.name] for one in fields(VisitState)} == asdict(visit)
        told = [asdict(interval) for interval in history(mine)]
        assert [{name: row[name] for name in told[0]} for row in intervals[id_]] == told
        assert intervals[id_][-1]["status"] == state.status


def test_every_row_that_closes_before_it_opens_is_refused_and_none_is_imported(
    send: Send, runtime: Runtime, organization: Organization
) -> None:
    body = (SHARED_DATA / "boston311_anomalies" / "work_orders.csv").read_bytes()

    report = send("work_orders", body, media_type="text/csv")

    assert counts(report) == (0, 0, 0, 40)
    assert codes(report) == [(line, "closed-before-created", "closed_at") for line in range(2, 42)]
    with runtime.transaction(organization.id) as db:
        assert rows(db, "SELECT count(*) AS n FROM work_orders")[0]["n"] == 0
        assert rows(db, "SELECT count(*) AS n FROM events")[0]["n"] == 0
