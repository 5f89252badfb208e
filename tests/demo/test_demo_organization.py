"""The demo organization shows everything there is, and its past could have happened."""

import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from rich.console import Console
from sqlmodel import SQLModel
from starlette.testclient import TestClient

from app.demo import organization
from app.demo.cast import PASSWORD
from app.domain.ledger import Event, EventType, apply, fold
from app.domain.lifecycle import (
    VISIT_MOVES,
    WORK_ORDER_MOVES,
    VisitAction,
    VisitStatus,
    WorkOrderAction,
    WorkOrderStatus,
)
from app.identity.passwords import check_strength
from app.kit.database import rows
from app.kit.runtime import Runtime
from app.main import create_app
from app.replay import replay
from tests.demo.conftest import NOW

V, W, E = VisitAction, WorkOrderAction, EventType
VISIT_ACTIONS = {
    E.VISIT_DISPATCHED: V.DISPATCH, E.VISIT_ACCEPTED: V.ACCEPT, E.VISIT_DECLINED: V.DECLINE, E.VISIT_DEPARTED: V.DEPART,
    E.VISIT_ARRIVED: V.ARRIVE, E.VISIT_STARTED: V.START, E.VISIT_PAUSED: V.PAUSE, E.VISIT_RESUMED: V.RESUME,
    E.VISIT_COMPLETED: V.COMPLETE, E.VISIT_ENDED_INCOMPLETE: V.END_INCOMPLETE, E.VISIT_NO_ACCESS: V.NO_ACCESS,
    E.VISIT_NO_SHOW: V.NO_SHOW, E.VISIT_CANCELED: V.CANCEL,
}  # fmt: skip
ORDER_ACTIONS = {
    E.APPROVED: W.APPROVE, E.REJECTED: W.REJECT, E.VISIT_SCHEDULED: W.SCHEDULE, E.HELD: W.HOLD, E.RELEASED: W.RELEASE,
    E.COMPLETED_REMOTELY: W.COMPLETE, E.CLOSED: W.CLOSE, E.SENT_BACK: W.SEND_BACK, E.REOPENED: W.REOPEN,
    E.CANNOT_COMPLETE: W.CANNOT_COMPLETE, E.CANCELED: W.CANCEL,
}  # fmt: skip
#: Every start signs everybody in anew.
GROWS = {"sessions", "access_tokens"}


def ask(demo: Runtime, demo_id: UUID, sql: str) -> list[dict[str, Any]]:
    with demo.transaction(demo_id) as db:
        return rows(db, sql)


def count(demo: Runtime, demo_id: UUID, table: str) -> int:
    return int(ask(demo, demo_id, f"SELECT count(*) AS n FROM {table}")[0]["n"])


@pytest.mark.parametrize(
    ("table", "how_many"),
    [("work_orders", 400), ("customers", 60), ("contacts", 60), ("technicians", 13), ("teams", 3), ("partners", 1),
     ("work_types", 6), ("people", 19)],
)  # fmt: skip
def test_there_are_as_many_as_promised(demo: Runtime, demo_id: UUID, table: str, how_many: int) -> None:
    assert count(demo, demo_id, table) == how_many


@pytest.mark.parametrize(
    "table",
    ["sites", "assets", "shifts", "parts", "stock_locations", "part_movements", "closure_submissions", "evidence",
     "time_entries", "surveys", "survey_answers", "outbox_messages", "visit_members", "closure_policies", "forms",
     "closure_waivers", "certificates"],
)  # fmt: skip
def test_there_is_something_to_see_everywhere(demo: Runtime, demo_id: UUID, table: str) -> None:
    assert count(demo, demo_id, table) > 0


def test_every_status_of_work_orders_and_visits_is_there(demo: Runtime, demo_id: UUID) -> None:
    orders = {row["status"] for row in ask(demo, demo_id, "SELECT DISTINCT status FROM work_orders")}
    visits = {row["status"] for row in ask(demo, demo_id, "SELECT DISTINCT status FROM visits")}

    assert orders == set(WorkOrderStatus)
    assert visits == set(VisitStatus)


def test_there_are_good_days_and_bad_ones(demo: Runtime, demo_id: UUID) -> None:
    reasons = {row["r"] for row in ask(demo, demo_id, "SELECT DISTINCT incomplete_reason AS r FROM visits")}
    verdicts = {row["v"] for row in ask(demo, demo_id, "SELECT DISTINCT verdict AS v FROM closure_submissions")}
    surveys = {row["s"] for row in ask(demo, demo_id, "SELECT DISTINCT state AS s FROM surveys")}
    kinds = {row["k"] for row in ask(demo, demo_id, "SELECT DISTINCT kind AS k FROM survey_answers")}
    reopened = ask(demo, demo_id, "SELECT 1 FROM work_orders WHERE reopen_count > 0")

    assert {"parts", "diagnosis", "skill", "access"} <= reasons
    assert {"verified", "waived", "pending_review", "changes_requested", "awaiting_evidence", "unmet"} <= verdicts
    assert {"sent", "answered", "suppressed"} <= surveys
    assert {"csat", "nps", "text"} <= kinds
    assert reopened


