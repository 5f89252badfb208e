"""Two phones change one job, each without network, and come back: what each shows then, and what the office sees.

The page, the browser, the client, the network and the server are real.
"""

from typing import Any

import pytest

from tests.browser.conftest import MakePocket
from tests.browser.pocket import Pocket
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.stories import events, give_to, issue, issues, technician_id

APPLIED = ("applied", None, False)
NOOP = ("applied", None, True)
REASSIGNED = ("noted", "reassigned", False)
ALREADY_DONE = ("noted", "already_done_by_other", False)


#: What the office has to decide: code, severity, choices.
AFTER_REASSIGN = ("completed_after_reassign", "high", ["ok"])
LATE = ("reassigned", "high", ["attach", "new_visit", "discard"])
DONE_TWICE = ("already_done_by_other", "warning", ["attach", "new_visit", "discard"])
DOUBLE_WORK = ("double_work", "high", ["ok", "bill", "waive"])

#: What the page says of it, and what can be answered.
YOURS_AGAIN = [
    "info: You completed a job that had been given to somebody else. It is yours again.",
    "ok",
    "call dispatch",
]
CHANGED = "Recorded, but the job had changed: reassigned."
DONE_ALREADY = "Recorded, but the job had changed: already done by other."


def visit_of(scene: Scene, visit: dict[str, Any]) -> dict[str, Any]:
    return dict(scene.get(f"/v1/visits/{visit['id']}"))


def board(scene: Scene) -> list[tuple[str, str, list[str]]]:
    """(code, severity, choices) of what the office has to decide, in the order of the alphabet."""
    items = scene.get("/v1/issues", state="open", owner="dispatcher")["items"]
    return sorted((one["code"], one["severity"], one["choices"]) for one in items)


def given_away(action: str, other: str) -> list[str]:
    return [f'info: Your "{action}" is recorded, but the job had been given to {other}.', "ok", "call dispatch"]


def done_already(other: str) -> list[str]:
    return [f'info: Your "complete" is recorded, but {other} had done the job already.', "ok", "call dispatch"]


def both_away(
    pocket: MakePocket, scene: Scene, ana: Somebody, ben: Somebody, did: tuple[str, ...]
) -> tuple[dict[str, Any], Pocket, Pocket]:
    """Ana is away; her job is given to Ben, who takes it along to where there is no network either.

    Ana starts and completes it, Ben does what `did` says; the server knows nothing of it.
    """
    visit = scene.dispatched(ana)
    anas, bens = pocket("Ana", ana), pocket("Ben", ben)
    anas.says(sent="sent ✓")
    anas.go_offline()
    give_to(scene, visit["id"], ben)
    scene.plan(visit["id"], "dispatch")
    bens.says(status="dispatched", sent="sent ✓")
    bens.go_offline()
    anas.press("Start", "Complete")
    anas.says(status="completed", sent="waiting ⏳ 2")
    bens.press(*did)
    bens.says(sent=f"waiting ⏳ {len(did)}" if did else "sent ✓")
    now = visit_of(scene, visit)
    assert (now["status"], now["technician_id"]) == ("dispatched", technician_id(ben))
    return visit, anas, bens


#: What Ben did → what he is told, his issues, his news beside the departure, and what the office has to decide.
ANA_FIRST: dict[tuple[str, ...], tuple[list[Any], list[str], list[str], list[Any]]] = {
    (): ([], [], [], [AFTER_REASSIGN]),
    ("Start",): ([REASSIGNED], given_away("start", "Ana"), [CHANGED], [AFTER_REASSIGN, LATE]),
    ("Start", "Complete"): (
        [REASSIGNED, ALREADY_DONE],
        [*given_away("start", "Ana"), *done_already("Ana")],
        [CHANGED, DONE_ALREADY],
        [DONE_TWICE, AFTER_REASSIGN, DOUBLE_WORK, LATE],
    ),
}


