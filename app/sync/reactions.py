"""What the offline part does when others say that something happened."""

from sqlmodel import Session

from app.attachments.events import AttachmentMissing
from app.sync.redrive import redrive_chosen
from app.visits.commands.issues import TECHNICIANS_CHOICES, raise_issue
from app.visits.events import ChoiceMade
from app.visits.issue_texts import IssueCode
from app.visits.models import Owner, Severity


def redrive_when_chosen(db: Session, event: ChoiceMade) -> None:
    """The dispatcher wants an operation that was put aside to be tried again.

    Raises:
        RedriveRefused: it comes to nothing this time too.
    """
    if (event.code, event.choice) == (IssueCode.QUARANTINED, "redrive") and event.op_id is not None:
        redrive_chosen(db, event.organization_id, event.op_id, by_id=event.by_id, at=event.at)


def tell_of_missing_attachment(db: Session, event: AttachmentMissing) -> None:
    """What was announced two weeks ago has not come: its technician may still have it, the office should know."""
    for owner, choices in ((Owner.TECHNICIAN, TECHNICIANS_CHOICES), (Owner.DISPATCHER, ("ok",))):
        raise_issue(
            db,
            event.organization_id,
            IssueCode.ATTACHMENT_MISSING,
            owner=owner,
            severity=Severity.WARNING,
            choices=choices,
            at=event.at,
            op_id=event.attachment_id,
            technician_id=event.technician_id,
            work_order_id=event.work_order_id,
            visit_id=event.visit_id,
            params={"attachment_id": str(event.attachment_id)},
        )
