"""The same jobs as in the tests of closure, and short ways to send a file."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from app.attachments.models import Attachment
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from tests.closure.conftest import job, new_job, statements
from tests.conftest import CheckedClient, Somebody
from tests.field import Job

__all__ = ["job", "new_job", "statements"]

PDF = b"%PDF-1.7\n" + b"1 0 obj << >> endobj\n" * 40


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def in_base64(data: bytes | str) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def a_link(data: bytes, *, mime: str = "image/jpeg", role: str = "after", **more: Any) -> dict[str, Any]:
    """What a device announces before it sends `data`."""
    said = {"role": role, "sha256": sha256(data), "bytes": len(data), "mime": mime}
    return {"attachment_id": str(uuid7()), **said, **more}


@dataclass
class Device:
    """Ana's phone (or somebody's): what it sends, in the protocol's words."""

    api: CheckedClient
    who: Somebody
    job: Job

    def link(self, data: bytes, *, status: int = 201, visit_id: UUID | None = None, **more: Any) -> dict[str, Any]:
        return self.announce(a_link(data, **more), status=status, visit_id=visit_id)

    def announce(self, said: dict[str, Any], *, status: int = 201, visit_id: UUID | None = None) -> dict[str, Any]:
        path = f"/v1/visits/{visit_id or self.job.visit_id}/attachments"
        answer = self.api.post(path, json=said, headers=self.who.headers)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def tus(self, method: str, path: str, content: bytes | None = None, **headers: str) -> Any:
        """A request of tus; header names with `_` for `-`."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        more: dict[str, Any] = {} if content is None else {"content": content}
        if method == "PATCH":
            said = {"Content-Type": "application/offset+octet-stream", **said}
        return self.api.request(method, path, headers={**self.who.headers, "Tus-Resumable": "1.0.0", **said}, **more)

    def create(self, attachment_id: str, length: int, **metadata: str) -> Any:
        pairs = {"attachment_id": attachment_id, **metadata}
        said = ",".join(f"{name} {in_base64(value)}" for name, value in pairs.items())
        return self.tus("POST", "/v1/uploads", Upload_Length=str(length), Upload_Metadata=said)

    def patch(self, url: str, offset: int, data: bytes, **headers: str) -> Any:
        return self.tus("PATCH", url, data, Upload_Offset=str(offset), **headers)

    def offset(self, url: str) -> int:
        answer = self.tus("HEAD", url)
        assert answer.status_code == 200, answer.headers
        return int(answer.headers["upload-offset"])

    def upload(self, attachment_id: str, data: bytes) -> str:
        """Send all of it in one go; the upload's address."""
        made = self.create(attachment_id, len(data))
        assert made.status_code == 201, made.text
        sent = self.patch(made.headers["location"], 0, data)
        assert sent.status_code == 204, sent.text
        return str(made.headers["location"])

    def get(self, path: str, **headers: str) -> Any:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.api.get(path, headers={**self.who.headers, **said})

    def shown(self, attachment_id: str) -> dict[str, Any]:
        answer = self.get(f"/v1/attachments/{attachment_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def device(api: CheckedClient, ana: Somebody, job: Job) -> Device:
    return Device(api, ana, job)


@pytest.fixture
def bens(api: CheckedClient, ben: Somebody, job: Job) -> Device:
    return Device(api, ben, job)


@pytest.fixture
def keys_of(runtime: Runtime, job: Job) -> Callable[[], list[str]]:
    """The keys of all objects of the organization."""
    return lambda: sorted(one.key for one in runtime.objects.below(str(job.organization_id)))


@pytest.fixture
def change(runtime: Runtime, job: Job) -> Callable[..., None]:
    """Puts columns of an attachment's row to other values, as time would."""

    def write(attachment_id: str, **values: datetime | str | None) -> None:
        with runtime.transaction(job.organization_id) as db:
            row = db.get_one(Attachment, (job.organization_id, UUID(attachment_id)))
            for name, value in values.items():
                setattr(row, name, value)

    return write
