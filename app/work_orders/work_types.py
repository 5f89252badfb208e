"""Kinds of work and their versions: a version is never changed, a new one is added."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.problems import RuleBroken
from app.work_orders import queries
from app.work_orders.models import WorkType, WorkTypeVersion
from app.work_orders.policy_queries import known_forms
from app.work_orders.schemas import WorkTypeIn, WorkTypeVersionIn
from app.work_orders.well_formed import check_proofs


class WorkTypeKeyTaken(RuleBroken):
    code = "work-type-key-taken"


def create_work_type(db: Session, given: WorkTypeIn, *, by: Caller, at: datetime) -> dict[str, Any]:
    """A new kind of work, at version 1.

    Raises:
        WorkTypeKeyTaken: there is one with this key.
        PolicyNotWellFormed: its checklist or closure policy has mistakes.
    """
    if queries.work_type_by_key(db, by.organization_id, given.key) is not None:
        raise WorkTypeKeyTaken("There is a work type with this key.", key=given.key)
    kind = WorkType(organization_id=by.organization_id, key=given.key, current_version=0)
    db.add(kind)
    db.flush()
    return add_version(db, kind, WorkTypeVersionIn(**given.model_dump(exclude={"key"})), by=by, at=at)


def create_version(
    db: Session, work_type_id: UUID, given: WorkTypeVersionIn, *, by: Caller, at: datetime
) -> dict[str, Any]:
    """A new version, which visits dispatched from now on will have."""
    queries.work_type_of(db, by.organization_id, work_type_id)
    kind = db.get(WorkType, (by.organization_id, work_type_id), with_for_update=True)
    assert kind is not None
    return add_version(db, kind, given, by=by, at=at)


def add_version(db: Session, kind: WorkType, given: WorkTypeVersionIn, *, by: Caller, at: datetime) -> dict[str, Any]:
    kind.current_version += 1
    check_proofs(
        checklists={"checklist": given.checklist},
        policies={"closure_policy": given.closure_policy},
        forms=known_forms(db, by.organization_id, given.closure_policy),
    )
    db.add(
        WorkTypeVersion(
            organization_id=by.organization_id,
            work_type_id=kind.id,
            version=kind.current_version,
            created_at=at,
            **given.model_dump(mode="json"),
        )
    )
    db.flush()
    touch(db, by.organization_id, Kind.CATALOG, by.organization_id)
    return queries.work_type_of(db, by.organization_id, kind.id)
