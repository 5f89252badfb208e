"""Notes from the field."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.database import rows
from app.visits.commands.reports import ledger_of_visit, read_report
from app.visits.schemas import NoteIn
from app.work_orders.commands import IdReused
from app.work_orders.models import Note

ADD = """
INSERT INTO notes (organization_id, id, work_order_id, visit_id, author_id, author_name, text, internal, effective_at,
                   recorded_at)
VALUES (%(organization_id)s, %(id)s, %(work_order_id)s, %(visit_id)s, %(author_id)s, %(author_name)s, %(text)s,
        %(internal)s, %(effective_at)s, %(recorded_at)s)
ON CONFLICT DO NOTHING RETURNING id
"""


def add_note(
    db: Session, visit_id: UUID, given: NoteIn, *, by: Caller, at: datetime, effective_at: datetime | None = None
) -> tuple[Note, bool]:
    """Write something down about a visit, also one that was mine before; the same note again is the same note.

    Args:
        effective_at: when it was written, where that has been found out before.

    Returns:
        the note, and whether it was there already.

    Raises:
        IdReused: the id came earlier with another text, or from somebody else.
    """
    ledger = ledger_of_visit(db, by, visit_id)
    report = read_report(given, visit_id, by=by, at=at, not_before=ledger.order.requested_at)
    values: dict[str, Any] = {
        "organization_id": by.organization_id,
        "id": given.id,
        "work_order_id": ledger.id,
        "visit_id": visit_id,
        "author_id": by.id,
        "author_name": by.name,
        "text": given.text,
        "internal": given.internal and by.is_office,
        "effective_at": effective_at or report.effective_at,
        "recorded_at": at,
    }
    touch(db, by.organization_id, Kind.WORK_ORDER, ledger.id)
    if rows(db, ADD, **values):
        return Note(**values), False
    note = db.get_one(Note, (by.organization_id, given.id))
    if (note.visit_id, note.text, note.author_id) != (visit_id, given.text, by.id):
        raise IdReused("This id belongs to another note.", id=str(given.id))
    return note, True
