"""Where the field is not as the plan says: who is told, and what each choice does."""

from collections.abc import Callable
from datetime import timedelta
from string import Formatter
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from sqlmodel import Session

from app.identity.models import Organization
from app.kit import clock
from app.kit.problems import NotFound
from app.visits.commands.issues import raise_issue
from app.visits.commands.resolving import ChoiceNotOffered, resolve_issue
from app.visits.issue_schemas import ResolutionIn
from app.visits.issue_texts import TEXTS, IssueCode, sentence
from app.visits.models import Issue, Owner, Severity
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.visits.conftest import Report, Send, given_to

HOUR = timedelta(hours=1)


@pytest.fixture
def in_vain(scene: Scene, offline: Report, ana: Somebody) -> dict[str, Any]:
    """Ana did the work, although the whole job had been called off; the dispatcher's issue about it."""
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(HOUR)
        scene.act(visit["work_order_id"], "cancellation", {"cause": "customer", "reason": "sold the house"})
        now.shift(HOUR)
        offline(visit["id"], "complete", ana, resolution_code="replaced")
    [issue] = scene.get("/v1/issues", owner="dispatcher")["items"]
    return dict(issue)


def decide(scene: Scene, issue: dict[str, Any], choice: str, *, status: int = 200, **more: Any) -> dict[str, Any]:
    return dict(scene.post(f"/v1/issues/{issue['id']}/resolution", {"choice": choice, **more}, status=status))


def test_work_that_nobody_wanted_any_more_can_open_the_work_order_again(
    scene: Scene, in_vain: dict[str, Any], in_step: Callable[[str], bool]
) -> None:
    decided = decide(scene, in_vain, "reopen")

    order = scene.order(in_vain["work_order_id"])
    assert (order["status"], order["reopen_count"], order["canceled_at"]) == ("approved", 1, None)
    assert (decided["state"], decided["choice"], decided["resolved_by_name"]) == ("resolved", "reopen", "Dana")
    assert in_step(in_vain["work_order_id"])


def test_billing_or_waiving_it_only_says_so(scene: Scene, in_vain: dict[str, Any]) -> None:
    decide(scene, in_vain, "bill", reason="call-out")

    assert scene.order(in_vain["work_order_id"])["status"] == "canceled"
    last = scene.get(f"/v1/work-orders/{in_vain['work_order_id']}/events")["items"][-1]
    assert last["type"] == "note.added"
    told = {name: last["data"][name] for name in ("choice", "reason", "code", "issue_id")}
    assert told == {"choice": "bill", "reason": "call-out", "code": "job_cancelled", "issue_id": in_vain["id"]}


def test_a_new_visit_is_planned_with_the_choice(
    scene: Scene, offline: Report, ana: Somebody, ben: Somebody, cast: Any
) -> None:
    visit = scene.dispatched(ana)
    given_to(scene, visit["id"], ben)
    offline(visit["id"], "arrive", ana)
    [issue] = scene.get("/v1/issues", owner="dispatcher")["items"]
    assert ana.technician is not None
    start = scene.at + 5 * HOUR
    times = {"scheduled_start": start.isoformat(), "scheduled_end": (start + HOUR).isoformat()}

    missing = decide(scene, issue, "new_visit", status=422)
    plan = {"technician_id": str(ana.technician.id), **times, "force_reason": "she is there"}
    decide(scene, issue, "new_visit", visit=plan)

    assert (missing["code"], missing["errors"][0]["pointer"]) == ("missing-data", "/body/visit")
    planned = scene.get("/v1/visits", work_order_id=visit["work_order_id"])["items"]
    assert [one["technician_id"] for one in planned] == [
        str(ana.technician.id),
        str(ben.technician and ben.technician.id),
    ]


def test_a_report_is_let_go_only_with_a_reason_and_only_by_a_choice_that_is_offered(
    scene: Scene, in_vain: dict[str, Any]
) -> None:
    assert decide(scene, in_vain, "discard", status=422)["errors"][0]["pointer"] == "/body/reason"
    assert decide(scene, in_vain, "celebrate", status=409)["code"] == "choice-not-offered"
    assert scene.get("/v1/issues", state="open", owner="dispatcher")["items"][0]["version"] == 1

    assert decide(scene, in_vain, "discard", reason="mistake")["version"] == 2
    assert decide(scene, in_vain, "waive", status=409)["code"] == "issue-resolved"


