"""Two people edit the same thing: `ETag` says which version was read, `If-Match` says which version an edit means.

@router.get("/{id}", response_model=ThingOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_thing(id: UUID, me: Me, db: Db, seen: IfNoneMatch = None) -> Response:
    thing = queries.thing_for(db, me, id)
    return not_modified(seen, thing.version) or versioned(ThingOut.model_validate(thing), thing.version)

@router.patch("/{id}", response_model=ThingOut, responses=refuses(NotFound, VersionRequired, Stale))
def update_thing(id: UUID, given: ThingChanges, me: Me, db: Db, meant: IfMatch = None) -> Response:
    thing = queries.thing_for(db, me, id, lock=True)
    check_version(meant, thing.version, current=lambda: ThingOut.model_validate(thing))
    ...
"""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import BaseModel

from app.kit.problems import Stale, VersionRequired

Version = int | str
"""A counted version, or the `content_tag` of a document that has none."""

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=200, description='The version meant: `"7"`.')]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=2000, description="The versions known.")]

UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Still the version of `If-None-Match`."}}


def etag(version: Version) -> str:
    """The strong `ETag` of a version."""
    return f'"{version}"'


def content_tag(document: BaseModel) -> str:
    """A version for a document whose row counts none: two documents have the same one when they say the same."""
    return hashlib.sha256(document.model_dump_json().encode()).hexdigest()[:20]


def check_version(if_match: str | None, version: Version, *, current: Callable[[], BaseModel]) -> None:
    """Let an edit pass that means the version there is; the row must be locked by now.

    Args:
        current: makes the document as it is now, for the refusal.

    Raises:
        VersionRequired: the edit names no version (`*` names none).
        Stale: it means another version; the refusal carries the document under `current`, its version in `ETag`.
    """
    if if_match is None or if_match.strip() in ("", "*"):
        raise VersionRequired('Say which version you edit: If-Match: "<version>", as the ETag of a read said it.')
    if etag(version) not in _tags(if_match):
        raise Stale(
            "It was changed since you read it.",
            headers={"ETag": etag(version)},
            current=current().model_dump(mode="json"),
        )


def not_modified(if_none_match: str | None, version: Version) -> Response | None:
    """304 when the reader has this version already, else None."""
    known = [tag.removeprefix("W/") for tag in _tags(if_none_match or "")]
    if etag(version) in known or "*" in known:
        return Response(status_code=304, headers={"ETag": etag(version)})
    return None


def versioned(document: BaseModel, version: Version, *, status_code: int = 200) -> Response:
    """The document as an answer that names its version."""
    return Response(
        document.model_dump_json(),
        status_code=status_code,
        media_type="application/json",
        headers={"ETag": etag(version)},
    )


def _tags(header: str) -> list[str]:
    return [tag.strip() for tag in header.split(",")]
