"""The office's half: schedule, reschedule, reassign, dispatch, no-show, cancel, crew."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.crew import MemberState, MemberStatus
from app.domain.ledger import EventType, VisitState
from app.domain.lifecycle import OPEN_VISIT, VISIT_MOVES, VisitAction, WorkOrderAction
from app.domain.roles import Scope
from app.identity.access import Caller
from app.kit.database import rows
from app.kit.events import publish
from app.kit.ids import uuid7
from app.kit.problems import RuleBroken, Unprocessable
from app.kit.references import NoSuchTechnician
from app.visits.commands.crew import join, set_member
from app.visits.events import VisitDispatched
from app.visits.queries import actions_on_visit
from app.visits.schemas import ReassignIn, RescheduleIn, ScheduleIn
from app.work_orders.commands import InvalidTransition, actor_of, check_move, happen
from app.work_orders.ledger import NewEvent, OpenLedger
from app.work_orders.queries import work_type_of
from app.work_orders.terms import pin_terms


class TechnicianNotAvailable(RuleBroken):
    """Skills are missing, or the time overlaps an absence or another visit: `force_reason` plans it all the same."""

    code = "technician-not-available"


class WindowNotWellFormed(Unprocessable):
    """An end that is not after its start."""

    code = "window-not-well-formed"


class NotYetOver(RuleBroken):
    """The window has not passed yet: nobody can have missed it."""

    code = "window-not-over"


def check_visit_move(ledger: OpenLedger, visit_id: UUID, action: VisitAction, by: Caller) -> None:
    """Let an allowed action pass and refuse any other.

    Raises:
        InvalidTransition: with the status now and the caller's `allowed_actions`.
    """
    status = ledger.visits[visit_id].status
    if status not in VISIT_MOVES[action].sources:
        raise InvalidTransition(
            f"A visit that is {status} does not take {action}.",
            status_now=status.value,
            allowed_actions=actions_on_visit(status, by.roles),
        )


def schedule_visit(db: Session, ledger: OpenLedger, given: ScheduleIn, *, by: Caller, at: datetime) -> UUID:
    """Plan a trip: who, when, and the window that the customer is told.

    Raises:
        TechnicianNotAvailable: and no `force_reason` was given.
        InvalidTransition: the work order takes no visits now.
    """
    check_move(ledger, WorkOrderAction.SCHEDULE, by.roles)
    _check_times(given.scheduled_start, given.scheduled_end, given.window_start, given.window_end)
    crew = [member for member in dict.fromkeys(given.crew) if member != given.technician_id]
    for member in crew:
        _check_own(_technician(db, ledger, member), by)
    who = _who(
        db, ledger, given.technician_id, given.scheduled_start, given.scheduled_end, given.force_reason, caller=by
    )
    visit_id = uuid7()
    ledger.visit_rows[visit_id] = {
        "organization_id": ledger.organization_id,
        "work_order_id": ledger.id,
        "number": 1 + max((row["number"] for row in ledger.visit_rows.values()), default=0),
        "territory": ledger.row["territory"],
        "purpose": _purpose(db, ledger),
        "recorded_at": at,
        "version": 0,
    }
    data = {
        **who,
        **given.model_dump(exclude={"crew", "technician_id", "force_reason"}, exclude_none=True, mode="json"),
        "force_reason": given.force_reason,
        "terms_id": pin_terms(db, ledger, partner_id=who["partner_id"], at=at),
    }
    ledger.visits[visit_id] = VisitState(id=visit_id, round=ledger.order.reopen_count)
    _remember_who(db, ledger, who)
    joined = [
        NewEvent(type=EventType.MEMBER_JOINED, at=at, data={"member_id": member}, visit_id=visit_id) for member in crew
    ]
    scheduled = NewEvent(type=EventType.VISIT_SCHEDULED, at=at, data=data, visit_id=visit_id)
    happen(db, ledger, [scheduled, *joined], by=actor_of(by), at=at)
    for member in crew:
        join(db, ledger.organization_id, visit_id, member, at=at)
    return visit_id


def _purpose(db: Session, ledger: OpenLedger) -> str:
    if ledger.row["work_type_id"] is None:
        return "service"
    return str(work_type_of(db, ledger.organization_id, ledger.row["work_type_id"])["purpose"])


def _remember_who(db: Session, ledger: OpenLedger, who: Mapping[str, Any]) -> None:
    """The first technician and team are the work order's own, as a snapshot for ever."""
    if ledger.row["technician_id"] is None:
        rows(
            db,
            "UPDATE work_orders SET technician_id = %(t)s, team_id = %(team)s "
            "WHERE organization_id = %(o)s AND id = %(id)s",
            t=who["technician_id"],
            team=who["team_id"],
            o=ledger.organization_id,
            id=ledger.id,
        )


