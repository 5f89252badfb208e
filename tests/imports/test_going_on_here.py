"""Imported work that goes on here: the events of both make every cache."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from app.identity.models import Organization
from app.imports.command import import_folder
from app.kit.database import rows
from app.kit.runtime import Runtime
from app.replay import differences
from app.work_orders.models import StatusIntervalRow, WorkOrder
from tests.conftest import SHARED_DATA, CheckedClient, Somebody
from tests.imports.conftest import Send, boiler, counts
from tests.imports.test_imported_history import HISTORY, visit


def all_differences(runtime: Runtime, organization: Organization, db: Session) -> Iterator[Any]:
    for row in rows(db, "SELECT id FROM work_orders"):
        yield from differences(db, organization.id, row["id"])


def act(api: CheckedClient, by: Somebody, order: WorkOrder, noun: str, body: dict[str, Any]) -> None:
    path = f"/v1/work-orders/{order.id}"
    version = api.get(path, headers=by.headers).json()["version"]
    answer = api.post(f"{path}/{noun}", json=body, headers={**by.headers, "If-Match": f'"{version}"'})
    assert answer.status_code == 200, answer.text


def test_a_reopened_work_order_has_both_histories(
    send: Send, api: CheckedClient, sam: Somebody, db: Session, runtime: Runtime, organization: Organization
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    closed = {"closed_at": yesterday.isoformat(), "resolved_at": yesterday.isoformat()}
    send("work_orders", boiler(**closed))
    send("events", *HISTORY[:-1], {**HISTORY[-1], "at": yesterday.isoformat()})
    send("visits", visit(1, outcome="fixed"))
    order = db.exec(select(WorkOrder)).one()

    act(api, sam, order, "reopening", {"reason": "it leaks again"})
    act(api, sam, order, "hold", {"hold_reason": "parts"})

    db.expire_all()
    found = db.exec(select(StatusIntervalRow).order_by(col(StatusIntervalRow.seq))).all()
    assert [one.status for one in found][-3:] == ["closed", "approved", "on_hold"]
    assert [one.left_at is None for one in found] == [False] * (len(found) - 1) + [True]
    assert (order.status, order.reopen_count) == ("on_hold", 2)
    assert order.first_completed_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert list(all_differences(runtime, organization, db)) == []


@pytest.mark.parametrize("word", ["new", "assigned", "in_progress", "on_hold"])
def test_what_is_only_said_of_imported_work_does_not_change_its_status(
    word: str, send: Send, api: CheckedClient, sam: Somebody, db: Session, runtime: Runtime, organization: Organization
) -> None:
    send("work_orders", boiler(status=word, resolved_at=None, closed_at=None))
    order = db.exec(select(WorkOrder)).one()
    before = order.status
    path = f"/v1/work-orders/{order.id}"

    answer = api.patch(path, json={"title": "Boiler is cold"}, headers={**sam.headers, "If-Match": '"1"'})

    db.expire_all()
    assert answer.status_code == 200, answer.text
    assert (order.title, order.status) == ("Boiler is cold", before)
    assert list(all_differences(runtime, organization, db)) == []


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the reference data sets are not on this machine")
@pytest.mark.parametrize("name", ["spec_examples", "boston311_quickstart"])
def test_the_replay_finds_nothing_to_mend(name: str, runtime: Runtime, organization: Organization, db: Session) -> None:
    import_folder(runtime, organization.id, SHARED_DATA / name)

    assert list(all_differences(runtime, organization, db)) == []


def test_two_imports_of_one_file_at_the_same_time_make_one(
    runtime: Runtime, organization: Organization, tmp_path: Path, send: Send, db: Session
) -> None:
    lines = [f"E{n},2026-03-02T08:00:00Z,new" for n in range(300)]
    (tmp_path / "work_orders.csv").write_text("\n".join(["external_id,created_at,status", *lines]))
    (tmp_path / "teams.csv").write_text("\n".join(["ref", *(f"team {n}" for n in range(300))]))

    with ThreadPoolExecutor(3) as hands:
        found = [hands.submit(import_folder, runtime, organization.id, tmp_path) for _ in range(3)]
        runs = [run for one in found for run in one.result()]

    assert sorted(run.rows_created for run in runs) == [0, 0, 0, 0, 300, 300]
    assert sum(run.rows_unchanged for run in runs) == 1_200
    assert counts(send("teams", {"ref": "team 7"})) == (0, 0, 1, 0)
    assert list(all_differences(runtime, organization, db)) == []
