"""Notes from the field, and what the dispatcher decides about reports that came too late."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from app.domain.ledger import EventType
from app.identity.access import Caller
from app.kit.ids import uuid7
from app.kit.problems import NotFound, RuleBroken
from app.visits.commands.reporting import attach_report
from app.visits.commands.reports import ledger_of_visit, read_report
from app.visits.models import Orphan
from app.visits.schemas import NoteIn, OrphanDecisionIn, StatusUpdateIn
from app.work_orders.commands import IdReused, actor_of
from app.work_orders.ledger import NewEvent, record
from app.work_orders.models import Note


class OrphanDecided(RuleBroken):
    """Somebody decided about this report before."""

    code = "orphan-decided"


def add_note(db: Session, visit_id: UUID, given: NoteIn, *, by: Caller, at: datetime) -> tuple[Note, bool]:
    """Write something down about a visit, also one that was mine before; the same note again is the same note.

    Returns:
        the note, and whether it was there already.

    Raises:
        IdReused: the id came earlier with another text, or from somebody else.
    """
    ledger = ledger_of_visit(db, by, visit_id)
    report = read_report(given, visit_id, by=by, at=at, not_before=ledger.order.requested_at)
    added = insert(Note).values(
        organization_id=by.organization_id,
        id=given.id,
        work_order_id=ledger.id,
        visit_id=visit_id,
        author_id=by.id,
        author_name=by.name,
        text=given.text,
        internal=given.internal and by.is_office,
        effective_at=report.effective_at,
        recorded_at=at,
    )
    made = added.on_conflict_do_nothing().returning(col(Note.id))
    is_new = db.connection().execute(made).first() is not None
    note = db.get_one(Note, (by.organization_id, given.id))
    if not is_new and (note.visit_id, note.text, note.author_id) != (visit_id, given.text, by.id):
        raise IdReused("This id belongs to another note.", id=str(given.id))
    return note, not is_new


def decide_orphan(db: Session, orphan_id: UUID, given: OrphanDecisionIn, *, by: Caller, at: datetime) -> Orphan:
    """Let a late report take effect on another visit of its work order, or let it go with a reason.

    Raises:
        NotFound: there is no such report, or no such visit of its work order.
        OrphanDecided: it was decided before.
        InvalidTransition: that visit does not take it.
    """
    orphan = db.get(Orphan, (by.organization_id, orphan_id), with_for_update=True)
    if orphan is None:
        raise NotFound("There is no such report.", orphan_id=str(orphan_id))
    if orphan.state != "open":
        raise OrphanDecided("This report has been decided.", choice=orphan.choice)
    visit_id = given.visit_id or orphan.visit_id
    ledger = ledger_of_visit(db, by, visit_id)
    if ledger.id != orphan.work_order_id:
        raise NotFound("That visit belongs to another work order.", visit_id=str(visit_id))
    orphan.state, orphan.choice, orphan.reason = "decided", given.choice, given.reason
    orphan.decided_by, orphan.decided_at = by.id, at
    if given.choice == "attach":
        told = StatusUpdateIn(**{**orphan.body, "id": uuid7()})
        attach_report(db, ledger, visit_id, told, effective_at=orphan.effective_at, by=by, at=at)
    data = {"choice": given.choice, "reason": given.reason, "report": orphan.body, "orphan_id": str(orphan.id)}
    decided = NewEvent(type=EventType.NOTE_ADDED, at=at, data=data, visit_id=visit_id)
    record(db, ledger, [decided], by=actor_of(by), at=at)
    return orphan
