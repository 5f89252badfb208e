"""The whole way of an attachment with its bytes in a bucket; and without a bucket that answers."""

from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image

from app.attachments.tasks import prepare_attachment, tidy_organization
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.main import build_runtime, create_app
from tests.attachments.conftest import PDF, Device
from tests.bucket import bucket
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, a_picture
from tests.openapi_check import Contract

__all__ = ["bucket"]


@pytest.fixture
def in_bucket(bucket: str, settings: Settings, dsn: str) -> Iterator[Runtime]:
    made = build_runtime(settings.model_copy(update={"object_store_url": bucket}), dsn)
    yield made
    made.engine.dispose()


@pytest.fixture
def phone(in_bucket: Runtime, ana: Somebody, job: Job) -> Iterator[Device]:
    app = create_app(in_bucket)
    with CheckedClient(app) as client:
        client.contract = Contract(app.openapi())
        yield Device(client, ana, job)


def keys(runtime: Runtime, job: Job) -> list[str]:
    return [one.key for one in runtime.objects.below(str(job.organization_id))]


def test_a_photo_and_a_paper_go_the_whole_way(phone: Device, in_bucket: Runtime) -> None:
    photo = a_picture(size=(900, 600))
    names = [phone.link(photo)["attachment_id"], phone.link(PDF, mime="application/pdf")["attachment_id"]]
    url = phone.create(names[0], len(photo)).headers["location"]
    phone.patch(url, 0, photo[:1000])
    phone.patch(url, phone.offset(url), photo[1000:])
    phone.upload(names[1], PDF)
    for name in names:
        prepare_attachment(in_bucket, organization_id=str(phone.job.organization_id), attachment_id=name)

    small = phone.get(f"/v1/attachments/{names[0]}/content?w=320")
    part = phone.get(f"/v1/attachments/{names[1]}/content", Range="bytes=1-4")

    assert Image.open(BytesIO(small.content)).size == (320, 213)
    assert (part.status_code, part.content) == (206, b"PDF-")
    assert sorted("uploads" in key for key in keys(in_bucket, phone.job)) == [False, False, False]
    tidy_organization(in_bucket, phone.job.organization_id)
    assert len(keys(in_bucket, phone.job)) == 3


def test_a_bucket_that_does_not_answer_is_no_reason_to_lose_anything(
    phone: Device, in_bucket: Runtime, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = a_picture()
    name = phone.link(photo)["attachment_id"]
    url = phone.create(name, len(photo)).headers["location"]
    reachable = in_bucket.objects

    away = build_runtime(settings.model_copy(update={"object_store_url": "s3://no-such-bucket"}), "postgresql://")
    in_bucket.__dict__["objects"] = away.objects
    unavailable = phone.patch(url, 0, photo)
    in_bucket.__dict__["objects"] = reachable

    assert (unavailable.status_code, unavailable.json()["code"]) == (503, "unavailable")
    assert phone.offset(url) == 0
    assert phone.patch(url, 0, photo).status_code == 204
    assert phone.shown(name)["state"] == "stored"
