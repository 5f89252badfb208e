"""What becomes of the bytes: made safe, served, proof of work; or rejected, missed, taken away."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
import time_machine
from PIL import Image
from sqlmodel import Session, select

from app.attachments.events import AttachmentMissing
from app.attachments.models import Upload
from app.attachments.tasks import prepare_attachment, tidy_organization
from app.closure.models import Evidence
from app.kit import clock, images
from app.kit.problems import Unavailable
from app.kit.runtime import Runtime
from tests.attachments.conftest import PDF, Device, a_link, sha256
from tests.closure.test_submit_closure import a_closure, submit
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, a_picture

MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(2000)


def a_photo(size: tuple[int, int] = (800, 600)) -> bytes:
    """With what phones write beside the pixels."""
    out = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret garden"
    Image.effect_noise(size, 60).convert("RGB").save(out, "JPEG", exif=exif, comment=b"secret comment")
    return out.getvalue()


PHOTO = a_photo()


@pytest.fixture
def stored(device: Device, runtime: Runtime) -> Callable[..., str]:
    """A file that came in and was looked at; its id."""

    def send(data: bytes = PHOTO, **more: Any) -> str:
        name = device.link(data, **more)["attachment_id"]
        device.upload(name, data)
        prepare(runtime, device.job, name)
        return str(name)

    return send


def prepare(runtime: Runtime, job: Job, name: str) -> None:
    prepare_attachment(runtime, organization_id=str(job.organization_id), attachment_id=name)


def test_a_photo_is_served_as_a_new_picture_without_anything_but_its_pixels(
    device: Device, stored: Callable[..., str], keys_of: Callable[[], list[str]], runtime: Runtime
) -> None:
    name = stored()

    answer = device.get(f"/v1/attachments/{name}/content")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(BytesIO(answer.content)).size == (800, 600)
    assert b"secret" in PHOTO
    assert [b"secret" in runtime.objects.get(key) for key in keys_of()] == [False, False], "picture and thumbnail"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.jpg"'
    assert "sandbox" in answer.headers["content-security-policy"]


def test_the_queue_does_it_by_itself(device: Device, work_off: Callable[[], None]) -> None:
    name = device.link(PHOTO)["attachment_id"]
    device.upload(name, PHOTO)
    not_yet = device.get(f"/v1/attachments/{name}/content")

    work_off()

    assert (not_yet.status_code, not_yet.json()["code"]) == (409, "attachment-not-ready")
    assert device.get(f"/v1/attachments/{name}/content").status_code == 200


def test_a_thumbnail_has_320_pixels_at_most(device: Device, stored: Callable[..., str]) -> None:
    name = stored()

    small = device.get(f"/v1/attachments/{name}/content?w=320")
    large = device.get(f"/v1/attachments/{name}/content?w=1000")

    assert Image.open(BytesIO(small.content)).size == (320, 240)
    assert Image.open(BytesIO(large.content)).size == (800, 600)
    assert device.get(f"/v1/attachments/{name}/content?w=0").status_code == 422


def test_a_signature_keeps_its_lines_as_png(device: Device, stored: Callable[..., str]) -> None:
    name = stored(a_picture(kind="PNG"), mime="image/png", role="signature:customer", signer_name="Cleo")

    answer = device.get(f"/v1/attachments/{name}/content")

    assert answer.headers["content-type"] == "image/png"
    assert device.shown(name)["signer_name"] == "Cleo"


@pytest.mark.parametrize(("data", "mime"), [(PDF, "application/pdf"), (MP4, "video/mp4")])
def test_papers_and_films_are_kept_as_they_are_for_download_only(
    device: Device, stored: Callable[..., str], db: Session, data: bytes, mime: str
) -> None:
    name = stored(data, mime=mime, role="document")

    answer = device.get(f"/v1/attachments/{name}/content")

    assert (answer.content, answer.headers["content-type"]) == (data, mime)
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert device.shown(name)["thumbnail_url"] is None
    assert db.exec(select(Evidence)).all() == []


POLYGLOTS = {
    "a page that says it is a photo": (b"<html><script>alert(1)</script>", "image/jpeg"),
    "a png said to be a jpeg": (a_picture(kind="PNG"), "image/jpeg"),
    "the first bytes of a jpeg and then a page": (b"\xff\xd8\xff\xe0<html><script>1</script>", "image/jpeg"),
    "half a photo": (PHOTO[:5000], "image/jpeg"),
    "a page that says it is a paper": (b"<html>%PDF-1.7", "application/pdf"),
    "a photo that says it is a paper": (PHOTO, "application/pdf"),
    "a paper that says it is a photo": (PDF, "image/jpeg"),
    "a page that says it is a film": (b"<html><script>1</script>", "video/mp4"),
}


@pytest.mark.parametrize(("data", "mime"), POLYGLOTS.values(), ids=POLYGLOTS)
def test_what_is_not_what_it_says_is_rejected_and_never_served(
    device: Device,
    stored: Callable[..., str],
    db: Session,
    keys_of: Callable[[], list[str]],
    data: bytes,
    mime: str,
) -> None:
    name = stored(data, mime=mime)

    shown = device.shown(name)
    assert (shown["state"], shown["url"]) == ("rejected", None)
    assert shown["reason"] in ("image-type-refused", "image-unreadable", "file-type-refused")
    answer = device.get(f"/v1/attachments/{name}/content")
    assert (answer.status_code, answer.json()["code"]) == (409, "attachment-not-ready")
    assert keys_of() == []
    assert db.exec(select(Evidence)).all() == []


def test_a_photo_with_an_archive_behind_it_is_kept_without_the_archive(
    device: Device, stored: Callable[..., str], runtime: Runtime, keys_of: Callable[[], list[str]]
) -> None:
    stored(PHOTO + b"PK\x03\x04 payload of a polyglot")

    assert [b"payload" in runtime.objects.get(key) for key in keys_of()] == [False, False]


def test_to_prepare_twice_changes_nothing(device: Device, stored: Callable[..., str], runtime: Runtime) -> None:
    name = stored()
    before = device.shown(name)

    prepare(runtime, device.job, name)
    prepare(runtime, device.job, str(uuid4()))

    same = [name for name in before if "url" not in name]
    after = device.shown(name)
    assert {one: after[one] for one in same} == {one: before[one] for one in same}


def test_a_worker_that_was_killed_before_it_wrote_its_work_down_leaves_it_to_the_next(
    device: Device, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, keys_of: Callable[[], list[str]]
) -> None:
    name = device.link(PHOTO)["attachment_id"]
    device.upload(name, PHOTO)

    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("app.attachments.upkeep.write_down", killed)
        with pytest.raises(Killed):
            prepare(runtime, device.job, name)
    assert device.shown(name)["url"] is None
    prepare(runtime, device.job, name)

    assert device.shown(name)["url"] is not None
    assert [key for key in keys_of() if "uploads" in key] == []


# Downloads


def test_a_part_of_a_file(device: Device, stored: Callable[..., str]) -> None:
    name = stored(PDF, mime="application/pdf", role="document")
    path = f"/v1/attachments/{name}/content"

    some = device.get(path, Range="bytes=9-17")
    rest = device.get(path, Range=f"bytes={len(PDF) - 5}-")
    last = device.get(path, Range="bytes=-7")
    beyond = device.get(path, Range=f"bytes=5-{len(PDF) * 2}")
    none = device.get(path, Range=f"bytes={len(PDF)}-")

    assert (some.status_code, some.content) == (206, PDF[9:18])
    assert some.headers["content-range"] == f"bytes 9-17/{len(PDF)}"
    assert (rest.content, last.content, beyond.content) == (PDF[-5:], PDF[-7:], PDF[5:])
    assert (none.status_code, none.headers["content-range"]) == (416, f"bytes */{len(PDF)}")
    assert device.get(path).headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("header", ["bytes=0-1,3-4", "pages=1-2", "bytes=-", "bytes=5-2", "bytes=x-y"])
def test_a_range_that_is_not_understood_means_all(device: Device, stored: Callable[..., str], header: str) -> None:
    name = stored(PDF, mime="application/pdf", role="document")

    answer = device.get(f"/v1/attachments/{name}/content", Range=header)

    assert (answer.status_code, answer.content) == (200, PDF)


def test_who_has_it_already_gets_nothing(device: Device, stored: Callable[..., str]) -> None:
    path = f"/v1/attachments/{stored()}/content"
    tag = device.get(path).headers["etag"]

    again = device.get(path, If_None_Match=f'"other", W/{tag}')
    changed = device.get(path, If_Range='"other"', Range="bytes=0-1")
    same = device.get(path, If_Range=tag, Range="bytes=0-1")

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (changed.status_code, same.status_code) == (200, 206)
    assert device.get(f"{path}?w=320", If_None_Match=tag).status_code == 200


def test_a_signed_address_works_without_a_token_for_a_quarter_of_an_hour(
    device: Device, api: CheckedClient, stored: Callable[..., str]
) -> None:
    name = stored()
    shown = device.shown(name)

    picture, small = api.get(shown["url"]), api.get(shown["thumbnail_url"], headers={"Range": "bytes=0-9"})
    with time_machine.travel(clock.now() + timedelta(minutes=16)):
        late = api.get(shown["url"])

    assert picture.content == device.get(f"/v1/attachments/{name}/content").content
    assert (small.status_code, len(small.content)) == (206, 10)
    assert (late.status_code, late.json()["code"]) == (410, "link-expired")


def test_an_address_that_we_did_not_sign_leads_nowhere(
    device: Device, api: CheckedClient, stored: Callable[..., str], runtime: Runtime
) -> None:
    url = device.shown(stored())["url"]
    other_purpose = runtime.signer("cursor").dumps([device.job.organization_id.hex, uuid4().hex, 2**33])

    signed = url.rpartition("/")[2]
    changed = signed[:-9] + ("x" if signed[-9] != "x" else "y") + signed[-8:]

    for token in (changed, "nonsense", other_purpose):
        assert api.get(f"/v1/signed-attachments/{token}").status_code == 404


# Proof of work


STRICT = {
    "rules": [
        {"id": "photo", "kind": "photo", "params": {"tag": "after"}},
        {"id": "signature", "kind": "signature", "params": {"role": "customer"}},
    ]
}


def test_a_closure_that_waits_for_its_photos_is_verified_when_the_last_is_stored(
    api: CheckedClient, ana: Somebody, new_job: Callable[..., Job], work_off: Callable[[], None], db: Session
) -> None:
    job = new_job(policy=STRICT)
    phone = Device(api, ana, job)
    photo, signature = PHOTO, a_picture("navy", kind="PNG")
    first = phone.link(photo, role="after")["attachment_id"]
    second = phone.link(signature, mime="image/png", role="signature:customer", signer_name="Cleo")["attachment_id"]
    promised = [
        {"id": first, "kind": "photo", "tag": "after"},
        {"id": second, "kind": "signature", "tag": "customer", "signer_name": "Cleo"},
    ]

    verdict = submit(api, job, a_closure(evidence=promised), ana).json()["verdict"]
    phone.upload(first, photo)
    work_off()
    between = job.work_order().status
    phone.upload(second, signature)
    work_off()

    assert (verdict, between) == ("awaiting_evidence", "completed")
    assert job.work_order().status == "closed"
    kept = {row.id: row for row in db.exec(select(Evidence)).all()}
    assert set(kept) == {UUID(first), UUID(second)}
    assert (kept[UUID(first)].kind, kept[UUID(first)].tag) == ("photo", "after")
    assert (kept[UUID(second)].kind, kept[UUID(second)].tag) == ("signature", "customer")
    assert kept[UUID(first)].original_sha256 == sha256(photo)
    assert api.get(f"/v1/evidence/{first}", headers=ana.headers).status_code == 200


def test_an_attachment_of_closed_work_stays_an_attachment(
    device: Device, api: CheckedClient, ana: Somebody, runtime: Runtime, db: Session
) -> None:
    name = device.link(PHOTO)["attachment_id"]
    submit(api, device.job, a_closure(), ana)
    assert device.job.work_order().status == "closed"

    device.upload(name, PHOTO)
    prepare(runtime, device.job, name)

    assert device.shown(name)["state"] == "stored"
    assert device.shown(name)["url"] is not None
    assert db.exec(select(Evidence)).all() == []


def test_a_file_that_need_not_be_sent_again_proves_the_other_job_too(
    device: Device, api: CheckedClient, ana: Somebody, new_job: Callable[..., Job], work_off: Callable[[], None],
    stored: Callable[..., str], db: Session,
) -> None:  # fmt: skip
    stored()
    other = Device(api, ana, new_job())

    name = other.link(PHOTO)["attachment_id"]
    work_off()

    row = db.exec(select(Evidence).where(Evidence.visit_id == other.job.visit_id)).one()
    assert (row.id, row.reused) == (UUID(name), True)


# At night


@pytest.fixture
def missed(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The attachments that were said to be missing."""
    seen: list[UUID] = []

    def note(db: Session, event: AttachmentMissing) -> None:
        seen.append(event.attachment_id)

    monkeypatch.setattr(runtime, "reactions", {**runtime.reactions, AttachmentMissing: [note]})
    return seen


