"""tus 1.0.0: created once, appended, resumed, checked, terminated, expired."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, select
from starlette.concurrency import run_in_threadpool

from app.attachments.models import Attachment, Upload, UploadChunk
from app.attachments.receiving import CHUNK_BYTES
from app.kit import clock
from app.kit.runtime import Runtime
from tests.attachments.conftest import Device, a_link, in_base64
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, a_picture

PICTURE = a_picture()
LARGE = bytes(range(256)) * 3000
"""768,000 bytes: two chunks and a rest."""


def test_the_server_says_what_it_speaks(api: CheckedClient) -> None:
    answer = api.options("/v1/uploads")

    assert answer.status_code == 204
    said = {name: value for name, value in answer.headers.items() if name.startswith("tus-")}
    assert said == {
        "tus-resumable": "1.0.0",
        "tus-version": "1.0.0",
        "tus-extension": "creation,checksum,expiration,termination",
        "tus-max-size": "52428800",
        "tus-checksum-algorithm": "sha1,sha256",
    }


def test_all_bytes_in_one_request_are_stored(device: Device, db: Session) -> None:
    name = device.link(LARGE, mime="video/mp4")["attachment_id"]

    made = device.create(name, len(LARGE))
    sent = device.patch(made.headers["location"], 0, LARGE)

    assert (made.status_code, made.headers["location"]) == (201, f"/v1/uploads/{name}")
    assert (sent.status_code, sent.headers["upload-offset"]) == (204, str(len(LARGE)))
    assert device.shown(name)["state"] == "stored"
    assert device.shown(name)["received_bytes"] == len(LARGE)
    sizes = db.exec(select(UploadChunk.size_bytes).order_by(UploadChunk.start)).all()
    assert sizes == [CHUNK_BYTES, CHUNK_BYTES, len(LARGE) - 2 * CHUNK_BYTES]


def test_an_upload_goes_on_where_it_stands(device: Device, runtime: Runtime, db: Session) -> None:
    name = device.link(LARGE, mime="video/mp4")["attachment_id"]
    url = device.create(name, len(LARGE)).headers["location"]

    device.patch(url, 0, LARGE[:100_000])
    assert device.offset(url) == 100_000
    assert device.shown(name)["state"] == "uploading"
    device.patch(url, 100_000, LARGE[100_000:400_000])
    device.patch(url, device.offset(url), LARGE[400_000:])

    assert device.shown(name)["state"] == "stored"
    assert db.get_one(Upload, (device.job.organization_id, UUID(name))).sha256 == hashlib.sha256(LARGE).hexdigest()


def test_to_begin_again_is_to_go_on(device: Device) -> None:
    name = device.link(PICTURE)["attachment_id"]
    first = device.create(name, len(PICTURE))
    device.patch(first.headers["location"], 0, PICTURE[:100])

    again = device.create(name, len(PICTURE))

    assert (again.status_code, again.headers["location"]) == (201, first.headers["location"])
    assert again.headers["upload-offset"] == "100"


def test_the_length_is_the_announced_one(device: Device) -> None:
    name = device.link(PICTURE)["attachment_id"]

    answer = device.create(name, len(PICTURE) + 1)

    assert (answer.status_code, answer.json()["code"]) == (409, "id-reused")


def test_bytes_at_another_place_than_where_it_stands_are_refused(device: Device) -> None:
    url = device.create(device.link(PICTURE)["attachment_id"], len(PICTURE)).headers["location"]

    answer = device.patch(url, 10, PICTURE[10:])

    assert (answer.status_code, answer.json()["code"]) == (409, "offset-conflict")
    assert answer.headers["upload-offset"] == "0"
    assert device.offset(url) == 0


def test_of_two_that_go_on_at_once_one_wins(device: Device, runtime: Runtime, keys_of: Callable[[], list[str]]) -> None:
    for round_ in range(5):
        data = LARGE[round_:]
        name = device.link(data, mime="video/mp4")["attachment_id"]
        url = device.create(name, len(data)).headers["location"]

        with ThreadPoolExecutor(4) as crowd:
            answers = list(crowd.map(lambda _, url=url, data=data: device.patch(url, 0, data).status_code, range(4)))

        assert set(answers) <= {204, 409}
        if 204 not in answers:
            device.patch(url, device.offset(url), data[device.offset(url) :])
        assert device.shown(name)["state"] == "stored"
        with runtime.transaction(device.job.organization_id) as db:
            chunks = db.exec(select(UploadChunk).where(UploadChunk.upload_id == UUID(name))).all()
        assert sum(chunk.size_bytes for chunk in chunks) == len(data)
        assert len([key for key in keys_of() if name in key]) == len(chunks), "of the losers no object stays"


def test_what_is_not_what_was_announced_begins_from_the_first_byte_again(
    device: Device, keys_of: Callable[[], list[str]]
) -> None:
    name = device.link(PICTURE)["attachment_id"]
    url = device.create(name, len(PICTURE)).headers["location"]

    wrong = device.patch(url, 0, PICTURE[:-1] + b"!")

    assert (wrong.status_code, wrong.json()["code"]) == (460, "checksum-mismatch")
    assert (wrong.headers["upload-offset"], wrong.headers["tus-resumable"]) == ("0", "1.0.0")
    assert (device.offset(url), device.shown(name)["state"], keys_of()) == (0, "uploading", [])
    device.patch(url, 0, PICTURE)
    assert device.shown(name)["state"] == "stored"


def test_the_end_is_noticed_by_whoever_asks_when_the_answer_to_the_last_bytes_was_lost(
    device: Device, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = device.link(PICTURE)["attachment_id"]
    url = device.create(name, len(PICTURE)).headers["location"]

    async def cut(*_: Any, **__: Any) -> None:
        """As if the process were killed before it came to that."""

    with monkeypatch.context() as killed:
        killed.setattr("app.attachments.upload_routes.finish", cut)
        device.patch(url, 0, PICTURE)
    assert device.shown(name)["state"] == "uploading"

    assert device.offset(url) == len(PICTURE)
    assert device.shown(name)["state"] == "stored"
    assert device.offset(url) == len(PICTURE), "to finish again changes nothing"
    assert device.patch(url, len(PICTURE), b"").status_code in (204, 409)


def test_wrong_bytes_are_noticed_by_whoever_asks_too(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    name = device.link(PICTURE)["attachment_id"]
    url = device.create(name, len(PICTURE)).headers["location"]

    async def cut(*_: Any, **__: Any) -> None:
        """As if the process were killed before it came to that."""

    with monkeypatch.context() as killed:
        killed.setattr("app.attachments.upload_routes.finish", cut)
        device.patch(url, 0, bytes(len(PICTURE)))

    assert device.tus("HEAD", url).status_code == 460
    assert device.offset(url) == 0


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_request_that_is_not_what_its_checksum_says_is_not_kept(
    device: Device, keys_of: Callable[[], list[str]], algorithm: str
) -> None:
    url = device.create(device.link(LARGE, mime="video/mp4")["attachment_id"], len(LARGE)).headers["location"]
    half = LARGE[:500_000]
    right = f"{algorithm} {in_base64(hashlib.new(algorithm, half).digest())}"

    wrong = device.patch(url, 0, half[:-1] + b"x", Upload_Checksum=right)

    assert (wrong.status_code, wrong.json()["code"]) == (460, "checksum-mismatch")
    assert (device.offset(url), keys_of()) == (0, [])
    assert device.patch(url, 0, half, Upload_Checksum=right).status_code == 204
    assert device.offset(url) == len(half)


@pytest.mark.parametrize("header", ["md5 abc=", "sha1", "sha1 not-base64!", "crc32 AAAA"])
def test_a_checksum_that_cannot_be_checked_is_refused(device: Device, header: str) -> None:
    url = device.create(device.link(PICTURE)["attachment_id"], len(PICTURE)).headers["location"]

    answer = device.patch(url, 0, PICTURE, Upload_Checksum=header)

    assert (answer.status_code, answer.json()["code"]) == (400, "checksum-unreadable")
    assert device.offset(url) == 0


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    """A body whose length is not said before."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def test_more_bytes_than_announced_are_refused(device: Device) -> None:
    url = device.create(device.link(PICTURE)["attachment_id"], len(PICTURE)).headers["location"]

    said = device.patch(url, 0, PICTURE + b"x")
    unsaid = device.patch(url, 0, in_pieces(PICTURE + b"x" * 100_000, 50_000))  # type: ignore[arg-type]

    assert [(one.status_code, one.json()["code"]) for one in (said, unsaid)] == [(413, "too-large")] * 2
    assert device.offset(url) <= len(PICTURE)


