"""One scenario of the sandbox under way: who plays along, and what with."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.lifecycle import VISIT_MOVES, VisitAction
from app.domain.roles import Role, Scope
from app.identity.access import Caller
from app.kit.database import rows
from app.kit.problems import RuleBroken
from app.visits.commands.planning import dispatch_visit, schedule_visit
from app.visits.schemas import ScheduleIn
from app.work_orders.commands import approve, create_work_order
from app.work_orders.ledger import open_ledger
from app.work_orders.schemas import WorkOrderIn

HOUR = timedelta(hours=1)


class NothingToPlay(RuleBroken):
    """The caller has nothing left that this scenario needs: reset the sandbox."""

    code = "nothing-to-play-with"


@dataclass(slots=True)
class Play:
    """One scenario under way: what was done, with which ids, and what the app should end up with."""

    db: Session
    me: Caller
    at: datetime
    visit_id: UUID | None = None
    did: list[str] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    expect: str = ""

    @property
    def organization_id(self) -> UUID:
        return self.me.organization_id

    @property
    def technician_id(self) -> UUID:
        assert self.me.technician_id is not None, "the policy lets technicians in only"
        return self.me.technician_id

    def named(self, **ids: Any) -> None:
        self.ids |= {name: str(value) for name, value in ids.items()}


PERSON = """
SELECT p.id AS person_id, p.technician_id, p.partner_id, p.name, p.roles FROM people p
WHERE p.organization_id = %(o)s AND p.active AND %(role)s = ANY(p.roles) AND p.technician_id IS DISTINCT FROM %(not)s
ORDER BY p.name, p.id LIMIT 1
"""


def somebody(play: Play, role: Role) -> Caller:
    """Somebody else of the organization with this role, as a caller.

    Raises:
        NothingToPlay: there is nobody.
    """
    found = rows(play.db, PERSON, o=play.organization_id, role=role.value, **{"not": play.me.technician_id})
    if not found:
        raise NothingToPlay(f"The organization has no other {role.value}.")
    who = found[0] | {"roles": frozenset(Role(one) for one in found[0]["roles"])}
    return Caller(
        organization_id=play.organization_id,
        api_client_id=None,
        session_id=None,
        device_id=None,
        scope=Scope.ALL if role is Role.DISPATCHER else Scope.OWN,
        **who,
    )


VISIT = """
SELECT v.id, v.work_order_id, w.number FROM visits v
JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
LEFT JOIN work_type_versions t ON t.organization_id = v.organization_id AND t.work_type_id = w.work_type_id
     AND t.version = coalesce(v.work_type_version, w.work_type_version)
LEFT JOIN closure_terms ct ON ct.organization_id = v.organization_id AND ct.id = v.terms_id
WHERE v.organization_id = %(o)s AND v.technician_id = %(t)s AND v.status = ANY(%(statuses)s)
      AND (%(id)s::uuid IS NULL OR v.id = %(id)s)
      AND (NOT %(free)s OR coalesce(ct.policy, t.closure_policy) - 'id' - 'version' = '{}')
ORDER BY v.scheduled_start, v.id LIMIT 1
"""


def visit_to_play(play: Play, action: VisitAction, *, without_rules: bool = False) -> UUID:
    """The caller's next job, or the one that was asked for, to which the office may still do this; its work order.

    Raises:
        NothingToPlay: there is none.
    """
    found = rows(
        play.db,
        VISIT,
        o=play.organization_id,
        t=play.technician_id,
        statuses=[status.value for status in VISIT_MOVES[action].sources],
        id=play.visit_id,
        free=without_rules,
    )
    if not found:
        raise NothingToPlay("You have no job that this can happen to.")
    play.visit_id = found[0]["id"]
    play.named(visit_id=play.visit_id, work_order_id=found[0]["work_order_id"], number=found[0]["number"])
    work_order_id: UUID = found[0]["work_order_id"]
    return work_order_id


def send_to_job(
    db: Session,
    order: WorkOrderIn,
    technician_id: UUID,
    *,
    by: Caller,
    asked_at: datetime,
    start: datetime,
    crew: tuple[UUID, ...] = (),
    dispatched: bool = True,
) -> UUID:
    """A new work order, approved and planned for this technician; its visit."""
    made = create_work_order(db, order, by=by, at=asked_at)
    ledger = open_ledger(db, by.organization_id, made.id)
    approve(db, ledger, by=by, at=asked_at)
    times = ScheduleIn(
        technician_id=technician_id,
        scheduled_start=start,
        scheduled_end=start + HOUR,
        crew=list(crew),
        force_reason="sandbox",
    )
    visit_id = schedule_visit(db, ledger, times, by=by, at=asked_at)
    if dispatched:
        dispatch_visit(db, ledger, visit_id, by=by, at=asked_at)
    return visit_id