def reschedule_visit(
    db: Session, ledger: OpenLedger, visit_id: UUID, given: RescheduleIn, *, by: Caller, at: datetime
) -> None:
    """Other times; the first window is kept beside the last one."""
    check_visit_move(ledger, visit_id, VisitAction.RESCHEDULE, by)
    _check_times(given.scheduled_start, given.scheduled_end, given.window_start, given.window_end)
    technician_id = ledger.visits[visit_id].technician_id
    if technician_id is not None:
        _who(
            db,
            ledger,
            technician_id,
            given.scheduled_start,
            given.scheduled_end,
            given.force_reason,
            besides=visit_id,
        )
    data = given.model_dump(exclude_none=True, mode="json")
    moved = NewEvent(type=EventType.VISIT_RESCHEDULED, at=at, data=data, visit_id=visit_id)
    happen(db, ledger, [moved], by=actor_of(by), at=at)


def reassign_visit(
    db: Session, ledger: OpenLedger, visit_id: UUID, given: ReassignIn, *, by: Caller, at: datetime
) -> None:
    """Another technician, who is told when it is dispatched again; somebody of the crew becomes its lead."""
    check_visit_move(ledger, visit_id, VisitAction.REASSIGN, by)
    visit = ledger.visits[visit_id]
    assert visit.scheduled_start is not None
    assert visit.scheduled_end is not None
    who = _who(
        db,
        ledger,
        given.technician_id,
        visit.scheduled_start,
        visit.scheduled_end,
        given.force_reason,
        besides=visit_id,
        caller=by,
    )
    remove_member(db, ledger, visit_id, given.technician_id, by=by, at=at)
    data = {
        **who,
        "reason_code": given.reason_code,
        "before": visit.technician_id,
        "force_reason": given.force_reason,
        "terms_id": pin_terms(db, ledger, partner_id=who["partner_id"], at=at),
    }
    moved = NewEvent(type=EventType.VISIT_REASSIGNED, at=at, data=data, visit_id=visit_id)
    happen(db, ledger, [moved], by=actor_of(by), at=at)


def dispatch_visit(db: Session, ledger: OpenLedger, visit_id: UUID, *, by: Caller, at: datetime) -> None:
    """Tell the technician. From here on the visit keeps its work type, checklist and closure policy."""
    check_visit_move(ledger, visit_id, VisitAction.DISPATCH, by)
    version = ledger.row["work_type_version"]
    if ledger.row["work_type_id"] is not None:
        version = work_type_of(db, ledger.organization_id, ledger.row["work_type_id"])["version"]
    data = {
        "work_type_version": version,
        "readiness": _readiness(db, ledger, visit_id),
        "terms_id": pin_terms(db, ledger, partner_id=ledger.visits[visit_id].partner_id, at=at),
    }
    told = NewEvent(type=EventType.VISIT_DISPATCHED, at=at, data=data, visit_id=visit_id)
    happen(db, ledger, [told], by=actor_of(by), at=at)
    publish(
        db,
        VisitDispatched(organization_id=ledger.organization_id, work_order_id=ledger.id, visit_id=visit_id, at=at),
    )