def test_more_than_50_mib_are_refused_before_the_first_byte(device: Device, api: CheckedClient) -> None:
    url = device.create(device.link(PICTURE)["attachment_id"], len(PICTURE)).headers["location"]

    longer = device.create(str(uuid4()), 50 * 1024 * 1024 + 1)
    body = device.tus("PATCH", url, b"", Upload_Offset="0", Content_Length=str(50 * 1024 * 1024 + 1))

    assert [(one.status_code, one.json()["code"]) for one in (longer, body)] == [(413, "too-large")] * 2
    assert body.headers["sync-protocol"] == "1"


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Tus_Resumable": "0.2.2"}, 412, "tus-version-not-supported"),
        ({"Content_Type": "application/octet-stream"}, 415, "body-type-refused"),
        ({"Upload_Offset": "-1"}, 422, "not-well-formed"),
        ({"Upload_Offset": "x"}, 422, "not-well-formed"),
    ],
)
def test_a_request_that_is_not_tus_is_refused(device: Device, headers: dict[str, str], status: int, code: str) -> None:
    url = device.create(device.link(PICTURE)["attachment_id"], len(PICTURE)).headers["location"]

    answer = device.tus("PATCH", url, PICTURE, **{"Upload_Offset": "0", **headers})

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert device.offset(url) == 0