def told_by_order(demo: Runtime, demo_id: UUID) -> dict[UUID, list[Event]]:
    found: dict[UUID, list[Event]] = {}
    for row in ask(demo, demo_id, "SELECT * FROM events ORDER BY work_order_id, seq"):
        event = Event(row["seq"], row["type"], row["effective_at"], row["data"], row["visit_id"], row["implied"])
        found.setdefault(row["work_order_id"], []).append(event)
    return found


def test_everything_was_allowed_when_it_happened(demo: Runtime, demo_id: UUID) -> None:
    for told in told_by_order(demo, demo_id).values():
        order, visits = fold([])
        for event in told:
            if event.type in ORDER_ACTIONS:
                assert order.status in WORK_ORDER_MOVES[ORDER_ACTIONS[E(event.type)]].sources, event
            if event.type in VISIT_ACTIONS:
                assert event.visit_id is not None
                move = VISIT_MOVES[VISIT_ACTIONS[E(event.type)]]
                assert visits[event.visit_id].status in move.sources, event
                assert all(name in event.data for name in move.requires), event
            apply(order, visits, event)
        assert not order.late_events


def test_nothing_of_the_past_lies_in_the_future(demo: Runtime, demo_id: UUID) -> None:
    [span] = ask(demo, demo_id, "SELECT min(effective_at) AS first, max(recorded_at) AS last FROM events")

    assert span["last"] <= NOW
    assert NOW - timedelta(days=92) < span["first"] < NOW - timedelta(days=88)
    assert ask(demo, demo_id, "SELECT 1 FROM part_movements WHERE recorded_at > '2026-07-15'") == []


def test_replaying_all_events_gives_what_is_cached(demo: Runtime, demo_id: UUID) -> None:
    assert list(replay(demo)) == []


def test_the_same_seed_and_day_tell_the_same_story_and_others_another(demo: Runtime) -> None:
    def story(seed: int) -> Sequence[SQLModel]:
        return organization.imagine(demo, NOW, seed=seed, password_hash="x").rows

    def said(found: Sequence[SQLModel]) -> list[dict[str, Any]]:
        return [row.model_dump(warnings=False) for row in found]

    assert said(story(1)) == said(story(1))
    assert said(story(1)) != said(story(2))


def test_what_was_closed_is_sealed_and_stands_up_to_a_check(demo: Runtime, demo_id: UUID) -> None:
    closed = ask(demo, demo_id, "SELECT id FROM work_orders WHERE status = 'closed'")
    codes = ask(demo, demo_id, "SELECT code FROM certificates ORDER BY position")

    with TestClient(create_app(demo)) as client:
        for row in codes[:: len(codes) // 5]:
            answer = client.post("/v1/certificates/verify", json={"code": row["code"]}).json()
            assert (answer["valid"], answer["differences"]) == (True, [])

    assert len(codes) == len(closed)


def test_no_message_waits_to_be_sent(demo: Runtime, demo_id: UUID) -> None:
    assert ask(demo, demo_id, "SELECT 1 FROM surveys WHERE state IN ('due', 'sending')") == []
    assert ask(demo, demo_id, "SELECT 1 FROM procrastinate_jobs") == []


def sizes(demo: Runtime, demo_id: UUID) -> Counter[str]:
    tables = [name for name in SQLModel.metadata.tables if name not in GROWS]
    return Counter({name: count(demo, demo_id, name) for name in tables})


def test_a_second_start_finds_it_and_adds_nothing(demo: Runtime, demo_id: UUID, paper: Console) -> None:
    before = sizes(demo, demo_id)

    organization.ensure_demo_organization(demo, paper)

    assert sizes(demo, demo_id) == before
    assert organization.find(demo) == demo_id


@time_machine.travel(NOW)
def test_what_is_printed_works_as_printed(demo: Runtime, demo_id: UUID, paper: Console) -> None:
    organization.ensure_demo_organization(demo, paper)
    printed = paper.file.getvalue()  # type: ignore[attr-defined]
    commands = [shlex.split(line) for line in printed.splitlines() if line.strip().startswith("curl")]
    [survey] = [line.split()[1] for line in printed.splitlines() if line.startswith("  Survey")]

    with TestClient(create_app(demo)) as client:
        for _, _, _, header, url in commands:
            name, _, token = header.partition(": ")
            answer = client.get(url, headers={name: token})
            assert answer.status_code == 200, url
            assert answer.json().get("items", answer.json().get("value")), url
        shown = client.get(survey)

    assert len(commands) == 3
    assert PASSWORD in printed
    assert shown.status_code == 200
    assert 'name="nonce"' in shown.text


def test_the_password_of_the_demo_is_one_that_anybody_may_choose() -> None:
    check_strength(PASSWORD)


def test_ana_has_work_today_of_which_one_job_waits_for_her_yes(demo: Runtime, demo_id: UUID) -> None:
    today = ask(
        demo,
        demo_id,
        "SELECT v.status FROM visits v JOIN technicians t ON t.id = v.technician_id WHERE t.name LIKE 'Ana%' "
        "AND v.scheduled_start >= '2026-07-15' AND v.scheduled_start < '2026-07-16'",
    )

    assert {row["status"] for row in today} == {"accepted", "dispatched"}