READINESS = """
SELECT coalesce(t.skills @> v.skills, true) AS skills_valid,
       w.contact_id IS NOT NULL AS contact_known,
       coalesce(s.access_notes <> '', false) AS access_notes,
       coalesce((SELECT bool_and(coalesce(k.level, 0) >= (p ->> 'quantity')::numeric)
                 FROM jsonb_array_elements(v.planned_parts) p
                 LEFT JOIN LATERAL (
                     SELECT sum(m.delta) AS level FROM part_movements m
                     JOIN stock_locations l ON l.organization_id = m.organization_id AND l.id = m.location_id
                     WHERE m.organization_id = w.organization_id AND m.part_number = p ->> 'part_number'
                       AND l.technician_id = t.id) k ON true), true) AS parts_ready
FROM work_orders w
JOIN technicians t ON t.organization_id = w.organization_id AND t.id = %(t)s
LEFT JOIN sites s ON s.organization_id = w.organization_id AND s.id = w.site_id
LEFT JOIN work_types k ON k.organization_id = w.organization_id AND k.id = w.work_type_id
LEFT JOIN work_type_versions v ON v.organization_id = w.organization_id AND v.work_type_id = k.id
     AND v.version = k.current_version
WHERE w.organization_id = %(o)s AND w.id = %(id)s
"""


def _readiness(db: Session, ledger: OpenLedger, visit_id: UUID) -> dict[str, Any]:
    """Whether everything was ready when the technician was told: a snapshot for the readiness KPI."""
    found = rows(db, READINESS, o=ledger.organization_id, id=ledger.id, t=ledger.visits[visit_id].technician_id)
    return found[0] if found else {}


def mark_no_show(db: Session, ledger: OpenLedger, visit_id: UUID, *, by: Caller, at: datetime) -> None:
    """Nobody came within the window; an arrival that is reported later withdraws it.

    Raises:
        NotYetOver: the window, or the planned time, has not passed.
    """
    check_visit_move(ledger, visit_id, VisitAction.NO_SHOW, by)
    visit = ledger.visits[visit_id]
    over = visit.window_end or visit.scheduled_end
    if over is not None and at < over:
        raise NotYetOver("The window has not passed yet.", window_end=over)
    missed = NewEvent(type=EventType.VISIT_NO_SHOW, at=at, visit_id=visit_id)
    happen(db, ledger, [missed], by=actor_of(by), at=at)


def cancel_visit(
    db: Session, ledger: OpenLedger, visit_id: UUID, *, cause: str, reason: str, by: Caller, at: datetime
) -> None:
    """Call the trip off; what was traveled stays in the cost."""
    check_visit_move(ledger, visit_id, VisitAction.CANCEL, by)
    canceled = NewEvent(
        type=EventType.VISIT_CANCELED, at=at, data={"cause": cause, "reason": reason}, visit_id=visit_id
    )
    happen(db, ledger, [canceled], by=actor_of(by), at=at)


def add_member(
    db: Session, ledger: OpenLedger, visit_id: UUID, technician_id: UUID, *, by: Caller, at: datetime
) -> None:
    """Somebody more goes along; adding the lead or a member again changes nothing.

    Raises:
        InvalidTransition: the visit is over.
    """
    _technician(db, ledger, technician_id)
    status = ledger.visits[visit_id].status
    if status not in OPEN_VISIT:
        raise InvalidTransition(
            f"Nobody can go along on a visit that is {status}.",
            status_now=status.value,
            allowed_actions=actions_on_visit(status, by.roles),
        )
    if technician_id in (ledger.visits[visit_id].technician_id, *ledger.visit_rows[visit_id]["members"]):
        return
    data = {"member_id": technician_id}
    happen(
        db,
        ledger,
        [NewEvent(type=EventType.MEMBER_JOINED, at=at, data=data, visit_id=visit_id)],
        by=actor_of(by),
        at=at,
    )
    join(db, ledger.organization_id, visit_id, technician_id, at=at)


