"""What the offline part does when others say that something happened."""

from sqlmodel import Session

from app.sync.redrive import redrive_chosen
from app.visits.events import ChoiceMade
from app.visits.issue_texts import IssueCode


def redrive_when_chosen(db: Session, event: ChoiceMade) -> None:
    """The dispatcher wants an operation that was put aside to be tried again.

    Raises:
        RedriveRefused: it comes to nothing this time too.
    """
    if (event.code, event.choice) == (IssueCode.QUARANTINED, "redrive") and event.op_id is not None:
        redrive_chosen(db, event.organization_id, event.op_id, by_id=event.by_id, at=event.at)
