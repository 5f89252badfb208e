"""What devices send: each operation is claimed, judged and answered once, for ever.

Operations of one request share a transaction as long as nothing unforeseen happens in it; then they are split until
the one that fails stands alone, is counted, and in the end is put aside with an issue. None holds up another.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy as sa
import structlog
from sqlmodel import Session

from app.domain.time_rule import effective_time
from app.identity.access import Caller
from app.kit.database import enter
from app.kit.problems import Refusal
from app.kit.repeats import fingerprint_of
from app.sync.chaos import trip
from app.sync.ledger import Known, claim, dependencies_of, settle
from app.sync.models import OperationStatus
from app.sync.operations import HANDLERS, TOGETHER
from app.sync.operations.completion import shown
from app.sync.operations.outcome import Handler, Outcome, Sent, refused
from app.sync.quarantine import put_aside
from app.sync.schemas import OperationIn
from app.work_orders.ledger import hold_ledgers, let_go

log = structlog.get_logger("firstfix.sync")
S = OperationStatus
#: One request works so long; what is left is sent again.
BUDGET_SECONDS = 10.0
#: So often may an operation meet an error of ours before it is put aside.
ATTEMPTS, TROUBLE = 5, "internal_error"
#: A dependency that never comes: both must have passed.
WAITED_ATTEMPTS, WAITED = 10, timedelta(hours=24)
AGAIN_SECONDS = 60
#: What is said to have happened so long ago has a wrong time, or comes from another age: people look at it.
TOO_OLD = timedelta(days=730)
#: Two transactions were in each other's way: nobody's fault, it is tried again.
IN_THE_WAY = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure, psycopg.errors.LockNotAvailable)


class SomeRefused(Exception):
    """One was refused after it may have written something: all is undone and done again with care."""


class Way:
    """How the operations of one transaction are handled; `end` comes before their results are written down."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def __enter__(self) -> "Way":
        return self

    def __exit__(self, *_: object) -> None:
        let_go(self.db, store=False)

    def handle(self, handle: Handler, sent: Sent) -> Outcome:
        raise NotImplementedError

    def end(self) -> None:
        """Nothing is left to be stored."""


class Swift(Way):
    """For the common case that none is refused: what many report about one work order is read and stored once."""

    def __init__(self, db: Session) -> None:
        super().__init__(db)
        hold_ledgers(db)

    def handle(self, handle: Handler, sent: Sent) -> Outcome:
        try:
            if sent.given.type in TOGETHER:
                return handle(self.db, sent)
            let_go(self.db)
            outcome = handle(self.db, sent)
            hold_ledgers(self.db)
            return outcome
        except Refusal:
            raise SomeRefused from None

    def end(self) -> None:
        let_go(self.db)


class Careful(Way):
    """Each in a savepoint of its own: what is refused leaves nothing behind but its answer."""

    def handle(self, handle: Handler, sent: Sent) -> Outcome:
        try:
            with self.db.begin_nested():
                return handle(self.db, sent)
        except Refusal as refusal:
            return refused(refusal)


@dataclass(slots=True)
class Push:
    """One request's operations, by whom, and what became of them: op_id → result."""

    me: Caller
    sent_at: datetime
    at: datetime
    revoked: bool = False
    results: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @property
    def out_of_time(self) -> bool:
        return time.monotonic() - self.began > BUDGET_SECONDS


def push(db: Session, pushed: Push, operations: Sequence[OperationIn]) -> list[dict[str, Any]]:
    """Work off the operations; the results in the order in which they came. Commits as it goes."""
    db.rollback()
    first: dict[UUID, OperationIn] = {}
    for one in operations:
        first.setdefault(one.op_id, one)
    _attempt(db, pushed, sorted(first.values(), key=lambda one: (one.seq, one.op_id)))
    reused = Outcome(S.REJECTED, "op_id_reused").told()
    return [
        {"op_id": str(one.op_id), **(pushed.results[one.op_id] if one == first[one.op_id] else reused)}
        for one in operations
    ]


def _attempt(db: Session, pushed: Push, operations: Sequence[OperationIn]) -> None:
    """All in one transaction; when something unforeseen happens, each half in one of its own."""
    if not operations:
        return
    if pushed.out_of_time:
        for one in operations:
            pushed.results[one.op_id] = Outcome(S.DEFERRED, "time_budget", more={"retry_after_s": 5}).told()
        return
    try:
        try:
            _in_one(db, pushed, operations, Swift(db))
        except SomeRefused:
            db.rollback()
            _in_one(db, pushed, operations, Careful(db))
    except (sa.exc.OperationalError, psycopg.OperationalError) as trouble:
        _is_lost(db, trouble)
        _apart(db, pushed, operations, trouble)
    except Exception as trouble:
        db.rollback()
        _apart(db, pushed, operations, trouble)


def _in_one(db: Session, pushed: Push, operations: Sequence[OperationIn], way: "Way") -> None:
    enter(db, pushed.me.organization_id)
    with way:
        done = _work(db, pushed, operations, way)
    db.commit()
    pushed.results.update(done)


