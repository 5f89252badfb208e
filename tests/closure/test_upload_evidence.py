from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlmodel import Session, select
from starlette.testclient import TestClient

from app.closure.models import Evidence
from app.kit.database import rows
from app.kit.ids import uuid7
from app.kit.objects import key_of
from app.kit.runtime import Runtime
from tests.conftest import Somebody
from tests.field import Job, a_picture, just_now
from tests.sync.storm import wait_until_somebody_waits


def fields(**changes: Any) -> dict[str, Any]:
    return {"id": str(uuid7()), "kind": "photo", "tag": "after", **changes}


def upload(
    api: TestClient, job: Job, data: dict[str, Any], who: Somebody, picture: bytes, mime: str = "image/jpeg"
) -> Any:
    return api.post(
        f"/v1/visits/{job.visit_id}/evidence",
        data=data,
        files={"file": ("picture", picture, mime)},
        headers=who.headers,
    )


def kept(runtime: Runtime, job: Job) -> list[Path]:
    folder = runtime.settings.data_dir / "files" / str(job.organization_id)
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_photo_is_kept_as_a_new_picture_without_anything_but_its_pixels(
    api: TestClient, db: Session, runtime: Runtime, job: Job, ana: Somebody
) -> None:
    out = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret garden"
    Image.new("RGB", (80, 60), "green").save(out, "JPEG", exif=exif, comment=b"secret comment")

    answer = upload(api, job, fields(lat=52.5, lng=13.4, captured_at="2026-05-04T10:00:00Z"), ana, out.getvalue())

    assert answer.status_code == 201
    assert answer.json()["location"] == {"lat": 52.5, "lng": 13.4}
    row = db.exec(select(Evidence)).one()
    kept_bytes = runtime.objects.get(key_of(job.organization_id, row.sha256))
    assert len(kept_bytes) == row.size_bytes
    assert b"secret" not in kept_bytes
    assert row.original_sha256 != row.sha256


def test_a_photo_of_several_megabytes_is_taken(api: TestClient, job: Job, ana: Somebody) -> None:
    out = BytesIO()
    Image.effect_noise((2600, 2000), 90).save(out, "JPEG", quality=95)
    assert len(out.getvalue()) > 2_000_000

    answer = upload(api, job, fields(), ana, out.getvalue())

    assert answer.status_code == 201
    assert answer.json()["width"] == 2560


def test_a_form_that_is_cut_short_is_refused(api: TestClient, db: Session, job: Job, ana: Somebody) -> None:
    answer = api.post(
        f"/v1/visits/{job.visit_id}/evidence",
        content=b'--cut\r\nContent-Disposition: form-data; name="id"\r\n\r\n1',
        headers=ana.headers | {"Content-Type": "multipart/form-data; boundary=cut"},
    )

    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert db.exec(select(Evidence)).all() == []


def test_the_picture_is_served_so_that_it_can_do_nothing(
    api: TestClient, job: Job, ana: Somebody, sam: Somebody
) -> None:
    name = upload(api, job, fields(), ana, a_picture()).json()["id"]

    answer = api.get(f"/v1/evidence/{name}", headers=sam.headers)

    assert answer.status_code == 200
    assert Image.open(BytesIO(answer.content)).size == (64, 48)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_ben_can_neither_see_nor_send_pictures_of_anas_visit(
    api: TestClient, runtime: Runtime, job: Job, ana: Somebody, ben: Somebody
) -> None:
    name = upload(api, job, fields(), ana, a_picture()).json()["id"]
    before = kept(runtime, job)

    assert api.get(f"/v1/evidence/{name}", headers=ben.headers).status_code == 404
    assert upload(api, job, fields(), ben, a_picture("blue")).status_code == 404
    assert kept(runtime, job) == before


def test_a_crew_member_sees_what_the_lead_sent(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody, ben: Somebody
) -> None:
    assert ben.technician is not None
    job = new_job(crew=(ben.technician.id,))

    name = upload(api, job, fields(), ana, a_picture()).json()["id"]

    assert api.get(f"/v1/evidence/{name}", headers=ben.headers).status_code == 200


def test_a_signature_keeps_its_lines_as_png(api: TestClient, job: Job, ana: Somebody) -> None:
    data = fields(kind="signature", tag="customer", signer_name="Cleo")

    answer = upload(api, job, data, ana, a_picture(kind="PNG"), "image/png")

    assert (answer.json()["mime"], answer.json()["signer_name"]) == ("image/png", "Cleo")


def test_the_same_upload_again_is_kept_once(api: TestClient, db: Session, job: Job, ana: Somebody) -> None:
    data = fields()
    first = upload(api, job, data, ana, a_picture())
    again = upload(api, job, data, ana, a_picture())
    other = upload(api, job, data, ana, a_picture("blue"))

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (409, "id-reused")
    assert len(db.exec(select(Evidence)).all()) == 1


