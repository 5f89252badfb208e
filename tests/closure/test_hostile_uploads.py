"""Uploads that somebody means harm with, by both ways in: none is served active, none crashes, memory is bounded."""

import base64
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlmodel import Session, select

from app.attachments.models import Attachment
from app.attachments.tasks import prepare_attachment
from app.closure.models import Evidence
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from tests.attachments.conftest import Device, a_link, device
from tests.closure.hostile import (
    PLANTED,
    SIGNS,
    File,
    a_pdf_that_runs,
    a_phones_photo,
    many_scans,
    one_color_png,
    only_pixels,
    picture,
    pictures,
    refused,
)
from tests.closure.test_upload_evidence import fields, upload
from tests.conftest import CheckedClient, Somebody
from tests.field import Job

__all__ = ["device"]

PICTURES, REFUSED = pictures(), refused()


@pytest.fixture
def files(runtime: Runtime, job: Job) -> Callable[[], list[Path]]:
    """Every file of the organization; and nothing of ours is anywhere else than in the folder of some organization."""
    folder = runtime.settings.data_dir

    def found() -> list[Path]:
        assert {one.name for one in folder.iterdir()} <= {"files", "secret-key"}
        return [one for one in (folder / "files" / str(job.organization_id)).rglob("*") if one.is_file()]

    return found


def check_served(answer: Any, kinds: tuple[str, ...] = ("image/jpeg",)) -> None:
    """It is a new picture that can do nothing."""
    assert answer.status_code == 200
    assert answer.headers["content-type"] in kinds
    assert Image.open(io.BytesIO(answer.content)).get_format_mimetype() == answer.headers["content-type"]
    assert only_pixels(answer.content)
    assert [sign for sign in SIGNS if sign in answer.content] == []
    check_headers(answer)


def check_headers(answer: Any) -> None:
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


def check_problem(answer: Any) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def announce(device: Device, file: File, **more: Any) -> str:
    return str(device.link(file.data, mime=file.mime.partition(";")[0].replace("jpg", "jpeg"), **more)["attachment_id"])


def prepare(runtime: Runtime, job: Job, name: str) -> None:
    prepare_attachment(runtime, organization_id=str(job.organization_id), attachment_id=name)


def put(device: Device, name: str, data: bytes) -> Any:
    return device.api.put(f"/v1/attachments/{name}/content", content=data, headers=device.who.headers)


