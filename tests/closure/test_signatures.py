"""Signatures: as pictures or as the lines of a pen, as many as there are people, bound to what was shown."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from sqlmodel import Session, select

from app.attachments.tasks import prepare_attachment
from app.closure.models import Evidence
from app.kit.canonical import canonical_sha256
from app.kit.database import enter
from app.kit.ids import uuid7
from app.kit.objects import key_of, sha256_of
from app.kit.runtime import Runtime
from tests.closure.test_submit_closure import a_closure, a_promise
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, a_picture, just_now

LINES = {"width": 400, "height": 200, "strokes": [[[10, 100], [200, 20], [390, 180]], [[50, 50]]]}
POLICY = {
    "id": "p",
    "rules": [{"id": "sign", "kind": "signature", "params": {"role": "customer", "bound": True}}],
}
SHOWN = {"number": "WO-1", "title": "Oven is cold", "done": [{"label": "Pump", "answer": True}], "worked": 1.5}


@pytest.fixture
def bound(new_job: Callable[..., Job]) -> Job:
    """Ana is at work where the customer signs what was shown."""
    return new_job(policy=POLICY)


def a_signature(**more: Any) -> dict[str, Any]:
    return {"id": str(uuid7()), "role": "customer", "signer_name": "Cleo", "strokes": LINES, **more}


def sign(api: CheckedClient, job: Job, who: Somebody, body: dict[str, Any]) -> Any:
    return api.post(f"/v1/visits/{job.visit_id}/signatures", json=body, headers=who.headers)


def submitted(api: CheckedClient, job: Job, who: Somebody, **more: Any) -> dict[str, Any]:
    answer = api.post(f"/v1/visits/{job.visit_id}/closure", json=a_closure(**more), headers=who.headers)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def evidence_of(db: Session, job: Job) -> list[Evidence]:
    db.rollback()
    enter(db, job.organization_id)
    query = select(Evidence).where(Evidence.visit_id == job.visit_id).order_by(Evidence.recorded_at)  # type: ignore[arg-type]
    return list(db.exec(query).all())


def test_the_lines_of_a_pen_become_a_picture(
    api: CheckedClient, job: Job, ana: Somebody, runtime: Runtime, db: Session
) -> None:
    body = a_signature(captured_at=just_now(minutes=3))

    kept = sign(api, job, ana, body)

    assert kept.status_code == 201, kept.text
    shown = kept.json()
    assert (shown["kind"], shown["tag"], shown["signer_name"], shown["mime"]) == (
        "signature", "customer", "Cleo", "image/png",
    )  # fmt: skip
    assert shown["original_sha256"] == canonical_sha256(LINES)
    data = runtime.objects.get(key_of(job.organization_id, shown["sha256"]))
    assert sha256_of(data) == shown["sha256"]
    picture = Image.open(BytesIO(data))
    assert picture.size == (shown["width"], shown["height"]) == (800, 400)
    assert picture.getpixel((400, 40)) == 0, "the pen was there"
    assert picture.getpixel((100, 100)) == 0, "and left a dot"
    assert picture.getpixel((790, 10)) == 255, "and never here"
    assert api.get(f"/v1/evidence/{shown['id']}", headers=ana.headers).content == data


def test_a_signature_that_is_sent_twice_is_one(api: CheckedClient, job: Job, ana: Somebody, db: Session) -> None:
    body = a_signature()

    first, again = sign(api, job, ana, body), sign(api, job, ana, body)
    other = sign(api, job, ana, {**body, "strokes": {**LINES, "strokes": [[[1, 1]]]}})

    assert (first.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert (other.status_code, other.json()["code"]) == (409, "id-reused")
    assert len(evidence_of(db, job)) == 1


def many(points: int, strokes: int = 1) -> dict[str, Any]:
    return {"width": 400, "height": 200, "strokes": [[[n % 400, n % 200] for n in range(points)]] * strokes}


@pytest.mark.parametrize(
    "lines",
    [
        {**LINES, "strokes": []},
        {**LINES, "strokes": [[]]},
        {**LINES, "strokes": [[[1, 2, 3]]]},
        {**LINES, "strokes": [[["1e999", 2]]]},
        {**LINES, "strokes": [[[1e15, 2]]]},
        {**LINES, "width": 0},
        {**LINES, "width": 10_001},
        many(1, 201),
        many(5_001),
        many(2_600, 2),
        {**LINES, "strokes": [[[0.1234567890123 + n, 0.1234567890123 + n] for n in range(2_400)]]},
        {**LINES, "fill": "red"},
    ],
)
def test_lines_without_measure_are_refused(api: CheckedClient, job: Job, ana: Somebody, lines: dict[str, Any]) -> None:
    assert sign(api, job, ana, a_signature(strokes=lines)).status_code == 422


def test_the_largest_signature_makes_a_small_picture(api: CheckedClient, job: Job, ana: Somebody) -> None:
    kept = sign(api, job, ana, a_signature(strokes={**many(5_000), "width": 10_000, "height": 10_000}))

    assert kept.status_code == 201
    assert (kept.json()["width"], kept.json()["height"]) == (800, 800)
    assert kept.json()["size_bytes"] < 200_000


def test_as_many_sign_as_there_are(api: CheckedClient, job: Job, ana: Somebody, db: Session) -> None:
    for role in ("customer", "technician", "witness", "witness"):
        lines = {**LINES, "strokes": [[[1, 1], [len(evidence_of(db, job)) + 2, 9]]]}
        assert sign(api, job, ana, a_signature(role=role, strokes=lines)).status_code == 201

    assert [one.tag for one in evidence_of(db, job)] == ["customer", "technician", "witness", "witness"]


def test_lines_in_a_submission_are_kept_with_it(api: CheckedClient, bound: Job, ana: Somebody, db: Session) -> None:
    promise = a_promise(
        "signature", "customer", signer_name="Cleo", strokes=LINES, document_hash=canonical_sha256(SHOWN)
    )

    closed = submitted(api, bound, ana, evidence=[promise], shown=[SHOWN])

    assert closed["verdict"] == "verified", closed["findings"]
    [kept] = evidence_of(db, bound)
    assert (str(kept.id), kept.document_hash) == (promise["id"], canonical_sha256(SHOWN))


@pytest.mark.parametrize("named", [None, "0" * 64])
def test_a_signature_under_something_else_does_not_count(
    api: CheckedClient, bound: Job, ana: Somebody, named: str | None
) -> None:
    sign(api, bound, ana, a_signature(document_hash=named))

    closed = submitted(api, bound, ana, shown=[SHOWN])

    assert closed["verdict"] == "unmet"


def test_a_signature_under_what_was_shown_counts_however_it_comes(
    api: CheckedClient, new_job: Callable[..., Job], ana: Somebody, runtime: Runtime
) -> None:
    drawn, photographed, attached = (new_job(policy=POLICY) for _ in range(3))
    name = canonical_sha256(SHOWN)
    sign(api, drawn, ana, a_signature(document_hash=name))
    form = {"id": str(uuid7()), "kind": "signature", "tag": "customer", "document_hash": name}
    sent = api.post(
        f"/v1/visits/{photographed.visit_id}/evidence",
        data=form,
        files={"file": ("a.png", a_picture("blue", kind="PNG"), "image/png")},
        headers=ana.headers,
    )
    assert sent.json()["document_hash"] == name
    attach(api, runtime, attached, ana, document_hash=name)

    for job in (drawn, photographed, attached):
        assert submitted(api, job, ana, shown=[{"other": 1}, SHOWN])["verdict"] == "verified"


def attach(api: CheckedClient, runtime: Runtime, job: Job, who: Somebody, **more: Any) -> None:
    picture, name = a_picture("green"), str(uuid7())
    said = {
        "attachment_id": name,
        "role": "signature:customer",
        "sha256": sha256_of(picture),
        "bytes": len(picture),
        "mime": "image/jpeg",
        **more,
    }
    assert api.post(f"/v1/visits/{job.visit_id}/attachments", json=said, headers=who.headers).status_code == 201
    api.put(f"/v1/attachments/{name}/content", content=picture, headers=who.headers)
    prepare_attachment(runtime, organization_id=str(job.organization_id), attachment_id=name)


def test_the_summary_is_what_was_done_with_its_hash(
    api: CheckedClient, new_job: Callable[..., Job], ana: Somebody, db: Session
) -> None:
    checklist = [
        {"id": "safe", "label": {"en": "Power is off", "de": "Strom ist aus"}, "kind": "yes_no"},
        {"id": "later", "label": "Not answered", "kind": "text"},
    ]
    job = new_job(checklist=checklist)
    api.post(
        f"/v1/visits/{job.visit_id}/parts",
        json={"id": str(uuid7()), "occurred_at": just_now(minutes=9), "part_number": "P-7", "quantity": 2},
        headers=ana.headers,
    )
    submitted(api, job, ana, answers={"safe": True}, resolution_code="fixed")

    told = api.get(f"/v1/visits/{job.visit_id}/summary", headers=ana.headers).json()

    document = told["document"]
    assert told["sha256"] == canonical_sha256(document)
    assert (document["number"], document["title"]) == (job.work_order().number, "Oven is cold")
    assert document["technician"] == "Ana"
    assert document["done"] == [{"id": "safe", "label": "Power is off", "answer": True}]
    assert document["resolution"]["resolution_code"] == "fixed"
    assert document["times"]["worked_seconds"] > 0
    assert [(one["number"], one["quantity"]) for one in document["parts"]] == [("P-7", 2)]


def test_nobody_signs_for_somebody_elses_visit_or_closed_work(
    api: CheckedClient, new_job: Callable[..., Job], ana: Somebody, ben: Somebody
) -> None:
    job = new_job()

    assert sign(api, job, ben, a_signature()).status_code == 404
    assert api.get(f"/v1/visits/{job.visit_id}/summary", headers=ben.headers).status_code == 404
    submitted(api, job, ana)
    assert job.work_order().status == "closed"
    late = sign(api, job, ana, a_signature())
    assert (late.status_code, late.json()["code"]) == (409, "work-order-closed")