@pytest.mark.parametrize("metadata", ["", "name YWJj", "attachment_id", "attachment_id !!", "attachment_id YWJj"])
def test_an_upload_needs_the_attachments_id(device: Device, metadata: str) -> None:
    answer = device.tus("POST", "/v1/uploads", Upload_Length="5", Upload_Metadata=metadata)

    assert (answer.status_code, answer.json()["code"]) == (400, "metadata-unreadable")


def test_what_was_said_at_the_creation_is_said_again(device: Device) -> None:
    url = device.create(str(uuid4()), 5, filename="boiler.jpg").headers["location"]

    answer = device.tus("HEAD", url)

    assert "filename " + in_base64("boiler.jpg") in answer.headers["upload-metadata"]
    assert (answer.headers["upload-length"], answer.headers["cache-control"]) == ("5", "no-store")
    assert answer.content == b""


def test_every_answer_says_that_it_is_ours(device: Device, api: CheckedClient) -> None:
    url = device.create(device.link(PICTURE)["attachment_id"], len(PICTURE)).headers["location"]
    answers = [
        api.options("/v1/uploads"),
        device.tus("HEAD", url),
        device.patch(url, 5, b"x"),
        device.patch(url, 0, PICTURE),
        device.tus("HEAD", f"/v1/uploads/{uuid4()}"),
        api.head(url, headers={"Tus-Resumable": "1.0.0"}),
        device.tus("DELETE", url),
        device.get(f"/v1/attachments/{uuid4()}"),
        api.get("/v1/signed-attachments/nonsense"),
    ]

    assert [one.status_code for one in answers] == [204, 200, 409, 204, 404, 401, 409, 404, 404]
    assert all(one.headers["sync-protocol"] == "1" for one in answers)
    assert all(one.headers["tus-resumable"] == "1.0.0" for one in answers[:5])


def test_what_is_given_up_is_gone(device: Device, db: Session, keys_of: Callable[[], list[str]]) -> None:
    name = device.link(PICTURE)["attachment_id"]
    url = device.create(name, len(PICTURE)).headers["location"]
    device.patch(url, 0, PICTURE[:50])

    answer = device.tus("DELETE", url)

    assert answer.status_code == 204
    assert device.tus("HEAD", url).status_code == 404
    assert (device.shown(name)["state"], keys_of()) == ("pending", [])
    device.upload(name, PICTURE)
    assert device.shown(name)["state"] == "stored"


def test_what_is_all_here_is_not_given_up(device: Device) -> None:
    name = device.link(PICTURE)["attachment_id"]
    url = device.upload(name, PICTURE)

    answer = device.tus("DELETE", url)

    assert (answer.status_code, answer.json()["code"]) == (409, "upload-finished")
    assert device.shown(name)["state"] == "stored"


def test_bytes_may_come_before_the_announcement(device: Device) -> None:
    said = a_link(PICTURE)
    device.upload(said["attachment_id"], PICTURE)

    answer = device.announce(said)

    assert (answer["state"], answer["upload"]) == ("stored", "not_needed")


def test_some_bytes_may_come_before_the_announcement(device: Device) -> None:
    said = a_link(PICTURE)
    url = device.create(said["attachment_id"], len(PICTURE)).headers["location"]
    device.patch(url, 0, PICTURE[:100])

    assert device.announce(said)["state"] == "uploading"
    device.patch(url, 100, PICTURE[100:])

    assert device.shown(said["attachment_id"])["state"] == "stored"


