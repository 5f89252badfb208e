"""A file is announced before its bytes come; whoever has them already need not send them again."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from sqlmodel import Session, select

from app.attachments.models import Attachment
from app.kit.changes import Changes, Kind
from app.kit.runtime import Runtime
from tests.attachments.conftest import PDF, Device, a_link, in_base64
from tests.attachments.test_stored_attachments import a_photo
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, a_picture, make_job

PICTURE = a_picture()


def test_what_is_announced_waits_for_its_bytes(device: Device, job: Job) -> None:
    said = a_link(PICTURE, location={"lat": 52.5, "lng": 13.4})

    answer = device.announce(said)

    assert answer == {
        "attachment_id": said["attachment_id"],
        "state": "pending",
        "upload": {"url": f"/v1/attachments/{said['attachment_id']}/content", "protocol": ["tus-1.0.0"]},
    }
    [shown] = device.get(f"/v1/visits/{job.visit_id}/attachments").json()["items"]
    assert (shown["state"], shown["received_bytes"], shown["url"]) == ("pending", 0, None)
    assert shown["location"] == said["location"]


def test_until_the_file_is_here_a_new_small_picture_stands_in_for_it(
    device: Device, work_off: Callable[[], None]
) -> None:
    said = a_link(PICTURE, preview=in_base64(a_photo((40, 30))))

    name = device.announce(said)["attachment_id"]
    at_once = device.shown(name)["preview"]
    work_off()
    soon = base64.b64decode(device.shown(name)["preview"])
    device.upload(name, PICTURE)
    work_off()

    assert at_once is None, "nothing is shown as it came"
    assert Image.open(BytesIO(soon)).size == (40, 30)
    assert b"secret" not in soon
    assert device.shown(name)["preview"] is None


def test_the_same_announcement_again_is_the_same_attachment(device: Device, db: Session) -> None:
    said = a_link(PICTURE)

    first, again = device.announce(said), device.announce(said)

    assert again == first
    assert len(db.exec(select(Attachment)).all()) == 1


def test_the_same_announcement_many_times_at_once_is_one_attachment(device: Device, db: Session) -> None:
    said = a_link(PICTURE)

    with ThreadPoolExecutor(4) as crowd:
        answers = list(crowd.map(lambda _: device.announce(said), range(4)))

    assert all(answer == answers[0] for answer in answers)
    assert len(db.exec(select(Attachment)).all()) == 1


@pytest.mark.parametrize("other", [{"role": "before"}, {"sha256": "0" * 64}, {"bytes": 7}, {"mime": "image/png"}])
def test_an_id_stands_for_one_file(device: Device, other: dict[str, Any]) -> None:
    said = a_link(PICTURE)
    device.announce(said)

    assert device.announce({**said, **other}, status=409)["code"] == "id-reused"


def test_an_id_stands_for_one_visit(device: Device, new_job: Callable[..., Job]) -> None:
    said = a_link(PICTURE)
    device.announce(said)

    assert device.announce(said, status=409, visit_id=new_job().visit_id)["code"] == "id-reused"


@pytest.mark.parametrize(
    "wrong",
    [
        {"bytes": 0},
        {"bytes": 50 * 1024 * 1024 + 1},
        {"sha256": "ABC"},
        {"mime": "image/svg+xml"},
        {"mime": "text/html"},
        {"role": "signature:boss"},
        {"preview": in_base64(b"<script>")},
        {"preview": in_base64(a_picture() + b"x" * 8192)},
        {"preview": "not base64!"},
        {"attachment_id": "1"},
        {"color": "red"},
    ],
)
def test_what_is_not_well_formed_is_refused(device: Device, db: Session, wrong: dict[str, Any]) -> None:
    device.announce(a_link(PICTURE, **{"preview": None, **wrong}) | wrong, status=422)

    assert db.exec(select(Attachment)).all() == []


def test_bytes_that_are_stored_in_the_same_job_need_not_come_again(
    device: Device, api: CheckedClient, ben: Somebody, new_job: Callable[..., Job], work_off: Callable[[], None]
) -> None:
    assert ben.technician is not None
    job = new_job(crew=(ben.technician.id,))
    anas, bens = Device(api, device.who, job), Device(api, ben, job)
    anas.upload(anas.link(PICTURE)["attachment_id"], PICTURE)
    work_off()

    answer = bens.link(PICTURE, role="before")
    work_off()

    assert (answer["upload"], answer["state"]) == ("not_needed", "stored")
    shown = bens.shown(answer["attachment_id"])
    assert bens.get(shown["url"]).content == bens.get(f"/v1/attachments/{answer['attachment_id']}/content").content
    assert (shown["role"], shown["width"], shown["received_bytes"]) == ("before", 64, len(PICTURE))


def test_bytes_that_the_same_technician_sent_for_another_job_need_not_come_again(
    device: Device, new_job: Callable[..., Job], work_off: Callable[[], None]
) -> None:
    device.upload(device.link(PICTURE)["attachment_id"], PICTURE)
    work_off()

    assert device.link(PICTURE, visit_id=new_job().visit_id)["upload"] == "not_needed"


def test_nobody_learns_that_another_technician_has_a_file(
    device: Device, api: CheckedClient, ben: Somebody, dana: Somebody, runtime: Runtime, work_off: Callable[[], None]
) -> None:
    assert ben.technician is not None
    device.upload(device.link(PICTURE)["attachment_id"], PICTURE)
    work_off()
    bens_job = make_job(runtime, device.job.organization_id, ben.technician.id)

    for who in (ben, dana):
        phone = Device(api, who, bens_job)
        known, unknown = (without_id(phone.link(data)) for data in (PICTURE, a_picture("blue")))
        assert known == unknown
        assert known["state"] == "pending"


def without_id(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with nothing in it that differs from one attachment to the next."""
    return dict(json.loads(json.dumps(answer).replace(answer["attachment_id"], "")))


