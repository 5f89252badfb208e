"""An operation that the server cannot work off holds up nothing else, and is not lost."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session

from app.kit import clock
from app.kit.database import rows
from app.sync import operations, pushing
from app.sync.operations.outcome import Outcome, Sent
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.stories import answer_of, events, holding, issue, issues

APPLIED = ("applied", None, False)


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From now on, notes with this text meet an error of ours, after they have written something."""

    def poison(text: str) -> None:
        handle = operations.HANDLERS["note.add", 1]

        def trip(db: Session, sent: Sent) -> Outcome:
            outcome = handle(db, sent)
            if sent.given.args["text"] == text:
                raise ZeroDivisionError("a defect of ours")
            return outcome

        monkeypatch.setitem(operations.HANDLERS, ("note.add", 1), trip)  # type: ignore[arg-type]

    return poison


def test_a_poison_delays_nothing_that_does_not_depend_on_it(
    scene: Scene, ana: Somebody, poisoned: Callable[[str], None]
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    poisoned("boom")
    bad = phone.operation("note.add", visit["id"], text="boom")
    dependent = phone.operation("note.add", visit["id"], text="after it", depends_on=[bad["op_id"]])
    good = [phone.operation(f"visit.{action}", visit["id"]) for action in ("depart", "arrive", "start")]

    results = phone.push(good[0], bad, good[1], dependent, good[2])

    assert [answer_of(one) for one in results] == [
        APPLIED,
        ("deferred", "internal_error", False),
        APPLIED,
        ("deferred", "dependency_missing", False),
        APPLIED,
    ]
    assert events(scene, visit)[-3:] == ["visit.departed", "visit.arrived", "visit.started"]
    assert phone.job(visit["id"])["notes"] == []
    assert issues(scene) == []


def test_after_five_attempts_it_is_put_aside_with_an_issue_and_all_that_it_says(
    scene: Scene, ana: Somebody, poisoned: Callable[[str], None], db: Session
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    poisoned("boom")
    bad = phone.operation("note.add", visit["id"], text="boom")
    dependent = phone.operation("note.add", visit["id"], text="after it", depends_on=[bad["op_id"]])

    answers = [answer_of(phone.push(bad)[0]) for _ in range(5)]
    last, taken_along = phone.push(bad, dependent)

    assert answers == [("deferred", "internal_error", False)] * 4 + [("quarantined", "internal_error", False)]
    assert (last["replayed"], answer_of(taken_along)) == (True, ("rejected", "dependency_rejected", False))
    told = issue(scene, "quarantined")
    assert (told["severity"], told["choices"]) == ("high", ["redrive", "discard"])
    assert (told["report"]["op_id"], told["report"]["args"]) == (bad["op_id"], {"text": "boom"})
    assert phone.held["issue", last["issue_id"]][1]["code"] == "quarantined"
    found = rows(db, "SELECT trouble, attempts FROM operations WHERE id = %(i)s", i=bad["op_id"])
    assert found == [{"trouble": "ZeroDivisionError", "attempts": 5}]


def test_what_has_waited_for_another_one_still_has_five_attempts(
    scene: Scene, ana: Somebody, poisoned: Callable[[str], None]
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    poisoned("boom")
    first = phone.operation("visit.depart", visit["id"])
    bad = phone.operation("note.add", visit["id"], text="boom", depends_on=[first["op_id"]])
    waited = [answer_of(phone.push(bad)[0]) for _ in range(6)]

    answers = [answer_of(phone.push(first, bad)[1]) for _ in range(5)]

    assert waited == [("deferred", "dependency_missing", False)] * 6
    assert answers == [("deferred", "internal_error", False)] * 4 + [("quarantined", "internal_error", False)]


def test_a_whole_batch_with_one_poison_is_worked_off_but_for_that_one(
    scene: Scene, ana: Somebody, poisoned: Callable[[str], None]
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    poisoned("13")

    results = phone.push(*(phone.operation("note.add", visit["id"], text=str(n)) for n in range(40)))

    assert [n for n, one in enumerate(results) if one["status"] != "applied"] == [13]
    notes = scene.get(f"/v1/work-orders/{visit['work_order_id']}/notes", limit=100)["items"]
    assert sorted(int(one["text"]) for one in notes) == [n for n in range(40) if n != 13]


def test_what_there_is_no_time_for_is_left_for_the_next_request(
    scene: Scene, ana: Somebody, monkeypatch: pytest.MonkeyPatch, db: Session
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    operation = phone.operation("visit.depart", visit["id"])

    with monkeypatch.context() as patch:
        patch.setattr(pushing, "BUDGET_SECONDS", -1)
        late = phone.push(operation)[0]

    assert answer_of(late) == ("deferred", "time_budget", False)
    assert rows(db, "SELECT id FROM operations WHERE id = %(i)s", i=operation["op_id"]) == []
    assert answer_of(phone.push(operation)[0]) == APPLIED


@pytest.mark.parametrize(
    ("attempts", "hours", "status"), [(9, 25, "quarantined"), (9, 23, "deferred"), (8, 25, "deferred")]
)
def test_a_dependency_that_never_comes_is_waited_for_ten_times_and_a_day(
    scene: Scene, ana: Somebody, db: Session, attempts: int, hours: int, status: str
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    never = phone.operation("visit.depart", visit["id"])
    waiting = phone.operation("visit.arrive", visit["id"], depends_on=[never["op_id"]])
    phone.push(waiting)
    rows(
        db,
        "UPDATE operations SET attempts = %(n)s, received_at = %(at)s WHERE id = %(i)s",
        n=attempts,
        at=clock.now() - timedelta(hours=hours),
        i=waiting["op_id"],
    )
    db.commit()

    result = phone.push(waiting)[0]

    assert answer_of(result) == (status, "dependency_missing", False)
    assert ("issue_id" in result) is (status == "quarantined")


def test_what_is_said_to_have_happened_two_years_ago_is_looked_at_by_people(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)

    old = phone.operation("visit.complete", visit["id"], at=clock.now() - timedelta(days=800))
    result = phone.push(old)[0]

    assert answer_of(result) == ("quarantined", "too_old", False)
    assert issue(scene, "quarantined")["report"]["op_id"] == old["op_id"]
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "dispatched"