@pytest.mark.parametrize("did", ANA_FIRST, ids=["not begun", "begun offline", "completed offline"])
def test_a_job_that_was_given_away_is_hers_again_if_nobody_was_known_to_have_begun(
    pocket: MakePocket, scene: Scene, ana: Somebody, ben: Somebody, did: tuple[str, ...]
) -> None:
    bens_answers, bens_issues, bens_news, decisions = ANA_FIRST[did]
    visit, anas, bens = both_away(pocket, scene, ana, ben, did)

    anas.come_back()
    anas.says(sent="sent ✓")
    bens.come_back()
    bens.check(issues=bens_issues, news=["A job left: completed by other.", *bens_news])
    anas.catch_up()

    assert anas.told == [REASSIGNED, ("applied", "completed_after_reassign", False)]
    assert bens.told == bens_answers
    anas.check(issues=YOURS_AGAIN, news=[CHANGED], status="completed", sent="sent ✓")
    for one in (anas, bens):
        one.check_for_everybody()
    now = visit_of(scene, visit)
    assert (now["status"], now["technician_id"]) == ("completed", technician_id(ana))
    assert now["started_at"] < now["ended_at"]
    assert events(scene, visit).count("visit.completed") == 1
    assert scene.order(visit["work_order_id"])["status"] == "closed"
    assert board(scene) == decisions

    anas.press("ok")
    anas.check(news=[CHANGED], status="completed", sent="sent ✓")
    decide(scene, "completed_after_reassign", "ok")
    assert ("technician", "completed_after_reassign", "info") not in issues(scene)
    assert board(scene) == [one for one in decisions if one != AFTER_REASSIGN]


#: What Ben did → how the visit stands, the rest of what Ana is told, and what the office has to decide.
BEN_FIRST: dict[tuple[str, ...], tuple[str, Any, list[str], str, list[Any]]] = {
    ("Start",): ("in_progress", REASSIGNED, given_away("complete", "Ben"), CHANGED, [DOUBLE_WORK, LATE, LATE]),
    ("Start", "Complete"): (
        "completed",
        ALREADY_DONE,
        done_already("Ben"),
        DONE_ALREADY,
        [DONE_TWICE, DOUBLE_WORK, LATE],
    ),
}


@pytest.mark.parametrize("did", BEN_FIRST, ids=["begun", "completed"])
def test_a_job_that_was_given_away_stays_with_who_has_begun_it_and_the_office_decides_about_the_double_work(
    pocket: MakePocket, scene: Scene, ana: Somebody, ben: Somebody, did: tuple[str, ...]
) -> None:
    status, anas_answer, anas_issue, anas_news, decisions = BEN_FIRST[did]
    visit, anas, bens = both_away(pocket, scene, ana, ben, did)

    bens.come_back()
    bens.says(sent="sent ✓")
    anas.come_back()
    anas.check(issues=[*given_away("start", "Ben"), *anas_issue], news=["A job left: reassigned.", CHANGED, anas_news])
    bens.catch_up()

    assert anas.told == [REASSIGNED, anas_answer]
    assert bens.told == [APPLIED] * len(did)
    bens.check(status=status.replace("_", " "), sent="sent ✓")
    for one in (anas, bens):
        one.check_for_everybody()
    now = visit_of(scene, visit)
    assert (now["status"], now["technician_id"]) == (status, technician_id(ben))
    assert events(scene, visit).count("visit.completed") == (status == "completed")
    assert events(scene, visit).count("visit.orphaned") == 2
    assert board(scene) == decisions

    decide(scene, "double_work", "bill")
    assert board(scene) == [one for one in decisions if one != DOUBLE_WORK]
    bens.check(status=status.replace("_", " "), sent="sent ✓")


def decide(scene: Scene, code: str, choice: str) -> None:
    decided = scene.post(f"/v1/issues/{issue(scene, code)['id']}/resolution", {"choice": choice})
    assert (decided["state"], decided["choice"], decided["resolved_by_name"]) == ("resolved", choice, "Dana")


def test_two_phones_of_one_technician_complete_one_job(pocket: MakePocket, scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    one, other = pocket("one", ana), pocket("other", ana)
    for phone in (one, other):
        phone.says(status="dispatched", sent="sent ✓")
        phone.go_offline()
        phone.press("Start", "Complete")
        phone.says(status="completed", sent="waiting ⏳ 2")

    one.come_back()
    one.says(sent="sent ✓")
    other.come_back()
    other.says(sent="sent ✓")
    one.catch_up()

    assert (one.told, other.told) == ([APPLIED, APPLIED], [NOOP, NOOP])
    for phone in (one, other):
        phone.check(status="completed", sent="sent ✓")
    now = visit_of(scene, visit)
    assert (now["status"], now["resolution_code"]) == ("completed", "repaired")
    assert scene.order(visit["work_order_id"])["status"] == "closed"
    told = events(scene, visit, implied=False)
    assert [told.count(kind) for kind in ("visit.started", "visit.completed", "visit.reported")] == [1, 1, 2]
    assert issues(scene) == []
