"""What the customer says to the question whether the work is done, or that they say nothing."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from app.closure import confirmations, queries
from app.closure.commands.judging import rejudge
from app.closure.models import ClosureSubmission, ConfirmationAnswer, CustomerConfirmation
from app.domain.closure import VerdictKind
from app.domain.ledger import EventType
from app.kit.changes import Kind, touch
from app.kit.problems import RuleBroken
from app.work_orders.ledger import SYSTEM, NewEvent, OpenLedger, open_ledger, record

#: As long as a submission is one of these, nobody has decided about it.
UNDECIDED = frozenset({VerdictKind.AWAITING_EVIDENCE, VerdictKind.PENDING_REVIEW})
#: How the customer was heard: by the link. What technicians report of them has methods of its own.
BY_LINK = "link"


class ConfirmationClosed(RuleBroken):
    """Answered already, or decided without an answer."""

    code = "confirmation-closed"


def is_open(db: Session, confirmation: CustomerConfirmation) -> bool:
    """Whether an answer still counts: none was given, and nobody has decided about the work."""
    if confirmation.answer in (ConfirmationAnswer.YES, ConfirmationAnswer.NO):
        return False
    submission = db.get_one(ClosureSubmission, (confirmation.organization_id, confirmation.submission_id))
    return submission.verdict in UNDECIDED and submission.reviewed_at is None


def take_answer(
    db: Session, organization_id: UUID, confirmation_id: UUID, answer: ConfirmationAnswer, *, comment: str, at: datetime
) -> None:
    """Write the customer's answer down and judge the closure again. An answer closes or reopens nothing by itself.

    Raises:
        ConfirmationClosed: the first answer counts, and the supervisor's decision ends the question.
    """
    ledger, confirmation = _locked(db, organization_id, confirmation_id)
    if not is_open(db, confirmation):
        raise ConfirmationClosed("This question is answered.")
    confirmation.answer, confirmation.answered_at = answer, at
    confirmation.comment = comment or None
    _let_follow(db, ledger, confirmation, at=at)


def note_silence(db: Session, organization_id: UUID, confirmation_id: UUID, *, at: datetime) -> None:
    """Nobody answered in time: that is no yes. A late answer still counts until a supervisor has decided."""
    ledger, confirmation = _locked(db, organization_id, confirmation_id)
    if confirmation.answer is not None or confirmation.due_at > at:
        return
    confirmation.answer = ConfirmationAnswer.NOT_ANSWERED
    _let_follow(db, ledger, confirmation, at=at)


def _locked(db: Session, organization_id: UUID, confirmation_id: UUID) -> tuple[OpenLedger, CustomerConfirmation]:
    known = db.get_one(CustomerConfirmation, (organization_id, confirmation_id))
    ledger = open_ledger(db, organization_id, known.work_order_id)
    return ledger, confirmations.locked(db, organization_id, confirmation_id)


def _let_follow(db: Session, ledger: OpenLedger, confirmation: CustomerConfirmation, *, at: datetime) -> None:
    assert confirmation.answer is not None
    db.add(confirmation)
    db.flush()
    data = {
        "method": BY_LINK,
        "answer": ConfirmationAnswer(confirmation.answer).value,
        "confirmation_id": confirmation.id,
        "submission_id": confirmation.submission_id,
    }
    said = NewEvent(type=EventType.CLOSURE_CONFIRMED, at=at, data=data, visit_id=confirmation.visit_id)
    record(db, ledger, [said], by=SYSTEM, at=at)
    touch(db, confirmation.organization_id, Kind.WORK_ORDER, confirmation.work_order_id)
    submission = queries.standing_submission(db, confirmation.organization_id, confirmation.visit_id)
    if submission is not None and submission.verdict in UNDECIDED:
        rejudge(db, ledger, submission, at=at)
