"""Closed work gets a signed certificate in the same transaction; what comes later is told and changes nothing of it."""

import base64
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.certificates.keys import thumbprint
from app.certificates.routes import EXACT
from app.domain.ledger import EventType
from app.domain.lifecycle import WorkOrderStatus
from app.identity.models import Organization
from app.kit import clock
from app.kit.database import enter
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.main import build_runtime
from app.wiring import SWEEPS
from app.work_orders.commands import close, complete_remotely, happen
from app.work_orders.ledger import SYSTEM, NewEvent, open_ledger
from tests.certificates.conftest import Intruder, Work
from tests.conftest import CheckedClient, Somebody
from tests.field import a_picture, just_now, make_job, the_office
from tests.scene import Scene
from tests.sync.phone import Phone


def test_anybody_can_check_the_signature_with_the_public_key(closed: Work) -> None:
    shown = closed.certificate()

    document = base64.b64decode(shown["document_base64"])
    public = base64.urlsafe_b64decode(shown["key"]["x"] + "==")
    Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(shown["signature"]), document)
    assert hashlib.sha256(document).hexdigest() == shown["sha256"]
    assert thumbprint(public) == shown["key"]["kid"] == shown["document"]["key_id"]
    assert json.dumps(shown["document"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == document
    assert shown["verification"] == {"valid": True, "differences": [], "later": [], "newer_code": None}


def test_who_asks_for_the_exact_type_gets_the_very_bytes(closed: Work) -> None:
    answer = closed.api.get(f"/v1/work-orders/{closed.id}/certificate", headers={**closed.sam.headers, "Accept": EXACT})

    assert answer.headers["content-type"] == EXACT
    assert answer.content == base64.b64decode(closed.certificate()["document_base64"])


def test_the_document_names_nobody_and_quotes_nobody(closed: Work) -> None:
    text = json.dumps(closed.certificate()["document"])

    for word in ("Cleo", "in a hurry", "by phone", "thanks", "Ana", "P-1"):
        assert word not in text, word


def test_a_name_can_be_proven_to_who_knows_it(closed: Work) -> None:
    [signed] = [one for one in closed.certificate()["document"]["signatures"] if one["refused"] is None]

    assert signed["signer"] == hashlib.sha256(f"{signed['id']}\nCleo Customer".encode()).hexdigest()


def test_the_technician_and_the_office_see_it_by_the_submission_too(closed: Work, ben: Somebody) -> None:
    submission_id = closed.certificate()["document"]["closures"][0]["id"]
    path = f"/v1/closures/{submission_id}/certificate"

    assert closed.get(path, by=closed.ana)["code"] == closed.get(path)["code"] == closed.certificate()["code"]
    assert closed.api.get(path, headers=ben.headers).status_code == 404


def test_work_that_is_not_closed_has_none(proven: Work) -> None:
    answer = proven.api.get(f"/v1/work-orders/{proven.id}/certificate", headers=proven.sam.headers)

    assert answer.status_code == 404


@pytest.mark.parametrize("how", ["two_taps", "the_office", "remotely"])
def test_closings_without_any_proof_get_one_too(scene: Scene, ana: Somebody, sam: Somebody, how: str) -> None:
    if how == "two_taps":
        visit = scene.dispatched(ana)
        scene.report(visit["id"], "start", ana)
        scene.report(visit["id"], "complete", ana)
        order_id = visit["work_order_id"]
    else:
        order_id = scene.work_order()["id"]
        scene.act(order_id, "completion", {"resolution_code": "talked-through"}, by=sam)
        scene.act(order_id, "close", {"reason": "checked"}, by=sam)

    shown = scene.get(f"/v1/work-orders/{order_id}/certificate")

    assert (shown["verification"]["valid"], shown["document"]["closures"]) == (True, [])
    assert (shown["revision"], shown["document"]["work_order"]["closed_at"]) == (1, scene.order(order_id)["closed_at"])


HISTORY = """external_id,title,status,created_at,closed_at
X-1,Old leak,closed,2026-01-05T08:00:00Z,2026-01-06T08:00:00Z
"""


def imported(scene: Scene, ada: Somebody) -> Any:
    headers = {**ada.headers, "Content-Type": "text/csv"}
    answer = scene.api.post("/v1/imports?table=work_orders", content=HISTORY, headers=headers)
    assert answer.status_code == 200, answer.text
    [order] = scene.get("/v1/work-orders")["items"]
    assert order["status"] == "closed"
    return order


def test_work_that_was_imported_as_closed_has_none(scene: Scene, ada: Somebody) -> None:
    order = imported(scene, ada)

    answer = scene.api.get(f"/v1/work-orders/{order['id']}/certificate", headers=scene.office.headers)

    assert answer.status_code == 404


def test_a_closing_that_is_undone_leaves_no_certificate(
    runtime: Runtime, organization: Organization, ana: Somebody, intruder: Intruder
) -> None:
    assert ana.technician is not None
    job = make_job(runtime, organization.id, ana.technician.id, status="scheduled")
    with runtime.session() as db:
        enter(db, organization.id)
        ledger = open_ledger(db, organization.id, job.work_order_id)
        office = the_office(organization.id)
        complete_remotely(db, ledger, resolution_code="x", note="", by=office, at=clock.now())
        close(db, ledger, by=None, at=clock.now(), data={})
        assert ledger.order.status is WorkOrderStatus.CLOSED
        db.rollback()
        enter(db, organization.id)
        db.commit()

    assert intruder.run("SELECT 1 FROM certificates WHERE organization_id = %s", organization.id) == []


def test_closing_again_makes_the_next_revision_and_the_first_stays_true(closed: Work) -> None:
    first = closed.certificate()
    closed.act("reopening", {"reason": "it leaks again"})
    assert closed.verify().is_valid, "open again, it is still what it was then"
    closed.act("completion", {"resolution_code": "talked-through"})
    closed.act("reviews", {"decision": "approve"}, status=201)

    second = closed.certificate()

    assert (first["revision"], second["revision"], second["position"]) == (1, 2, first["position"] + 1)
    assert second["previous_sha256"] == first["sha256"]
    again = closed.get(f"/v1/work-orders/{closed.id}/certificate?revision=1")
    assert again["document"] == first["document"]
    assert (again["verification"]["valid"], again["verification"]["newer_code"]) == (True, second["code"])
    assert "work_order.reopened" in {one["detail"] for one in again["verification"]["later"]}
    assert second["verification"]["valid"]


def test_what_legitimately_comes_later_is_told_and_is_no_difference(closed: Work, dana: Somebody) -> None:
    phone = Phone(closed.api, closed.ana).register()
    visit_id = closed.job.visit_id
    late = just_now(minutes=30)
    told = [
        phone.do("task.set", visit_id, task_id="gas", done=False, value=False),
        phone.do("note.add", visit_id, text="The key is back"),
        phone.do("part.use", visit_id, part="P-1", qty=1),
        phone.do("time.add", visit_id, kind="work", started_at=just_now(minutes=90), ended_at=late),
    ]
    assert {one["status"] for one in told} <= {"applied", "noted"}, told
    version = closed.get(f"/v1/work-orders/{closed.id}")["version"]
    answer = closed.api.patch(
        f"/v1/work-orders/{closed.id}",
        json={"title": "Oven was cold"},
        headers={**dana.headers, "If-Match": f'"{version}"'},
    )
    assert answer.status_code == 200, answer.text

    found = closed.verify()

    assert found.differences == []
    assert {one.part for one in found.later} >= {"events", "answers", "movements", "work_order"}


def test_how_a_database_is_set_to_write_numbers_and_bytes_changes_nothing(
    closed: Work, intruder: Intruder, settings: Settings
) -> None:
    [[name]] = intruder.run("SELECT current_database()")
    usual = {"bytea_output": "escape", "extra_float_digits": "-12", "timezone": "'Asia/Kolkata'"}
    for setting, value in usual.items():
        intruder.run(f'ALTER DATABASE "{name}" SET {setting} = {value}')
    elsewhere = build_runtime(settings, intruder.dsn)
    try:
        found = replace(closed, runtime=elsewhere).verify()
    finally:
        elsewhere.engine.dispose()
        for setting in usual:
            intruder.run(f'ALTER DATABASE "{name}" RESET {setting}')

    assert (found.differences, found.later) == ([], [])


def test_evidence_and_closures_are_refused_once_the_work_is_closed(closed: Work) -> None:
    visit = f"/v1/visits/{closed.job.visit_id}"
    photo = closed.api.post(
        f"{visit}/evidence",
        data={"id": str(uuid4()), "kind": "photo", "tag": "after"},
        files={"file": ("a.jpg", a_picture("blue"), "image/jpeg")},
        headers=closed.ana.headers,
    )
    submitted = {"id": str(uuid4()), "occurred_at": just_now(), "answers": {"gas": False}}
    closure = closed.api.post(f"{visit}/closure", json=submitted, headers=closed.ana.headers)
    version = closed.get(f"/v1/work-orders/{closed.id}")["version"]
    review = closed.api.post(
        f"/v1/work-orders/{closed.id}/reviews",
        json={"decision": "send_back", "text": "blurred"},
        headers={**closed.sam.headers, "If-Match": f'"{version}"'},
    )

    assert [one.status_code for one in (photo, closure, review)] == [409] * 3
    assert [one.json()["code"] for one in (photo, closure)] == ["work-order-closed"] * 2
    found = closed.verify()
    assert (found.differences, found.later) == ([], [])


def test_sweeps_leave_what_was_sealed_alone(
    closed: Work, work_off: Callable[[], None], runtime: Runtime, intruder: Intruder
) -> None:
    for sweep in SWEEPS:
        sweep.handler(runtime)
    work_off()

    assert closed.differences() == []


# Amendments ---------------------------------------------------------------------------------------------


@pytest.fixture
def amend(closed: Work) -> Callable[..., Any]:
    def send(*, status: int = 201, by: Somebody | None = None, **more: Any) -> Any:
        body = {"id": str(uuid4()), "text": "It was the other pump.", "reason": "mistyped", **more}
        return closed.send(f"/v1/work-orders/{closed.id}/amendments", body, by=by or closed.sam, status=status)

    return send


CHANGES = {"answers.pump": {"before": "P-1", "after": "P-2"}}


def test_an_amendment_is_added_to_the_chain_and_nothing_is_edited(closed: Work, amend: Callable[..., Any]) -> None:
    before = closed.certificate()

    made = amend(changes=CHANGES)

    after = closed.certificate()
    assert after["document_base64"] == before["document_base64"]
    [amended] = after["amendments"]
    said = amended["document"]["amendment"]
    assert (said["text"], said["reason"], said["changes"], said["by"]) == (
        made["text"], made["reason"], CHANGES, str(closed.sam.id),
    )  # fmt: skip
    assert amended["document"]["amends"] == {"code": before["code"], "revision": 1}
    assert amended["previous_sha256"] == before["sha256"]
    assert after["verification"]["valid"]
    assert closed.job.events()[-1] == "closure.amended"


def test_the_same_amendment_twice_is_one(closed: Work, amend: Callable[..., Any]) -> None:
    id = str(uuid4())

    first, second = amend(id=id, changes=CHANGES), amend(id=id, changes=CHANGES)

    assert first == second
    assert len(closed.certificate()["amendments"]) == 1
    assert amend(id=id, text="Something else", status=409)["code"] == "id-reused"


def test_an_amendment_cannot_take_the_id_of_a_certificate(closed: Work, amend: Callable[..., Any]) -> None:
    assert amend(id=closed.certificate()["document"]["id"], status=409)["code"] == "id-reused"


def test_only_supervisors_amend_and_only_what_is_closed(
    proven: Work, dana: Somebody, scene: Scene, sam: Somebody
) -> None:
    path = f"/v1/work-orders/{proven.id}/amendments"
    body = {"id": str(uuid4()), "text": "x", "reason": "y"}

    assert proven.send(path, body, by=sam, status=409)["code"] == "not-closed"
    for who in (proven.ana, dana):
        assert proven.send(path, body, by=who, status=403)["code"] == "not-allowed"


@pytest.mark.parametrize(
    "changes",
    [
        {"a": 1},
        {"a": {"before": 1}},
        {"a": {"before": 1, "after": 2, "why": 3}},
        {f"f{n}": {"before": 0, "after": 1} for n in range(51)},
        {"a": {"before": "x" * 17_000, "after": ""}},
    ],
)
def test_changes_that_are_none_are_refused(amend: Callable[..., Any], changes: dict[str, Any]) -> None:
    assert amend(changes=changes, status=422)["code"] == "not-well-formed"


@pytest.mark.parametrize("place", ["event", "document", "row"])
def test_an_amendment_that_was_tampered_with_is_found(
    closed: Work, amend: Callable[..., Any], intruder: Intruder, place: str
) -> None:
    id = amend(changes=CHANGES)["id"]
    assert closed.differences() == []
    statements = {
        "event": "UPDATE events SET data = jsonb_set(data, '{text}', '\"fine\"') WHERE id = %s",
        "document": "UPDATE certificates SET document = set_byte(document, 300, 88) WHERE id = %s",
        "row": "DELETE FROM certificates WHERE id = %s",
    }

    intruder.run(statements[place], id)

    assert closed.parts() & {"amendments", "document"}


def test_amendments_of_imported_work_are_in_the_chain_too(scene: Scene, ada: Somebody, sam: Somebody) -> None:
    order = imported(scene, ada)
    body = {"id": str(uuid4()), "text": "It was the other tap.", "reason": "found in the papers"}

    scene.post(f"/v1/work-orders/{order['id']}/amendments", body, by=sam, status=201)

    keys = scene.get("/v1/certificate-keys", by=sam)["keys"]
    assert len(keys) == 1


def test_closing_and_amending_change_no_more_than_one_link_each(
    api: CheckedClient, closed: Work, amend: Callable[..., Any]
) -> None:
    amend()
    amend()

    shown = closed.certificate()

    assert [one["position"] for one in (shown, *shown["amendments"])] == [1, 2, 3]
    assert [one["revision"] for one in shown["amendments"]] == [1, 2]


WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


def test_a_picture_that_comes_in_the_moment_of_the_closing_is_refused_or_sealed(
    work: Work, runtime: Runtime, intruder: Intruder
) -> None:
    """It was let in while the work was open; by the time it is written down, the work is closed."""
    picture = {
        "data": {"id": str(uuid4()), "kind": "photo", "tag": "before"},
        "files": {"file": ("a.jpg", a_picture("yellow"), "image/jpeg")},
        "headers": work.ana.headers,
    }
    path = f"/v1/visits/{work.job.visit_id}/evidence"
    with ThreadPoolExecutor(1) as threads, runtime.session() as db:
        enter(db, work.job.organization_id)
        ledger = open_ledger(db, work.job.organization_id, work.id)
        sent = threads.submit(lambda: work.api.post(path, **picture))
        while not intruder.run(WAITING):
            assert not sent.done(), sent.result().text
        office = the_office(work.job.organization_id)
        done = NewEvent(type=EventType.VISIT_COMPLETED, at=clock.now(), visit_id=work.job.visit_id)
        happen(db, ledger, [done], by=SYSTEM, at=clock.now())
        close(db, ledger, by=office, at=clock.now(), data={})
        db.commit()
        answer = sent.result()

    assert (answer.status_code, answer.json()["code"]) == (409, "work-order-closed")
    found = work.verify()
    assert (found.differences, found.later) == ([], [])
