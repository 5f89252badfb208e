"""`/v1/part-requests`: what the field needs, and how far the store has come with it."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.identity.access import Db, Me, api_router
from app.kit import clock
from app.kit.paging import CursorUnreadable
from app.kit.problems import NotFound, Stale, VersionRequired, refuses
from app.kit.schemas import Page
from app.kit.versions import IfMatch, check_version, versioned
from app.parts import field_commands, queries
from app.parts.schemas import PartRequestOut, PartRequestPatch

router = api_router("/v1/part-requests", "parts")


@router.get("", response_model=Page[PartRequestOut], responses=refuses(CursorUnreadable))
def list_part_requests(wanted: Annotated[queries.RequestQuery, Query()], me: Me, db: Db) -> dict[str, object]:
    """Parts that the field asked for, the newest first."""
    items, next_cursor = queries.requests(db, me, wanted)
    return {"items": items, "next_cursor": next_cursor}


@router.patch("/{request_id}", response_model=PartRequestOut, responses=refuses(NotFound, Stale, VersionRequired))
def update_part_request(
    request_id: UUID, given: PartRequestPatch, me: Me, db: Db, if_match: IfMatch = None
) -> Response:
    """Say how far the store has come."""
    request = queries.request_for(db, me, request_id)
    check_version(if_match, request.version, current=lambda: PartRequestOut.model_validate(request))
    field_commands.update_part_request(request, given, by=me, at=clock.now())
    db.flush()
    return versioned(PartRequestOut.model_validate(request), request.version)
