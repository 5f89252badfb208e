"""Operations that were put aside are tried again, after the server was mended or a person said so.

As their sender and at their own time; whoever sent them keeps the answer of then. What is refused even now stays
aside with its issue, so that nothing that somebody did is lost without a person having said so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlmodel import Session, col, select

from app.domain.roles import Role, Scope
from app.domain.time_rule import ClockSource, effective_time
from app.identity.access import Caller
from app.identity.queries import every_organization
from app.kit import clock
from app.kit.database import enter, rows
from app.kit.problems import Refusal, RuleBroken
from app.kit.runtime import Runtime
from app.sync.models import OperationStatus, SentOperation
from app.sync.operations import HANDLERS
from app.sync.operations.outcome import Outcome, Sent, refused
from app.sync.schemas import OperationIn
from app.visits.commands.issues import settle
from app.visits.issue_texts import IssueCode
from app.visits.models import Issue, IssueState

log = structlog.get_logger("firstfix.sync")
S = OperationStatus
DONE = (S.APPLIED, S.NOTED)


class RedriveRefused(RuleBroken):
    """The operation comes to nothing this time too; `outcome` says why, and it stays put aside."""

    code = "redrive-refused"


@dataclass(frozen=True, slots=True)
class Redriven:
    """One operation and what became of it; `status` is quarantined when it stays where it was."""

    op_id: UUID
    type: str
    status: OperationStatus
    code: str | None


#: What a dispatcher discarded is over.
ASIDE = """
SELECT p.id FROM operations p
WHERE p.organization_id = %(o)s AND p.status = 'quarantined' AND p.redriven_at IS NULL
  AND (%(type)s::text IS NULL OR p.type = %(type)s) AND (%(op_id)s::uuid IS NULL OR p.id = %(op_id)s)
  AND (%(revoked)s OR p.code IS DISTINCT FROM 'device_revoked')
  AND NOT EXISTS (SELECT FROM issues i WHERE i.organization_id = p.organization_id AND i.op_id = p.id
                  AND i.code = 'quarantined' AND i.choice = 'discard')
ORDER BY p.received_at, p.seq, p.id
"""


def redrive(
    runtime: Runtime, *, type: str | None = None, op_id: UUID | None = None, revoked: bool = False
) -> Iterator[Redriven]:
    """Try what was put aside again, each in a transaction of its own, in the order in which it came.

    Args:
        revoked: also what came from devices that had been taken out of use.
    """
    for o in every_organization(runtime):
        with runtime.transaction(o) as db:
            found = rows(db, ASIDE, o=o, type=type, op_id=op_id, revoked=revoked)
        for row in found:
            yield _one(runtime, o, row["id"])


def _one(runtime: Runtime, organization_id: UUID, op_id: UUID) -> Redriven:
    with runtime.session() as db:
        operation = _locked(db, organization_id, op_id)
        type_ = operation.type
        try:
            outcome = _try(db, operation, at=clock.now())
            db.commit()
        except Exception as trouble:
            db.rollback()
            log.error("an operation still meets an error of ours", op_id=str(op_id), exc_info=trouble)
            outcome = Outcome(S.QUARANTINED, "internal_error")
        return Redriven(op_id, type_, outcome.status, outcome.code)


def _locked(db: Session, organization_id: UUID, op_id: UUID) -> SentOperation:
    enter(db, organization_id)
    return db.get_one(SentOperation, (organization_id, op_id), with_for_update=True, populate_existing=True)


def redrive_chosen(db: Session, organization_id: UUID, op_id: UUID, *, by_id: UUID, at: datetime) -> None:
    """Try this one again, whatever device it came from.

    Raises:
        RedriveRefused: see there.
    """
    operation = db.get(SentOperation, (organization_id, op_id), with_for_update=True, populate_existing=True)
    if operation is None or operation.redriven_at is not None:
        return
    outcome = _try(db, operation, by_id=by_id, at=at)
    if outcome.status not in DONE:
        raise RedriveRefused("It cannot be worked off even now; discard it or try later.", outcome=outcome.told())


def _try(db: Session, operation: SentOperation, *, by_id: UUID | None = None, at: datetime) -> Outcome:
    """Let it take effect if it can; otherwise everything is as it was, and the outcome says why."""
    if operation.status != S.QUARANTINED or operation.redriven_at is not None:
        return Outcome(S(operation.status), operation.code)
    handle = HANDLERS.get((operation.type, operation.body.get("v", 1)))
    if handle is None:
        return Outcome(S.QUARANTINED, "unknown_type")
    if _waits(db, operation):
        return Outcome(S.QUARANTINED, "dependency_missing")
    sent = sent_as_then(db, operation, at=at)
    undo = db.begin_nested()
    try:
        outcome = handle(db, sent)
    except Refusal as refusal:
        outcome = refused(refusal)
    if outcome.status not in DONE:
        undo.rollback()
        return Outcome(S.QUARANTINED, outcome.code, more=outcome.more)
    undo.commit()
    operation.redriven, operation.redriven_at = outcome.told(), at
    _resolve(db, operation, by_id=by_id, at=at)
    return outcome


STATES = """
SELECT p.id, coalesce(p.redriven ->> 'status', p.status) AS status FROM operations p
WHERE p.organization_id = %(o)s AND p.id = ANY(%(ids)s)
"""


def _waits(db: Session, operation: SentOperation) -> bool:
    """Whether something that it depends on has not taken effect yet."""
    found = rows(db, STATES, o=operation.organization_id, ids=list(operation.depends_on))
    done = {row["id"] for row in found if row["status"] in DONE}
    return not done >= set(operation.depends_on)


PERSON = """
SELECT p.id AS person_id, p.partner_id, p.name, p.roles FROM people p
WHERE p.organization_id = %(o)s AND p.id = %(id)s
"""


def sent_as_then(db: Session, operation: SentOperation, *, at: datetime) -> Sent:
    """The operation as its sender sent it: the technician of then, and at the time that was found out then."""
    who: Mapping[str, Any] = rows(db, PERSON, o=operation.organization_id, id=operation.actor_id)[0]
    me = Caller(
        organization_id=operation.organization_id,
        api_client_id=None,
        session_id=None,
        device_id=operation.device_id,
        technician_id=operation.technician_id,
        scope=Scope.OWN,
        **{**who, "roles": frozenset(Role(role) for role in who["roles"])},
    )
    given = OperationIn.model_validate(operation.body)
    when = operation.effective_at
    millisecond = timedelta(milliseconds=1)
    at = when + (at - when) // millisecond * millisecond
    source, sent_at = ClockSource(operation.clock_source), at
    if source is ClockSource.OFFSET:
        sent_at = at - (when - given.occurred_at)
    read = effective_time(given.occurred_at, sent_at=sent_at, age_ms=None, received_at=at)
    if read != (when, source):
        given = given.model_copy(update={"age_ms": (at - when) // millisecond})
    return Sent(given, me, when, source, at, sent_at)


def _resolve(db: Session, operation: SentOperation, *, by_id: UUID | None, at: datetime) -> None:
    """Nobody has to look at it any more; its issues leave the devices too."""
    opened = db.exec(
        select(Issue)
        .where(
            Issue.organization_id == operation.organization_id,
            Issue.op_id == operation.id,
            Issue.code == IssueCode.QUARANTINED,
            Issue.state == IssueState.OPEN,
        )
        .order_by(col(Issue.id))
        .with_for_update()
    ).all()
    for issue in opened:
        settle(db, issue, "redrive", by_id=by_id, at=at)