def test_what_does_not_come_within_14_days_is_missing_until_it_comes(
    device: Device, runtime: Runtime, change: Callable[..., None], missed: list[UUID]
) -> None:
    late, new = device.link(PHOTO)["attachment_id"], device.link(a_picture())["attachment_id"]
    change(late, recorded_at=clock.now() - timedelta(days=15))
    change(new, recorded_at=clock.now() - timedelta(days=13))

    tidy_organization(runtime, device.job.organization_id)
    tidy_organization(runtime, device.job.organization_id)

    assert missed == [UUID(late)]
    assert [device.shown(one)["state"] for one in (late, new)] == ["missing", "pending"]
    device.upload(late, PHOTO)
    assert device.shown(late)["state"] == "stored"


def test_what_comes_slowly_is_not_missing(
    device: Device, runtime: Runtime, change: Callable[..., None], missed: list[UUID]
) -> None:
    name = device.link(PHOTO)["attachment_id"]
    device.patch(device.create(name, len(PHOTO)).headers["location"], 0, PHOTO[:10])
    change(name, recorded_at=clock.now() - timedelta(days=20))

    tidy_organization(runtime, device.job.organization_id)

    assert (missed, device.shown(name)["state"]) == ([], "uploading")


def days_ago(runtime: Runtime, job: Job, name: str, days: int) -> None:
    with runtime.transaction(job.organization_id) as db:
        upload = db.get_one(Upload, (job.organization_id, UUID(name)))
        upload.expires_at -= timedelta(days=days)


