"""The customer is asked, by a link, whether the work is done. What they say is taken by `commands/confirming.py`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session, col, select

from app.closure.models import ClosureSubmission, ConfirmationAnswer, CustomerConfirmation
from app.domain.closure_policy import Rule
from app.kit.ids import uuid7
from app.kit.runtime import runtime_of
from app.kit.tokens import CONFIRM, derive, fingerprint
from app.messages.commands import send_message

MESSAGE = "customer_confirmation"
HOURS = 48
WAITING = "waiting"


def ask_customer(db: Session, submission: ClosureSubmission, rule: Rule, *, at: datetime) -> None:
    """Ask about this submission, by its `customer_confirm` rule; asked already, nothing happens.

    A question about the same visit that is still open is about the newer submission from now on: one link a visit.
    """
    due_at = at + timedelta(hours=rule.params.get("hours") or HOURS)
    newest = _newest(db, submission)
    if newest is not None and (newest.submission_id == submission.id or newest.answer == ConfirmationAnswer.YES):
        return
    if newest is not None and newest.answer is None:
        newest.submission_id, newest.due_at = submission.id, due_at
        db.add(newest)
        db.flush()
        return
    confirmation_id = uuid7()
    token = derive(CONFIRM, submission.organization_id, runtime_of(db).secret, confirmation_id)
    confirmation = CustomerConfirmation(
        organization_id=submission.organization_id,
        id=confirmation_id,
        work_order_id=submission.work_order_id,
        visit_id=submission.visit_id,
        submission_id=submission.id,
        token_hash=fingerprint(token),
        asked_at=at,
        due_at=due_at,
    )
    db.add(confirmation)
    db.flush()
    send_message(
        db,
        organization_id=submission.organization_id,
        work_order_id=submission.work_order_id,
        visit_id=submission.visit_id,
        kind=MESSAGE,
        subject_id=confirmation_id,
        data={},
        at=at,
    )


def confirmation_of(db: Session, submission: ClosureSubmission) -> dict[str, str] | None:
    """What the customer says to this submission: `{"answer": waiting, yes, no or not_answered}`; None: not asked.

    A yes to an earlier submission of the visit stays a yes.
    """
    newest = _newest(db, submission)
    if newest is None:
        return None
    if newest.submission_id != submission.id and newest.answer != ConfirmationAnswer.YES:
        return None
    return {"answer": newest.answer or WAITING}


def confirmations_of(db: Session, organization_id: UUID, visit_id: UUID) -> Sequence[CustomerConfirmation]:
    """The newest first."""
    query = select(CustomerConfirmation).where(
        CustomerConfirmation.organization_id == organization_id, CustomerConfirmation.visit_id == visit_id
    )
    return db.exec(query.order_by(col(CustomerConfirmation.asked_at).desc(), col(CustomerConfirmation.id).desc())).all()


def _newest(db: Session, submission: ClosureSubmission) -> CustomerConfirmation | None:
    return next(iter(confirmations_of(db, submission.organization_id, submission.visit_id)), None)


def confirmation_by_token(db: Session, organization_id: UUID, token_hash: bytes) -> CustomerConfirmation | None:
    query = select(CustomerConfirmation).where(
        CustomerConfirmation.organization_id == organization_id, CustomerConfirmation.token_hash == token_hash
    )
    return db.exec(query).one_or_none()


def locked(db: Session, organization_id: UUID, confirmation_id: UUID) -> CustomerConfirmation:
    """The row as it is now. Lock the work order first."""
    query = select(CustomerConfirmation).where(
        CustomerConfirmation.organization_id == organization_id, CustomerConfirmation.id == confirmation_id
    )
    return db.exec(query.with_for_update().execution_options(populate_existing=True)).one()


def silent(db: Session, organization_id: UUID, *, at: datetime) -> list[UUID]:
    """Those that nobody has answered in time."""
    query = select(CustomerConfirmation.id).where(
        CustomerConfirmation.organization_id == organization_id,
        col(CustomerConfirmation.answer).is_(None),
        col(CustomerConfirmation.due_at) <= at,
    )
    return list(db.exec(query.order_by(col(CustomerConfirmation.due_at)).limit(200)))
