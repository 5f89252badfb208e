"""What was put aside is tried again: after a repair by the operator, or one by one as the dispatcher chooses."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import Session
from typer.testing import CliRunner

from app.cli_sync import sync as command
from app.kit import clock
from app.kit.database import rows, utc_iso
from app.kit.runtime import Runtime
from app.sync import operations
from app.sync.redrive import redrive
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.stories import answer_of, events, give_to, holding, issue, issues

DEPART = ("visit.depart", 1)


@pytest.fixture
def not_known_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The server is an old one, which does not know departures; `.undo()` is the upgrade."""
    monkeypatch.delitem(operations.HANDLERS, DEPART)  # type: ignore[arg-type]
    yield monkeypatch
    monkeypatch.undo()


@pytest.fixture
def visit(scene: Scene, ana: Somebody) -> Any:
    with time_machine.travel(clock.now() - timedelta(minutes=30)):
        return scene.dispatched(ana)


@pytest.fixture
def phone(scene: Scene, ana: Somebody) -> Phone:
    return holding(scene, ana)[0]


def put_aside(phone: Phone, visit_id: str, **more: Any) -> dict[str, Any]:
    operation = {**phone.operation("visit.depart", visit_id, at=clock.now() - timedelta(minutes=20)), **more}
    assert answer_of(phone.push(operation)[0])[:2] == ("quarantined", "unknown_type")
    return operation


def tried(runtime: Runtime, operation: dict[str, Any], **more: Any) -> list[tuple[str, str | None]]:
    """(status, code) of what became of this operation; nothing when it was not tried."""
    return [(one.status.value, one.code) for one in redrive(runtime, **more) if str(one.op_id) == operation["op_id"]]


def test_after_the_upgrade_it_takes_effect_at_its_own_time_and_for_its_sender(
    scene: Scene, ana: Somebody, runtime: Runtime, db: Session, visit: Any, phone: Phone, not_known_yet: Any
) -> None:
    operation = put_aside(phone, visit["id"])
    assert tried(runtime, operation) == [("quarantined", "unknown_type")]
    not_known_yet.undo()

    assert tried(runtime, operation) == [("applied", None)]

    now = scene.get(f"/v1/visits/{visit['id']}")
    assert (now["status"], now["departed_at"]) == ("en_route", operation["occurred_at"])
    told = scene.get(f"/v1/work-orders/{visit['work_order_id']}/events")["items"][-1]
    assert (told["type"], told["actor_id"], told["id"]) == ("visit.departed", str(ana.id), operation["op_id"])
    assert datetime.fromisoformat(told["recorded_at"]) > clock.now() - timedelta(minutes=1)
    assert issues(scene) == []
    phone.pull()
    assert [kind for kind, _ in phone.held if kind == "issue"] == []
    assert phone.job(visit["id"])["status"] == "en_route"
    again = phone.push(operation)[0]
    assert (answer_of(again), again["replayed"]) == (("quarantined", "unknown_type", False), True)
    found = rows(db, "SELECT redriven, redriven_at FROM operations WHERE id = %(i)s", i=operation["op_id"])[0]
    assert (found["redriven"]["status"], found["redriven_at"] is not None) == ("applied", True)
    assert tried(runtime, operation) == [], "once"


@pytest.mark.parametrize(
    ("stamped", "clock_source"),
    [
        ({"age_ms": 1_200_000}, "age"),
        ({}, "device"),
    ],
)
def test_how_its_time_was_found_out_stays_known(
    scene: Scene, runtime: Runtime, visit: Any, phone: Phone, not_known_yet: Any, stamped: Any, clock_source: str
) -> None:
    operation = put_aside(phone, visit["id"], **stamped)
    believed = phone.last.json()["results"][0]["effective_at"]
    not_known_yet.undo()

    assert tried(runtime, operation) == [("applied", None)]

    told = scene.get(f"/v1/work-orders/{visit['work_order_id']}/events")["items"][-1]
    assert (told["effective_at"], told["clock_source"]) == (believed, clock_source)


def test_a_clock_that_was_wrong_then_is_still_put_right(
    scene: Scene, runtime: Runtime, visit: Any, phone: Phone, not_known_yet: Any
) -> None:
    wrong = timedelta(hours=5)
    operation = phone.operation("visit.depart", visit["id"], at=clock.now() - timedelta(minutes=20) - wrong)
    believed = phone.push(operation, sent_at=utc_iso(clock.now() - wrong))[0]["effective_at"]
    not_known_yet.undo()

    with time_machine.travel(clock.now() + timedelta(days=2)):
        assert tried(runtime, operation) == [("applied", None)]

    told = scene.get(f"/v1/work-orders/{visit['work_order_id']}/events")["items"][-1]
    assert (told["effective_at"], told["clock_source"]) == (believed, "offset")


def test_what_became_of_the_job_meanwhile_counts(
    scene: Scene, ben: Somebody, runtime: Runtime, visit: Any, phone: Phone, not_known_yet: Any
) -> None:
    operation = put_aside(phone, visit["id"])
    give_to(scene, visit["id"], ben)
    not_known_yet.undo()

    assert tried(runtime, operation) == [("noted", "reassigned")]
    assert ("dispatcher", "reassigned", "high") in issues(scene, operation["op_id"])