def test_a_technician_resolves_own_issues_and_no_other(
    scene: Scene, send: Send, in_vain: dict[str, Any], ana: Somebody, ben: Somebody
) -> None:
    [mine] = scene.get("/v1/issues", owner="technician")["items"]
    given = ResolutionIn(choice="ok")
    for who, issue in ((ben, mine), (ana, in_vain)):
        with send(who) as sent, pytest.raises(NotFound):
            resolve_issue(sent.db, UUID(issue["id"]), given, by=sent.by, at=sent.at)
    with send(ana) as sent, pytest.raises(ChoiceNotOffered):
        resolve_issue(sent.db, UUID(mine["id"]), ResolutionIn(choice="discard"), by=sent.by, at=sent.at)

    answers = []
    for choice in ("call_dispatch", "ok"):
        with send(ana) as sent:
            answers.append(
                resolve_issue(sent.db, UUID(mine["id"]), ResolutionIn(choice=choice), by=sent.by, at=sent.at)
            )

    assert [(issue.choice, known) for issue, known in answers] == [("call_dispatch", False), ("call_dispatch", True)]
    assert scene.get("/v1/issues", state="open", owner="technician")["items"] == []


def test_that_somebody_of_the_crew_left_cannot_be_put_on_a_visit(
    scene: Scene, offline: Report, ana: Somebody, ben: Somebody
) -> None:
    assert ben.technician is not None
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana, crew=[str(ben.technician.id)])
        scene.plan(visit["id"], "cancellation", {"cause": "customer", "reason": "not at home"})
        now.shift(HOUR)
        offline(visit["id"], "leave", ben)
        another = scene.dispatched(ana, scene.order(visit["work_order_id"]))
    [issue] = scene.get("/v1/issues", owner="dispatcher")["items"]

    refused = decide(scene, issue, "attach", visit_id=another["id"], status=409)

    assert refused["code"] == "invalid-transition"


def raised(db: Session, organization: Organization, op_id: UUID, **more: Any) -> Issue:
    at = more.pop("at", clock.now())
    about = {"owner": Owner.STORES, "severity": Severity.WARNING, "choices": ("done",), "op_id": op_id, **more}
    return raise_issue(db, organization.id, IssueCode.UNKNOWN_PART, at=at, **about)


def test_the_same_trouble_of_one_report_is_one_issue_for_each_owner(db: Session, organization: Organization) -> None:
    op_id = uuid4()

    first, again = raised(db, organization, op_id), raised(db, organization, op_id)
    other = raised(db, organization, op_id, owner=Owner.DISPATCHER)

    assert first.id == again.id != other.id


def test_the_board_shows_open_issues_first_and_the_oldest_first_page_by_page(
    scene: Scene, db: Session, organization: Organization
) -> None:
    ids = [str(raised(db, organization, uuid4(), at=scene.at - number * HOUR).id) for number in range(4)]
    db.commit()
    decide(scene, {"id": ids[2]}, "done")

    found, cursor = [], None
    while True:
        page = scene.get("/v1/issues", limit=1, **({"cursor": cursor} if cursor else {}))
        found += [one["id"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert found == [ids[3], ids[1], ids[0], ids[2]]


@pytest.mark.parametrize("code", IssueCode)
def test_every_code_has_a_sentence_whatever_is_known(code: IssueCode) -> None:
    names = {name for _, name, _, _ in Formatter().parse(TEXTS[code]) if name}

    told = sentence(code, {name: f"<{name}>" for name in names})

    assert all(f"<{name}>".replace("_", " ") in told for name in names)
    assert sentence(code, {})[0].isupper()
    assert "None" not in sentence(code, dict.fromkeys(names))


def test_only_who_plans_sees_the_board(scene: Scene, api: CheckedClient, ana: Somebody, fay: Somebody) -> None:
    for who in (ana, fay):
        assert api.get("/v1/issues", headers=who.headers).status_code == 403


def test_an_attached_report_that_completes_the_work_closes_it_as_well(
    scene: Scene, offline: Report, ana: Somebody, ben: Somebody
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        given_to(scene, visit["id"], ben)
        scene.report(visit["id"], "start", ben)
        now.shift(HOUR)
        offline(visit["id"], "complete", ana)
    [issue] = scene.get("/v1/issues", owner="dispatcher")["items"]

    decide(scene, issue, "attach", visit_id=visit["id"])

    assert scene.order(visit["work_order_id"])["status"] == "closed"
    events = [one["type"] for one in scene.get(f"/v1/work-orders/{visit['work_order_id']}/events")["items"]]
    assert events[-2:] == ["work_order.closed", "note.added"]