@pytest.mark.parametrize("file", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("kind", ["photo", "signature"])
def test_of_evidence_only_the_pixels_are_kept(
    api: CheckedClient, job: Job, ana: Somebody, files: Callable[[], list[Path]], file: File, kind: str
) -> None:
    said = fields(kind=kind, tag={"photo": "after", "signature": "customer"}[kind])

    answer = upload(api, job, said, ana, file.data, file.mime)

    assert answer.status_code == 201, answer.text
    check_served(
        api.get(f"/v1/evidence/{said['id']}", headers=ana.headers), ("image/jpeg", "image/png")[: 1 + (kind != "photo")]
    )
    assert [only_pixels(one.read_bytes()) for one in files()] == [True]


@pytest.mark.parametrize("file", PICTURES.values(), ids=PICTURES)
def test_of_attachments_only_the_pixels_are_kept(
    device: Device, runtime: Runtime, files: Callable[[], list[Path]], file: File
) -> None:
    name = announce(device, file)
    device.upload(name, file.data)
    early = device.get(f"/v1/attachments/{name}/content")
    prepare(runtime, device.job, name)

    shown = device.shown(name)

    assert (early.status_code, early.json()["code"]) == (409, "attachment-not-ready")
    for address in (shown["url"], shown["thumbnail_url"]):
        check_served(device.api.get(address))
    check_served(device.get(f"/v1/attachments/{name}/content"))
    assert all(only_pixels(one.read_bytes()) for one in files())


@pytest.mark.parametrize(("file", "status"), REFUSED.values(), ids=REFUSED)
def test_evidence_that_is_no_picture_leaves_nothing_behind(
    api: CheckedClient,
    db: Session,
    job: Job,
    ana: Somebody,
    files: Callable[[], list[Path]],
    file: File,
    status: int,
) -> None:
    answer = upload(api, job, fields(), ana, file.data, file.mime)

    assert answer.status_code == status, answer.text
    check_problem(answer)
    assert db.exec(select(Evidence)).all() == []
    assert files() == []


ANNOUNCED = {name: file for name, (file, _) in REFUSED.items() if file.mime.startswith("image/") and file.data}


@pytest.mark.parametrize("file", ANNOUNCED.values(), ids=ANNOUNCED)
def test_an_attachment_that_is_no_picture_is_rejected_and_never_served(
    device: Device, runtime: Runtime, files: Callable[[], list[Path]], file: File
) -> None:
    said = a_link(file.data, mime=file.mime)
    if file.mime not in ("image/jpeg", "image/png", "image/webp"):
        device.announce(said, status=422)
        return
    name = device.announce(said)["attachment_id"]
    sent = put(device, name, file.data)
    assert sent.status_code == 204, sent.text
    prepare(runtime, device.job, name)

    shown = device.shown(name)

    assert (shown["state"], shown["url"], shown["thumbnail_url"]) == ("rejected", None, None)
    check_problem(device.get(f"/v1/attachments/{name}/content"))
    assert files() == []


def test_a_paper_with_a_program_in_it_is_for_download_only(device: Device, runtime: Runtime) -> None:
    paper = File(a_pdf_that_runs(), "application/pdf")
    name = announce(device, paper, role="document")
    put(device, name, paper.data)
    prepare(runtime, device.job, name)

    answer = device.get(f"/v1/attachments/{name}/content")

    assert (answer.content, answer.headers["content-type"]) == (paper.data, "application/pdf")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.pdf"'
    check_headers(answer)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_pictures_are_kept_as_pixels_or_refused(api: CheckedClient, job: Job, ana: Somebody, kind: str) -> None:
    luck = random.Random(f"damaged {kind}")
    whole = a_phones_photo() if kind == "JPEG" else picture(kind, (160, 120))
    seen = set()

    for _ in range(80):
        damaged = bytearray(whole)
        for _ in range(luck.choice([1, 1, 3, 30])):
            damaged[luck.randrange(3, len(damaged))] = luck.randrange(256)
        cut = luck.choice([len(damaged), len(damaged), luck.randrange(20, len(damaged))])
        said = fields()
        answer = upload(api, job, said, ana, bytes(damaged[:cut]), f"image/{kind.lower()}")
        seen.add(answer.status_code)
        if answer.status_code == 201:
            check_served(api.get(f"/v1/evidence/{said['id']}", headers=ana.headers))
        else:
            check_problem(answer)

    assert {201, 422} <= seen <= {201, 413, 415, 422}


NAMES = {
    "a way up": b"../../../../etc/cron.d/evil",
    "a way up in the words of Windows": b"..\\..\\evil.exe",
    "a place": b"/etc/passwd",
    "nothing": b"",
    "a page": b"evil.html",
    "a command": b"; rm -rf / #.jpg",
    "an end in the middle": b"evil.php\x00.jpg",
    "another header": b'a.jpg"\r\nX-Evil: 1\r\n\r\n',
    "a name that reads backwards": "evil\u202egpj.exe".encode(),
    "a name that is none": b"\xff\xfe\xed\xa0\x80.jpg",
    "ten thousand letters": b"a" * 10_000,
    "dots": b"...",
}


def form_of(said: dict[str, Any], name: bytes, data: bytes, mime: bytes = b"image/jpeg") -> bytes:
    """A form as no library would write it: the name goes in as it is."""
    parts = [
        b'Content-Disposition: form-data; name="' + field.encode() + b'"\r\n\r\n' + str(value).encode()
        for field, value in said.items()
    ]
    head = b'Content-Disposition: form-data; name="file"; filename="' + name + b'"\r\nContent-Type: ' + mime
    return (
        b"".join(b"--border\r\n" + part + b"\r\n" for part in [*parts, head + b"\r\n\r\n" + data]) + b"--border--\r\n"
    )


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_what_a_file_is_called_changes_nothing(
    api: CheckedClient, job: Job, ana: Somebody, files: Callable[[], list[Path]], name: bytes
) -> None:
    said = fields()

    answer = api.post(
        f"/v1/visits/{job.visit_id}/evidence",
        content=form_of(said, name, picture()),
        headers=ana.headers | {"Content-Type": "multipart/form-data; boundary=border"},
    )

    if answer.status_code != 201:
        check_problem(answer)
        assert files() == []
        return
    served = api.get(f"/v1/evidence/{said['id']}", headers=ana.headers)
    check_served(served)
    assert served.headers["content-disposition"] == f'attachment; filename="photo-{said["id"]}.jpeg"'
    assert "evil" not in answer.text
    [kept] = files()
    assert kept.name == answer.json()["sha256"]


def test_an_upload_is_kept_by_its_id_whatever_its_metadata_says(
    device: Device, runtime: Runtime, files: Callable[[], list[Path]]
) -> None:
    data = picture()
    name = announce(device, File(data))

    made = device.create(name, len(data), filename="../../evil.html", filetype="text/html", relativePath="/etc/passwd")
    device.patch(made.headers["location"], 0, data)
    prepare(runtime, device.job, name)

    answer = device.get(f"/v1/attachments/{name}/content")
    check_served(answer)
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.jpg"'
    assert {len(one.name) for one in files()} == {64}, "named by what is in them"


@pytest.mark.parametrize("name", ["../../evil", "..%2f..%2fevil", "%00", "a" * 300, "١٢٣"])
def test_an_id_that_is_a_path_is_no_id(device: Device, name: str) -> None:
    for path in (f"/v1/evidence/{name}", f"/v1/attachments/{name}/content", f"/v1/signed-attachments/{name}"):
        check_problem(device.get(path))
    said = device.tus("HEAD", f"/v1/uploads/{name}")
    assert 400 <= said.status_code < 500


def test_an_upload_may_be_as_large_as_it_may_be_and_no_larger(api: CheckedClient, job: Job, ana: Somebody) -> None:
    photo = picture()
    largest = photo + bytes(15_000_000 - len(photo))

    taken = upload(api, job, fields(), ana, largest)
    too_large = upload(api, job, fields(), ana, largest + b"\0")

    assert taken.status_code == 201
    assert (too_large.status_code, too_large.json()["code"]) == (413, "image-too-large")
    assert too_large.json()["limit_bytes"] == 15_000_000


def test_a_body_of_unknown_length_is_refused_when_it_is_too_large(api: CheckedClient, job: Job, ana: Somebody) -> None:
    head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'

    answer = api.post(
        f"/v1/visits/{job.visit_id}/evidence",
        content=(piece for piece in (head, *[bytes(1_000_000)] * 17)),
        headers=ana.headers | {"Content-Type": "multipart/form-data; boundary=cut"},
    )

    assert "content-length" not in answer.request.headers
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert answer.json()["limit_bytes"] == 16_000_000


def test_an_attachment_says_how_large_it_is_and_is_held_to_it(device: Device) -> None:
    data = picture()
    name = announce(device, File(data))

    longer = device.create(name, len(data) + 1)
    location = device.create(name, len(data)).headers["location"]
    check_problem(device.patch(location, 0, data + b"\0"))
    check_problem(put(device, str(uuid7()), data))
    check_problem(put(device, name, bytes(1024 * 1024 + 1)))

    assert (longer.status_code, longer.json()["code"]) == (409, "id-reused")
    device.announce(a_link(data) | {"bytes": 50 * 1024 * 1024 + 1}, status=422)
    device.announce(a_link(data) | {"bytes": 0}, status=422)


def test_work_that_is_dear_to_decode_is_given_up(api: CheckedClient, job: Job, ana: Somebody) -> None:
    answer = upload(api, job, fields(), ana, many_scans())

    check_problem(answer)
    assert answer.json()["code"] == "image-unreadable"


def test_a_preview_is_a_picture_of_ours_too(device: Device, work_off: Callable[[], None], db: Session) -> None:
    small = picture(size=(40, 30), comment=PLANTED)
    name = device.link(b"not sent yet", preview=base64.b64encode(small).decode())["attachment_id"]

    work_off()

    shown = base64.b64decode(device.shown(name)["preview"])
    assert only_pixels(shown)
    assert PLANTED not in shown
    assert db.exec(select(Attachment.preview)).one() == shown


def test_the_largest_picture_that_is_allowed_is_read_in_the_memory_that_is_allowed(
    api: CheckedClient, job: Job, ana: Somebody
) -> None:
    answer = upload(api, job, fields(), ana, one_color_png(7000, 7000, color=6), "image/png")

    assert answer.status_code == 201, answer.text
    assert (answer.json()["width"], answer.json()["height"]) == (2560, 2560)