def test_what_is_refused_even_now_stays_aside(
    scene: Scene, runtime: Runtime, visit: Any, phone: Phone, not_known_yet: Any
) -> None:
    operation = put_aside(phone, visit["id"], args={"eta_at": "soon"})
    not_known_yet.undo()

    assert tried(runtime, operation) == [("quarantined", "invalid_args")]
    refused = scene.api.post(
        f"/v1/issues/{issue(scene, 'quarantined')['id']}/resolution",
        json={"choice": "redrive"},
        headers=scene.office.headers,
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "redrive-refused")
    assert refused.json()["outcome"]["code"] == "invalid_args"
    assert issue(scene, "quarantined")["report"]["args"] == {"eta_at": "soon"}


def test_what_depends_on_another_waits_for_it(
    scene: Scene, runtime: Runtime, visit: Any, phone: Phone, not_known_yet: pytest.MonkeyPatch, db: Session
) -> None:
    not_known_yet.delitem(operations.HANDLERS, ("visit.arrive", 1))  # type: ignore[arg-type]
    first = phone.operation("visit.depart", visit["id"])
    second = phone.operation("visit.arrive", visit["id"])
    phone.push(first, second)
    rows(
        db,
        "UPDATE operations SET depends_on = ARRAY[%(on)s]::uuid[] WHERE id = %(i)s",
        on=first["op_id"],
        i=second["op_id"],
    )
    db.commit()
    not_known_yet.undo()

    assert tried(runtime, second, type="visit.arrive") == [("quarantined", "dependency_missing")]
    assert [one.status.value for one in redrive(runtime)][-2:] == ["applied", "applied"]
    assert events(scene, visit)[-2:] == ["visit.departed", "visit.arrived"]


def test_what_came_from_a_device_out_of_use_is_tried_only_when_it_is_said(
    scene: Scene, runtime: Runtime, visit: Any, phone: Phone
) -> None:
    scene.api.delete(f"/v1/devices/{phone.device_id}", headers=scene.boss.headers)
    operation = phone.operation("visit.complete", visit["id"])
    body = {"sent_at": utc_iso(clock.now()), "operations": [operation]}
    scene.api.post("/v1/sync", json=body, headers=phone.who.headers)

    assert tried(runtime, operation) == []
    assert tried(runtime, operation, revoked=True) == [("applied", None)]
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "completed"


def test_the_dispatcher_has_one_tried_again_or_discards_it(
    scene: Scene, runtime: Runtime, visit: Any, phone: Phone, not_known_yet: Any
) -> None:
    put_aside(phone, visit["id"])
    chosen = issue(scene, "quarantined")
    discarded = phone.operation("visit.depart", visit["id"])
    phone.push(discarded)
    not_known_yet.undo()

    answer = scene.post(f"/v1/issues/{chosen['id']}/resolution", {"choice": "redrive"})
    other = issue(scene, "quarantined")
    scene.post(f"/v1/issues/{other['id']}/resolution", {"choice": "discard", "reason": "twice"})

    assert (answer["state"], answer["choice"]) == ("resolved", "redrive")
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "en_route"
    assert tried(runtime, discarded) == [], "what a person discarded is over"
    phone.pull()
    assert [data["op_id"] for (kind, _), (_, data) in phone.held.items() if kind == "issue"] == [discarded["op_id"]]


def test_one_error_does_not_keep_the_others_from_being_tried(
    scene: Scene, runtime: Runtime, visit: Any, phone: Phone, not_known_yet: pytest.MonkeyPatch
) -> None:
    bad, good = put_aside(phone, visit["id"]), phone.operation("visit.fly", visit["id"])
    phone.push(good)
    not_known_yet.undo()

    def trip(*_: Any) -> Any:
        raise ZeroDivisionError

    not_known_yet.setitem(operations.HANDLERS, DEPART, trip)  # type: ignore[arg-type]
    not_known_yet.setitem(operations.HANDLERS, ("visit.fly", 1), operations.HANDLERS["visit.accept", 1])  # type: ignore[arg-type]
    outcomes = {str(one.op_id): (one.status.value, one.code) for one in redrive(runtime)}

    assert outcomes[bad["op_id"]] == ("quarantined", "internal_error")
    assert outcomes[good["op_id"]] == ("applied", None)


def test_the_command_says_what_became_of_each(
    dsn: str, scene: Scene, visit: Any, phone: Phone, not_known_yet: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    operation = put_aside(phone, visit["id"])
    not_known_yet.setenv("DATABASE_URL", dsn)
    not_known_yet.setenv("FIRSTFIX_DATA_DIR", str(tmp_path))

    aside = CliRunner().invoke(command, ["redrive", "--op-id", operation["op_id"]])
    not_known_yet.setitem(operations.HANDLERS, DEPART, operations.status.report("depart"))  # type: ignore[arg-type]
    done = CliRunner().invoke(command, ["redrive", "--type", "visit.depart", "--op-id", operation["op_id"]])
    nothing = CliRunner().invoke(command, ["redrive", "--op-id", operation["op_id"], "--revoked"])

    assert (aside.exit_code, "1 tried again, 1 stay aside" in aside.output) == (1, True), aside.output
    assert (done.exit_code, f"{operation['op_id']} visit.depart: applied" in done.output) == (0, True), done.output
    assert (nothing.exit_code, "0 tried again" in nothing.output) == (0, True)
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "en_route"