def remove_member(
    db: Session, ledger: OpenLedger, visit_id: UUID, technician_id: UUID, *, by: Caller, at: datetime
) -> None:
    """Somebody of the crew goes home; removing nobody changes nothing."""
    if technician_id not in ledger.visit_rows[visit_id]["members"]:
        return
    gone = MemberState(status=MemberStatus.LEFT, left_at=at)
    set_member(db, ledger.organization_id, visit_id, technician_id, gone)
    left = NewEvent(type=EventType.MEMBER_LEFT, at=at, data={"member_id": technician_id}, visit_id=visit_id)
    happen(db, ledger, [left], by=actor_of(by), at=at)


def _check_times(*times: datetime | None) -> None:
    for start, end in (times[:2], times[2:]):
        if (start is None) != (end is None) or (start is not None and end is not None and end <= start):
            raise WindowNotWellFormed("An end must come after its start, and one is not without the other.")


TECHNICIAN = """
SELECT t.id AS technician_id, t.team_id, t.partner_id, t.employment, t.skills
FROM technicians t WHERE t.organization_id = %(o)s AND t.id = %(t)s AND t.active
"""

IN_THE_WAY = """
SELECT 'absence' AS kind, a.starts_at, a.ends_at FROM absences a
WHERE a.organization_id = %(o)s AND a.technician_id = %(t)s AND a.approved
  AND a.starts_at < %(end)s AND a.ends_at > %(start)s
UNION ALL
SELECT 'visit', v.scheduled_start, v.scheduled_end FROM visits v
WHERE v.organization_id = %(o)s AND v.technician_id = %(t)s AND v.id IS DISTINCT FROM %(besides)s
  AND v.status IN ('scheduled', 'dispatched', 'accepted', 'en_route', 'on_site', 'in_progress', 'paused')
  AND v.scheduled_start < %(end)s AND v.scheduled_end > %(start)s
ORDER BY 2
"""


def _technician(db: Session, ledger: OpenLedger, technician_id: UUID) -> dict[str, Any]:
    found = rows(db, TECHNICIAN, o=ledger.organization_id, t=technician_id)
    if not found:
        raise no_such_technician(technician_id)
    return found[0]


def no_such_technician(technician_id: UUID) -> NoSuchTechnician:
    error = {"pointer": "/body/technician_id", "code": NoSuchTechnician.code, "detail": "There is no such technician."}
    return NoSuchTechnician("There is no such technician with this id.", errors=[error], id=str(technician_id))


def technician_snapshot(db: Session, ledger: OpenLedger, technician_id: UUID) -> dict[str, Any]:
    """What a visit keeps of its technician as they are now: team, partner, employment."""
    who = _technician(db, ledger, technician_id)
    return {name: who[name] for name in ("technician_id", "team_id", "partner_id", "employment")}


def _check_own(who: Mapping[str, Any], caller: Caller) -> None:
    """
    Raises:
        NoSuchTechnician: a partner plans for its own people only.
    """
    if caller.scope is not Scope.ALL and who["partner_id"] != caller.partner_id:
        raise no_such_technician(who["technician_id"])


def _who(
    db: Session,
    ledger: OpenLedger,
    technician_id: UUID,
    start: datetime,
    end: datetime,
    force_reason: str | None,
    *,
    besides: UUID | None = None,
    caller: Caller | None = None,
) -> dict[str, Any]:
    """The technician with the snapshot that the visit keeps, when they can go.

    Raises:
        NoSuchTechnician: nobody here, or not one of the calling partner's own.
        TechnicianNotAvailable: and no reason to force it was given.
    """
    who = _technician(db, ledger, technician_id)
    if caller is not None:
        _check_own(who, caller)
    skills = set(who.pop("skills"))
    needed: set[str] = set()
    if ledger.row["work_type_id"] is not None:
        needed = set(work_type_of(db, ledger.organization_id, ledger.row["work_type_id"])["skills"])
    busy = rows(db, IN_THE_WAY, o=ledger.organization_id, t=technician_id, start=start, end=end, besides=besides)
    if (needed - skills or busy) and force_reason is None:
        raise TechnicianNotAvailable(
            "The technician lacks a skill or is not free then: say force_reason to plan it all the same.",
            missing_skills=sorted(needed - skills),
            in_the_way=busy,
        )
    return who