def test_a_file_that_is_announced_as_something_else_is_sent_again(device: Device, work_off: Callable[[], None]) -> None:
    device.upload(device.link(PDF, mime="application/pdf", role="document")["attachment_id"], PDF)
    work_off()

    assert device.link(PDF, mime="image/jpeg")["upload"] != "not_needed"


def test_a_file_that_is_not_safe_yet_is_sent_again(device: Device) -> None:
    device.upload(device.link(PICTURE)["attachment_id"], PICTURE)

    assert device.link(PICTURE)["upload"] != "not_needed"


def test_ben_cannot_announce_anything_for_anas_visit_or_see_what_she_did(device: Device, bens: Device) -> None:
    announced = device.link(PICTURE)["attachment_id"]

    assert bens.announce(a_link(PICTURE), status=404)["code"] == "not-found"
    for path in (f"/v1/attachments/{announced}", f"/v1/attachments/{announced}/content"):
        assert bens.get(path).status_code == 404
    assert bens.get(f"/v1/visits/{device.job.visit_id}/attachments").status_code == 404


def test_who_shows_the_job_learns_of_every_change(
    device: Device, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, work_off: Callable[[], None]
) -> None:
    seen: list[UUID] = []

    def note(db: Session, changes: Changes) -> None:
        seen.extend(changes.of(Kind.WORK_ORDER) & {device.job.work_order_id})

    monkeypatch.setattr(runtime, "before_commit", (*runtime.before_commit, note))
    said = a_link(PICTURE)
    counts = []
    for step in (
        lambda: device.announce(said),
        lambda: device.announce(said),
        lambda: device.create(said["attachment_id"], len(PICTURE)),
        lambda: device.patch(f"/v1/uploads/{said['attachment_id']}", 0, PICTURE),
        work_off,
    ):
        seen.clear()
        step()
        counts.append(len(seen))

    assert counts == [1, 0, 1, 1, 1]


def test_an_office_announces_papers_too(device: Device, api: CheckedClient, dana: Somebody) -> None:
    made = Device(api, dana, device.job).link(PDF, mime="application/pdf", role="document")

    assert device.shown(made["attachment_id"])["mime"] == "application/pdf"