@pytest.mark.parametrize("came", [PICTURE[:-1] + b"!", PICTURE + b"!"])
def test_bytes_that_came_before_and_are_not_what_is_announced_are_forgotten(device: Device, came: bytes) -> None:
    said = a_link(PICTURE)
    device.upload(said["attachment_id"], came)

    answer = device.announce(said)

    assert (answer["state"], answer["upload"]["protocol"]) == ("pending", ["tus-1.0.0"])
    device.upload(said["attachment_id"], PICTURE)
    assert device.shown(said["attachment_id"])["state"] == "stored"


def test_an_announcement_and_the_last_byte_at_once_meet(device: Device) -> None:
    for _ in range(8):
        said = a_link(PICTURE)
        url = device.create(said["attachment_id"], len(PICTURE)).headers["location"]
        with ThreadPoolExecutor(2) as crowd:
            steps: list[Any] = [
                crowd.submit(device.patch, url, 0, PICTURE),
                crowd.submit(device.announce, said),
            ]
            assert [step.result() is not None for step in steps] == [True, True]

        assert device.shown(said["attachment_id"])["state"] == "stored"


def test_ben_finds_no_upload_of_anas(device: Device, bens: Device) -> None:
    url = device.create(device.link(PICTURE)["attachment_id"], len(PICTURE)).headers["location"]
    alone = device.create(str(uuid4()), 5).headers["location"]

    for one in (url, alone):
        assert bens.tus("HEAD", one).status_code == 404
        assert bens.patch(one, 0, b"x").status_code == 404
        assert bens.tus("DELETE", one).status_code == 404
        assert bens.create(one.rpartition("/")[2], 5).status_code == 404
    assert (
        bens.api.put(
            f"/v1/attachments/{url.rpartition('/')[2]}/content", content=PICTURE, headers=bens.who.headers
        ).status_code
        == 404
    )


def test_a_crew_mate_may_send_what_ana_announced(
    api: CheckedClient, ana: Somebody, ben: Somebody, new_job: Callable[..., Job]
) -> None:
    assert ben.technician is not None
    job = new_job(crew=(ben.technician.id,))
    anas, bens = Device(api, ana, job), Device(api, ben, job)
    name = anas.link(PICTURE)["attachment_id"]

    bens.upload(name, PICTURE)

    assert anas.shown(name)["state"] == "stored"


def test_a_visit_that_went_to_somebody_else_still_gets_what_was_announced(
    device: Device, runtime: Runtime, ben: Somebody
) -> None:
    from app.visits.models import Visit

    assert ben.technician is not None
    name = device.link(PICTURE)["attachment_id"]
    with runtime.transaction(device.job.organization_id) as db:
        db.get_one(Visit, (device.job.organization_id, device.job.visit_id)).technician_id = ben.technician.id

    device.upload(name, PICTURE)

    assert Device(device.api, ben, device.job).shown(name)["state"] == "stored"
    assert device.get(f"/v1/attachments/{name}").status_code == 404


def test_an_upload_that_stood_still_for_30_days_has_expired(device: Device, runtime: Runtime) -> None:
    name = device.link(PICTURE)["attachment_id"]
    made = device.create(name, len(PICTURE))
    url = made.headers["location"]
    assert parsedate_to_datetime(made.headers["upload-expires"]) - clock.now() > timedelta(days=29)
    with runtime.transaction(device.job.organization_id) as db:
        db.get_one(Upload, (device.job.organization_id, UUID(name))).expires_at = an_hour_ago()

    assert device.tus("HEAD", url).status_code == 410
    gone = device.patch(url, 0, PICTURE)
    assert (gone.status_code, gone.json()["code"]) == (410, "upload-expired")
    device.upload(name, PICTURE)

    assert device.shown(name)["state"] == "stored"


Pieces = Callable[[], Awaitable[dict[str, Any]]]


def patch_slowly(device: Device, url: str, receive: Pieces, **headers: str) -> int:
    """A PATCH whose body comes as `receive` lets it come; the status of the answer."""
    said = {
        **device.who.headers,
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
        **headers,
    }
    answered: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answered.append(message["status"])

    scope = {
        "type": "http",
        "method": "PATCH",
        "path": url,
        "raw_path": url.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("testserver", 80),
        "headers": [(b"host", b"testserver"), *((k.lower().encode(), v.encode()) for k, v in said.items())],
    }
    portal = device.api.portal
    assert portal is not None
    portal.call(device.api.app, scope, receive, send)
    return answered[0]


