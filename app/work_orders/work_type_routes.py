"""`/v1/work-types`: the kinds of work and what each asks for."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from app.identity.access import Db, Me, api_router
from app.kit import clock
from app.kit.problems import NotFound, refuses
from app.work_orders import queries, work_types
from app.work_orders.schemas import WorkTypeIn, WorkTypeOut, WorkTypesOut, WorkTypeVersionIn
from app.work_orders.well_formed import PolicyNotWellFormed
from app.work_orders.work_types import WorkTypeKeyTaken

router = api_router("/v1/work-types", "work types")


@router.get("", response_model=WorkTypesOut)
def list_work_types(me: Me, db: Db) -> dict[str, Any]:
    """Every kind of work, by key."""
    return {"items": queries.work_types(db, me.organization_id)}


@router.post("", response_model=WorkTypeOut, status_code=201, responses=refuses(WorkTypeKeyTaken, PolicyNotWellFormed))
def create_work_type(given: WorkTypeIn, me: Me, db: Db) -> dict[str, Any]:
    """Add a kind of work."""
    return work_types.create_work_type(db, given, by=me, at=clock.now())


@router.get("/{work_type_id}", response_model=WorkTypeOut, responses=refuses(NotFound))
def get_work_type(
    work_type_id: UUID, me: Me, db: Db, version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> dict[str, Any]:
    """A kind of work as its newest version, or the version named, says."""
    return queries.work_type_of(db, me.organization_id, work_type_id, version=version)


@router.post(
    "/{work_type_id}/versions",
    response_model=WorkTypeOut,
    status_code=201,
    responses=refuses(NotFound, PolicyNotWellFormed),
)
def create_work_type_version(work_type_id: UUID, given: WorkTypeVersionIn, me: Me, db: Db) -> dict[str, Any]:
    """Add a version. Visits that were dispatched keep theirs."""
    return work_types.create_version(db, work_type_id, given, by=me, at=clock.now())
