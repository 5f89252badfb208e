"""How a message leaves the house: once, whatever the provider does. The one way, for every kind of outgoing row.

The row is the truth and a task only nudges. A send claims the row in one short transaction, talks to the provider with
none open, and writes the outcome in another. Whoever dies in between leaves the row `sending`; the sweep then asks an
idempotent provider again with the same key, and lets a person look (`uncertain`) at any other.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, select

from app.kit import clock
from app.kit.database import Table, rows, time_field
from app.kit.messages import Channel, Message, Outcome, Refused, Sender, Sent, TryLater, Uncertain
from app.kit.queue import enqueue
from app.kit.runtime import Runtime, runtime_of

#: No provider may take longer than this (each sender's own time-outs end well before).
ABANDONED_AFTER = timedelta(seconds=40)
#: What is due and was nudged is nudged again after this long: the task may have been lost.
NUDGE_AGAIN_AFTER = timedelta(minutes=1)
SWEEP_MOST = 200


class Outgoing(StrEnum):
    """The states that sending knows; a feature may have more, which sending leaves alone."""

    DUE = "due"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


class OutgoingRow(Table):
    """What each row that is sent has. `claimed_at`: when it was last nudged (due) or handed over (sending)."""

    state: str
    channel: str | None
    due_at: datetime | None = time_field()
    claimed_at: datetime | None = time_field()
    attempts: int = 0
    provider: str | None = None
    provider_id: str | None = None
    last_error: str | None = None
    sent_at: datetime | None = time_field()


Row = TypeVar("Row", bound=OutgoingRow)


@dataclass(frozen=True, slots=True)
class Outbound(Generic[Row]):
    """One kind of outgoing row.

    `task` is the task that sends one, told `organization_id` and the row's id as `task_id`. `prepare` makes the message
    of a locked row that is due, the same in every word each time; None when it may not go now, and then the row says
    why or when.
    """

    table: type[Row]
    task: str
    task_id: str
    prepare: Callable[[Session, Row, datetime], Message | None]


@dataclass(frozen=True, slots=True)
class Claim:
    """What one send holds: the row is `sending` since `at`, and only the holder of this `at` writes its outcome."""

    row_id: UUID
    at: datetime
    message: Message
    sender: Sender


def nudge(db: Session, kind: Outbound[Row], organization_id: UUID, row_id: UUID) -> None:
    """Have it sent as soon as this transaction commits."""
    ids: dict[str, Any] = {"organization_id": organization_id, kind.task_id: row_id}
    enqueue(db, kind.task, **ids)


def send(runtime: Runtime, kind: Outbound[Row], *, organization_id: UUID, row_id: UUID) -> None:
    """Send one row if it is due. Safe to run twice, and at the same time."""
    with runtime.transaction(organization_id) as db:
        claimed = claim(db, kind, organization_id, row_id, at=clock.now())
    if claimed is None:
        return
    outcome = claimed.sender.send(claimed.message)
    with runtime.transaction(organization_id) as db:
        write_outcome(db, kind, organization_id, claimed, outcome, at=clock.now())


def claim(db: Session, kind: Outbound[Row], organization_id: UUID, row_id: UUID, *, at: datetime) -> Claim | None:
    """Make it `sending`, if it is due and nothing speaks against it now."""
    row = _locked(db, kind, organization_id, row_id)
    if row is None or row.state != Outgoing.DUE or row.due_at is None or row.due_at > at:
        return None
    message = kind.prepare(db, row, at)
    if message is None:
        return None
    sender = runtime_of(db).senders.by_channel[message.channel]
    row.state, row.claimed_at = Outgoing.SENDING.value, at
    row.attempts += 1
    row.channel, row.provider = message.channel.value, sender.name
    return Claim(row_id, at, message, sender)


def _locked(db: Session, kind: Outbound[Row], organization_id: UUID, row_id: UUID) -> Row | None:
    query = select(kind.table).where(kind.table.organization_id == organization_id, kind.table.id == row_id)
    return db.exec(query.with_for_update()).one_or_none()


def write_outcome(
    db: Session, kind: Outbound[Row], organization_id: UUID, claimed: Claim, outcome: Outcome, *, at: datetime
) -> None:
    """Only the claim that still holds the row writes; what a carrier reported meanwhile, or an answer, stays."""
    row = _locked(db, kind, organization_id, claimed.row_id)
    if row is None or row.claimed_at != claimed.at:
        return
    held = row.state in (Outgoing.SENDING, Outgoing.UNCERTAIN)
    match outcome:
        case Sent(provider_id):
            row.provider_id, row.sent_at, row.last_error = provider_id, row.sent_at or at, None
            if held:
                row.state = Outgoing.SENT.value
        case Refused(reason) if held:
            row.state, row.last_error = Outgoing.FAILED.value, reason
        case TryLater(reason, asked_for_seconds) if held:
            row.state, row.last_error = Outgoing.DUE.value, reason
            row.due_at, row.claimed_at = at + retry_delay(row.attempts, asked_for_seconds), None
        case Uncertain(reason) if held:
            row.last_error = reason
            _clear_up(row, claimed.sender, at)


def retry_delay(attempts: int, asked_for_seconds: int | None) -> timedelta:
    """How long to wait after the nth try that came to nothing: 15 s, doubled each time up to an hour."""
    usual = min(15 * 2 ** min(attempts - 1, 10), 3600)
    return timedelta(seconds=max(usual, asked_for_seconds or 0))


def _clear_up(row: OutgoingRow, sender: Sender | None, at: datetime) -> None:
    """Nobody knows whether it went: ask the same idempotent provider again, or let a person look."""
    if sender is not None and sender.idempotent and sender.name == row.provider:
        row.state, row.due_at, row.claimed_at = Outgoing.DUE.value, at, None
    else:
        row.state = Outgoing.UNCERTAIN.value


def sweep(runtime: Runtime, kind: Outbound[Row], organizations: Iterable[UUID]) -> None:
    """Nudge what is due and clear up what was abandoned, organization by organization."""
    at = clock.now()
    for organization_id in organizations:
        with runtime.transaction(organization_id) as db:
            sweep_organization(db, kind, organization_id, at=at)


def sweep_organization(db: Session, kind: Outbound[Row], organization_id: UUID, *, at: datetime) -> None:
    senders = runtime_of(db).senders.by_channel
    for row in _abandoned(db, kind, organization_id, claimed_before=at - ABANDONED_AFTER):
        row.last_error = "abandoned"
        _clear_up(row, senders.get(Channel(row.channel)) if row.channel else None, at)
    db.flush()
    for row_id in _due(db, kind, organization_id, at=at):
        nudge(db, kind, organization_id, row_id)


def _abandoned(db: Session, kind: Outbound[Row], organization_id: UUID, *, claimed_before: datetime) -> Sequence[Row]:
    """Claimed for sending, and no outcome was written for longer than any provider may take. Locked."""
    table = kind.table
    return db.exec(
        select(table)
        .where(
            table.organization_id == organization_id,
            table.state == Outgoing.SENDING,
            sa.func.coalesce(table.claimed_at, sa.func.to_timestamp(0)) < claimed_before,
        )
        .with_for_update(skip_locked=True)
    ).all()


#: The table's name is one of ours.
DUE = """
UPDATE {table} SET claimed_at = %(at)s WHERE organization_id = %(o)s AND id IN (
    SELECT id FROM {table} WHERE organization_id = %(o)s AND state = 'due' AND due_at <= %(at)s
    AND (claimed_at IS NULL OR claimed_at < %(before)s) ORDER BY due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
) RETURNING id
"""


def _due(db: Session, kind: Outbound[Row], organization_id: UUID, *, at: datetime) -> list[UUID]:
    """Take those whose time has come and that nobody was told about lately, the longest due first."""
    statement = DUE.format(table=kind.table.__tablename__)
    found = rows(db, statement, at=at, o=organization_id, before=at - NUDGE_AGAIN_AFTER, most=SWEEP_MOST)
    return [row["id"] for row in found]