def test_bytes_that_nobody_announces_are_deleted_after_30_days(
    device: Device, runtime: Runtime, keys_of: Callable[[], list[str]]
) -> None:
    whole, begun, young = (a_link(data)["attachment_id"] for data in (PHOTO, PDF, MP4))
    device.upload(whole, PHOTO)
    device.patch(device.create(begun, len(PDF)).headers["location"], 0, PDF[:10])
    device.upload(young, MP4)
    days_ago(runtime, device.job, whole, 31)
    days_ago(runtime, device.job, begun, 31)
    days_ago(runtime, device.job, young, 29)

    with time_machine.travel(clock.now() + timedelta(hours=0.5)):
        tidy_organization(runtime, device.job.organization_id)
    with runtime.transaction(device.job.organization_id) as db:
        assert [row.id for row in db.exec(select(Upload)).all()] == [UUID(young)]
    assert len(keys_of()) == 3, "objects are taken away when no request can be about them any more"
    with time_machine.travel(clock.now() + timedelta(days=1.5), tick=False):
        days_ago(runtime, device.job, young, -3)
        tidy_organization(runtime, device.job.organization_id)

    assert [young in key for key in keys_of()] == [True]


def test_a_task_that_was_lost_is_asked_for_again(
    device: Device, runtime: Runtime, change: Callable[..., None], db: Session, work_off: Callable[[], None]
) -> None:
    name = device.link(PHOTO)["attachment_id"]
    device.upload(name, PHOTO)
    db.connection().execute(sa.text("DELETE FROM procrastinate_jobs"))
    db.commit()
    change(name, stored_at=clock.now() - timedelta(hours=2))
    days_ago(runtime, device.job, name, 40)

    tidy_organization(runtime, device.job.organization_id)
    work_off()

    assert device.shown(name)["url"] is not None, "and its bytes were not taken away before"


def test_a_photo_that_finds_no_place_to_be_read_in_is_read_later_and_not_rejected(
    device: Device, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "ROOM_WAIT_SECONDS", 0.01)
    name = device.link(PHOTO)["attachment_id"]
    device.upload(name, PHOTO)

    with ExitStack() as busy:
        for _ in range(images.AT_ONCE):
            busy.enter_context(images._a_place())
        with pytest.raises(Unavailable):
            prepare(runtime, device.job, name)
    waiting = device.shown(name)
    prepare(runtime, device.job, name)

    assert (waiting["state"], waiting["reason"], waiting["url"]) == ("stored", None, None)
    assert device.get(f"/v1/attachments/{name}/content").status_code == 200