def _is_lost(db: Session, trouble: Exception) -> None:
    """A database that is away is no fault of an operation: the device sends it again."""
    cause = trouble.orig if isinstance(trouble, sa.exc.DBAPIError) else trouble
    if not isinstance(cause, IN_THE_WAY):
        raise trouble
    db.rollback()


def _apart(db: Session, pushed: Push, operations: Sequence[OperationIn], trouble: Exception) -> None:
    if len(operations) > 1:
        half = len(operations) // 2
        _attempt(db, pushed, operations[:half])
        _attempt(db, pushed, operations[half:])
        return
    poison = operations[0]
    log.error("an operation met an error of ours", op_id=str(poison.op_id), type=poison.type, exc_info=trouble)
    enter(db, pushed.me.organization_id)
    pushed.results[poison.op_id] = _count_trouble(db, pushed, poison, trouble)
    db.commit()


def _count_trouble(db: Session, pushed: Push, poison: OperationIn, trouble: Exception) -> dict[str, Any]:
    """In a transaction of its own: one more attempt that failed; after five in a row the operation is put aside."""
    sent = _sent(pushed, poison)
    known = claim(db, [sent])[poison.op_id]
    if (answer := _known_answer(known, sent)) is not None:
        return answer
    name = type(trouble).__name__
    failed = known.attempts if known.code == TROUBLE else 0
    if failed + 1 < ATTEMPTS:
        outcome = Outcome(S.DEFERRED, TROUBLE, more={"retry_after_s": AGAIN_SECONDS})
    else:
        outcome = Outcome(S.QUARANTINED, TROUBLE)
        put_aside(db, sent, outcome)
    return settle(db, [(sent, known, outcome)], trouble=name)[poison.op_id]


def _work(db: Session, pushed: Push, operations: Sequence[OperationIn], way: "Way") -> dict[UUID, dict[str, Any]]:
    """Claim them all, judge them one by one, write down how each ended."""
    sent = [_sent(pushed, one) for one in operations]
    known = claim(db, sent)
    needed = dependencies_of(db, pushed.me, sent)
    answers: dict[UUID, dict[str, Any]] = {}
    ended: list[tuple[Sent, Known, Outcome]] = []
    latest: datetime | None = None
    for one in sent:
        before = known[one.id]
        if (answer := _known_answer(before, one)) is not None:
            answers[one.id] = answer
            continue
        outcome = _judge(db, pushed, one, before, needed, way)
        if latest is not None and one.given.occurred_at < latest:
            outcome.more["clock_suspect"] = True
        latest = max(latest or one.given.occurred_at, one.given.occurred_at)
        needed[one.id] = outcome.status
        ended.append((one, before, outcome))
    way.end()
    return answers | settle(db, ended)


def _sent(pushed: Push, given: OperationIn) -> Sent:
    effective_at, source = effective_time(
        given.occurred_at, sent_at=pushed.sent_at, age_ms=given.age_ms, received_at=pushed.at
    )
    return Sent(given, pushed.me, effective_at, source, pushed.at, pushed.sent_at)


def _known_answer(known: Known, sent: Sent) -> dict[str, Any] | None:
    """The answer that it got before, in the same words; None when it is new or has none yet."""
    if known.is_new:
        return None
    if known.body_hash != fingerprint_of(sent.given) or known.actor_id != sent.me.id:
        return Outcome(S.REJECTED, "op_id_reused").told()
    if known.status is S.DEFERRED:
        return None
    if known.result is None:
        return {"status": known.status.value, "result_expired": True, "replayed": True}
    return {**known.result, "replayed": True}


def _judge(
    db: Session, pushed: Push, sent: Sent, known: Known, needed: dict[UUID, OperationStatus | None], way: "Way"
) -> Outcome:
    if pushed.revoked:
        return put_aside(db, sent, Outcome(S.QUARANTINED, "device_revoked"))
    outcome = _wait_for_others(db, sent, known, needed)
    if outcome is not None:
        return shown(db, sent, outcome)
    if sent.at - sent.effective_at > TOO_OLD:
        return put_aside(db, sent, Outcome(S.QUARANTINED, "too_old"))
    handle = HANDLERS.get((sent.given.type, sent.given.v))
    if handle is None:
        return put_aside(db, sent, Outcome(S.QUARANTINED, "unknown_type"))
    db.flush()
    db.expire_all()
    trip(sent.given.type)
    return way.handle(handle, sent)


def _wait_for_others(
    db: Session, sent: Sent, known: Known, needed: dict[UUID, OperationStatus | None]
) -> Outcome | None:
    """Only what an operation names must come before it: unknown or unfinished waits, what failed takes it along."""
    states = [needed.get(one) for one in sent.given.depends_on]
    if any(state in (S.REJECTED, S.QUARANTINED) for state in states):
        return Outcome(S.REJECTED, "dependency_rejected")
    if all(state in (S.APPLIED, S.NOTED) for state in states):
        return None
    if known.attempts + 1 >= WAITED_ATTEMPTS and known.received_at is not None and sent.at - known.received_at > WAITED:
        return put_aside(db, sent, Outcome(S.QUARANTINED, "dependency_missing"))
    return Outcome(S.DEFERRED, "dependency_missing", more={"retry_after_s": AGAIN_SECONDS})