def a_piece(data: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": more}


def cut_after(device: Device, url: str, data: bytes, **headers: str) -> None:
    """A request whose connection is cut when these bytes of it have come."""
    messages = iter([a_piece(data), {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    patch_slowly(device, url, receive, **headers)


def test_a_cut_keeps_what_had_come(device: Device) -> None:
    url = device.create(device.link(LARGE, mime="video/mp4")["attachment_id"], len(LARGE)).headers["location"]

    cut_after(device, url, LARGE[:300_001])

    assert device.offset(url) == 300_001
    device.patch(url, 300_001, LARGE[300_001:])
    assert device.shown(url.rpartition("/")[2])["state"] == "stored"


def test_a_cut_keeps_nothing_of_what_has_a_checksum(device: Device, keys_of: Callable[[], list[str]]) -> None:
    url = device.create(device.link(LARGE, mime="video/mp4")["attachment_id"], len(LARGE)).headers["location"]
    right = f"sha1 {in_base64(hashlib.sha1(LARGE[:300_001], usedforsecurity=False).digest())}"

    cut_after(device, url, LARGE[:300_001], **{"Upload-Checksum": right})

    assert (device.offset(url), keys_of()) == (0, [])


def an_hour_ago() -> datetime:
    return clock.now() - timedelta(hours=1)


def put(device: Device, name: str, data: bytes) -> Any:
    return device.api.put(f"/v1/attachments/{name}/content", content=data, headers=device.who.headers)


def test_a_small_file_comes_in_one_piece(device: Device) -> None:
    name = device.link(PICTURE)["attachment_id"]

    assert put(device, name, PICTURE).status_code == 204
    assert device.shown(name)["state"] == "stored"
    assert put(device, name, PICTURE).status_code == 204, "safe to repeat"
    other = put(device, name, bytes(len(PICTURE)))
    assert (other.status_code, other.json()["code"]) == (409, "upload-finished")


def test_one_piece_replaces_what_had_come_of_an_upload(device: Device) -> None:
    name = device.link(PICTURE)["attachment_id"]
    device.patch(device.create(name, len(PICTURE)).headers["location"], 0, b"garbage")

    put(device, name, PICTURE)

    assert device.shown(name)["state"] == "stored"


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (PICTURE[:-1], 409, "id-reused"),
        (PICTURE[:-1] + b"!", 460, "checksum-mismatch"),
        (b"", 409, "id-reused"),
        (b"x" * (1024 * 1024 + 1), 413, "too-large"),
    ],
)
def test_one_piece_that_is_not_what_was_announced_is_refused(
    device: Device, data: bytes, status: int, code: str
) -> None:
    name = device.link(PICTURE)["attachment_id"]

    answer = put(device, name, data)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert device.shown(name)["state"] in ("pending", "uploading")
    assert put(device, name, PICTURE).status_code == 204


def test_one_piece_needs_an_announcement(device: Device, db: Session) -> None:
    assert put(device, str(uuid4()), PICTURE).status_code == 404
    assert db.exec(select(Upload)).all() == []
    assert db.exec(select(Attachment)).all() == []


def test_nothing_is_held_while_bytes_come(device: Device, runtime: Runtime, api: CheckedClient) -> None:
    """Every seat could be taken by slow phones otherwise."""
    url = device.create(device.link(LARGE, mime="video/mp4")["attachment_id"], len(LARGE)).headers["location"]
    pieces = [*in_pieces(LARGE, 100_000)]
    free = []

    async def receive() -> dict[str, Any]:
        free.append((runtime.engine.pool.checkedout(), api.app.state.seats._value))  # type: ignore[attr-defined]
        return a_piece(pieces.pop(0), more=bool(pieces[1:]))

    pieces.append(b"")
    assert patch_slowly(device, url, receive) == 204
    assert len(free) == 8
    assert set(free) == {(0, runtime.settings.database_connections)}


def test_who_asks_how_far_it_is_goes_on_and_the_one_before_adds_nothing(
    device: Device, keys_of: Callable[[], list[str]]
) -> None:
    """The bytes on a dead line come late: then they must not move the offset that was told meanwhile."""
    url = device.create(device.link(LARGE, mime="video/mp4")["attachment_id"], len(LARGE)).headers["location"]
    messages = iter([a_piece(LARGE[:300_000]), {"type": "http.disconnect"}])
    told: list[int] = []

    async def receive() -> dict[str, Any]:
        message = next(messages)
        if message["type"] == "http.disconnect":
            told.append(await run_in_threadpool(device.offset, url))
        return message

    assert patch_slowly(device, url, receive) == 409
    assert told == [CHUNK_BYTES]
    assert device.offset(url) == CHUNK_BYTES
    assert len(keys_of()) == 1
    assert device.patch(url, CHUNK_BYTES, LARGE[CHUNK_BYTES:]).status_code == 204
