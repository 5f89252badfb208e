"""`/v1/me/jobs`: what the technician's app fetches."""

import hashlib
from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.identity.access import Db, Me, api_router
from app.kit import clock
from app.kit.problems import NotFound, refuses
from app.kit.versions import UNCHANGED, IfNoneMatch, etag, not_modified
from app.visits import jobs
from app.visits.schemas import JobOut, JobsOut, JobsQuery

router = api_router("/v1/me/jobs", "my jobs")


def tagged(body: bytes, known: str | None) -> Response:
    """The answer with a tag of its own content; 304 when the reader has the same."""
    tag = hashlib.sha256(body).hexdigest()[:20]
    unchanged = not_modified(known, tag)
    return unchanged or Response(body, media_type="application/json", headers={"ETag": etag(tag)})


@router.get("", response_model=JobsOut, responses=UNCHANGED)
def list_my_jobs(wanted: Annotated[JobsQuery, Query()], me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """My jobs in a window of two weeks each way, each with everything that is needed on site."""
    body = jobs.my_jobs(db, me, at=clock.now(), from_=wanted.from_, to=wanted.to, statuses=wanted.status)
    return tagged(body, known)


@router.get("/{visit_id}", response_model=JobOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_my_job(visit_id: UUID, me: Me, db: Db, known: IfNoneMatch = None) -> Response:
    """One of my jobs; its id is the visit's."""
    return tagged(jobs.my_job(db, me, visit_id, at=clock.now()), known)