def test_the_same_upload_many_times_at_once_is_kept_once(api: TestClient, db: Session, job: Job, ana: Somebody) -> None:
    data = fields()
    with ThreadPoolExecutor(4) as crowd:
        answers = list(crowd.map(lambda _: upload(api, job, data, ana, a_picture()).json(), range(4)))

    assert all(answer == answers[0] for answer in answers)
    assert len(db.exec(select(Evidence)).all()) == 1


def test_a_picture_that_proves_another_job_too_is_marked(
    api: TestClient, new_job: Callable[..., Job], ana: Somebody
) -> None:
    first, second = new_job(), new_job()

    honest = upload(api, first, fields(), ana, a_picture())
    same_job = upload(api, first, fields(), ana, a_picture())
    other_job = upload(api, second, fields(), ana, a_picture())

    assert [one.json()["reused"] for one in (honest, same_job, other_job)] == [False, False, True]


GIF = b"GIF89a" + b"\x00" * 40
POLYGLOTS = {
    "a page that says it is a photo": (b"<html><script>alert(1)</script>", "image/jpeg", 415),
    "a gif": (GIF, "image/gif", 415),
    "an svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "image/svg+xml", 415),
    "a png said to be a jpeg": (a_picture(kind="PNG"), "image/jpeg", 415),
    "the first bytes of a jpeg and then a page": (b"\xff\xd8\xff\xe0<html><script>1</script>", "image/jpeg", 422),
    "half a photo": (a_picture(size=(400, 400))[:700], "image/jpeg", 422),
    "nothing": (b"", "image/jpeg", 415),
    "too many bytes": (a_picture() + b"\0" * 15_000_001, "image/jpeg", 413),
}


@pytest.mark.parametrize(("picture", "mime", "status"), POLYGLOTS.values(), ids=POLYGLOTS)
def test_what_is_no_picture_is_refused_and_leaves_nothing_behind(
    api: TestClient, db: Session, runtime: Runtime, job: Job, ana: Somebody, picture: bytes, mime: str, status: int
) -> None:
    answer = upload(api, job, fields(), ana, picture, mime)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert db.exec(select(Evidence)).all() == []
    assert kept(runtime, job) == []


def test_a_photo_with_an_archive_behind_it_is_kept_without_the_archive(
    api: TestClient, runtime: Runtime, job: Job, ana: Somebody
) -> None:
    answer = upload(api, job, fields(), ana, a_picture() + b"PK\x03\x04 payload of a polyglot")

    assert answer.status_code == 201
    assert [b"payload" in path.read_bytes() for path in kept(runtime, job)] == [False]


@pytest.mark.parametrize(
    "changes",
    [
        {"lat": 52.5},
        {"lat": 91, "lng": 0},
        {"kind": "video"},
        {"kind": "signature", "tag": "boss"},
        {"id": "1"},
        {"color": "red"},
    ],
)
def test_an_upload_that_is_not_well_formed_is_refused(
    api: TestClient, db: Session, job: Job, ana: Somebody, changes: dict[str, Any]
) -> None:
    assert upload(api, job, fields(**changes), ana, a_picture()).status_code == 422
    assert db.exec(select(Evidence)).all() == []


def test_closed_work_takes_no_more_evidence(api: TestClient, db: Session, job: Job, ana: Somebody) -> None:
    from tests.field import just_now

    api.post(
        f"/v1/visits/{job.visit_id}/closure",
        json={"id": str(uuid7()), "occurred_at": just_now()},
        headers=ana.headers,
    )

    answer = upload(api, job, fields(), ana, a_picture())

    assert (answer.status_code, answer.json()["code"]) == (409, "work-order-closed")
    assert db.exec(select(Evidence)).all() == []


def test_pictures_that_a_closure_waits_for_may_all_come_at_once(api: TestClient, job: Job, ana: Somebody) -> None:
    """None of them stands in another's way, and none is answered that it should come again."""
    promised = [fields(id=str(uuid7())) for _ in range(8)]
    body = {"id": str(uuid7()), "occurred_at": just_now(), "evidence": promised}
    told = api.post(f"/v1/visits/{job.visit_id}/closure", json=body, headers=ana.headers)
    assert told.json()["verdict"] == "awaiting_evidence", told.text
    colors = ("red", "blue", "green", "black", "white", "gray", "pink", "cyan")

    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda n: upload(api, job, promised[n], ana, a_picture(colors[n])), range(8)))

    assert {one.status_code for one in sent} == {201}
    assert job.work_order().status == "closed"


def test_a_picture_that_comes_while_the_work_is_being_closed_is_refused(
    api: TestClient, db: Session, job: Job, runtime: Runtime, ana: Somebody
) -> None:
    with runtime.transaction(job.organization_id) as closing, ThreadPoolExecutor(1) as pool:
        closing.connection().exec_driver_sql(
            "UPDATE work_orders SET status = 'closed' WHERE id = %(id)s", {"id": job.work_order_id}
        )
        sending = pool.submit(upload, api, job, fields(), ana, a_picture())
        wait_until_somebody_waits(runtime)
        closing.commit()
        answer = sending.result(timeout=20)

    assert (answer.status_code, answer.json()["code"]) == (409, "work-order-closed")
    db.rollback()
    assert rows(db, "SELECT 1 FROM evidence") == []
