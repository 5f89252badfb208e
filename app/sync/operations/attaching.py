"""`attachment.add`: a file is announced; its bytes come by another way, when there is a network for them."""

from sqlmodel import Session

from app.attachments.commands import link
from app.attachments.schemas import AttachmentLinkIn
from app.sync.operations.outcome import Outcome, Sent, args_of
from app.visits.commands.assignment import field_ledger
from app.visits.models import Visit


def add(db: Session, sent: Sent) -> Outcome:
    """The job shows it at once; the sender is told where the bytes go, or that they are here already."""
    given = args_of(sent, AttachmentLinkIn)
    field_ledger(db, sent.target, by=sent.me, effective_at=sent.effective_at)
    visit = db.get_one(Visit, (sent.me.organization_id, sent.target))
    made = link(db, sent.me, visit, given, at=sent.at)
    upload = made.upload if isinstance(made.upload, str) else made.upload.model_dump()
    return Outcome(more={"upload": upload})
