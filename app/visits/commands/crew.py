"""The rows of `visit_members`: a cache of what the events of a visit say about its crew."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from app.domain.crew import MemberState
from app.kit.database import rows
from app.kit.ids import uuid7


def join(db: Session, organization_id: UUID, visit_id: UUID, technician_id: UUID, *, at: datetime) -> None:
    """Somebody goes along, or comes back after having left."""
    rows(
        db,
        "INSERT INTO visit_members (organization_id, id, visit_id, technician_id, status, joined_at) "
        "VALUES (%(o)s, %(i)s, %(v)s, %(t)s, 'planned', %(at)s) "
        "ON CONFLICT (organization_id, visit_id, technician_id) DO UPDATE "
        "SET left_at = NULL, status = 'planned', joined_at = excluded.joined_at",
        o=organization_id,
        i=uuid7(),
        v=visit_id,
        t=technician_id,
        at=at,
    )


def set_member(db: Session, organization_id: UUID, visit_id: UUID, technician_id: UUID, now: MemberState) -> None:
    """Write down where somebody of the crew stands."""
    rows(
        db,
        "UPDATE visit_members SET status = %(s)s, left_at = %(left)s "
        "WHERE organization_id = %(o)s AND visit_id = %(v)s AND technician_id = %(t)s",
        s=now.status.value,
        left=now.left_at,
        o=organization_id,
        v=visit_id,
        t=technician_id,
    )
