"""Operations that nobody could decide: kept with all they say, shown to people, tried again after a repair."""

from typing import Any

from sqlmodel import Session

from app.sync.operations.outcome import Outcome, Sent
from app.visits.commands.issues import tell_both
from app.visits.issue_texts import IssueCode
from app.visits.models import Severity

OFFICE_CHOICES = ("redrive", "discard")


def put_aside(db: Session, sent: Sent, outcome: Outcome) -> Outcome:
    """The technician sees that it was received and is being checked; the office sees what it says."""
    about: dict[str, Any] = {
        "at": sent.at,
        "effective_at": sent.effective_at,
        "op_id": sent.id,
        "technician_id": sent.me.technician_id,
        "params": {"by": sent.me.name, "type": sent.given.type, "why": outcome.code, "target": str(sent.given.target)},
        "report": sent.given.model_dump(mode="json"),
    }
    tell_both(
        db,
        sent.me.organization_id,
        IssueCode.QUARANTINED,
        severity=Severity.HIGH,
        choices=OFFICE_CHOICES,
        **about,
    )
    return outcome
