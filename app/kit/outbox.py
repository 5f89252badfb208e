"""The default sender: messages are kept in a table and read on a page, so everything works with no provider at all."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Field, Session, col, select
from sqlmodel import UTCDateTime as UtcDateTime

from app.kit import clock
from app.kit.database import Table, index, json_field, one_of
from app.kit.ids import uuid7
from app.kit.messages import Channel, Message, Outcome, Sent, TryLater
from app.kit.problems import NotFound

OpenTransaction = Callable[[UUID], AbstractContextManager[Session]]


class OutboxMessage(Table, table=True):
    """A message as it would have gone out. Rows are added, never changed."""

    __tablename__ = "outbox_messages"
    __table_args__ = (
        one_of(Channel, "channel"),
        index("idempotency_key", unique=True, name="uq_outbox_messages_idempotency_key"),
        index("created_at", name="ix_outbox_messages_created_at"),
    )

    idempotency_key: str
    channel: str
    to: str
    subject: str = ""
    text: str
    html: str = ""
    headers: dict[str, str] = json_field()
    created_at: datetime = Field(sa_type=UtcDateTime)


class OutboxSender:
    """Stores the message in a transaction of its own; the same key is stored once."""

    name = "outbox"
    idempotent = True

    def __init__(self, transaction: OpenTransaction) -> None:
        self._transaction = transaction

    def send(self, message: Message) -> Outcome:
        try:
            with self._transaction(message.organization_id) as db:
                return Sent(str(store(db, message, at=clock.now())))
        except (sa.exc.OperationalError, sa.exc.TimeoutError) as trouble:
            return TryLater(type(trouble).__name__)


def store(db: Session, message: Message, *, at: datetime) -> UUID:
    """Keep the message unless its key is already kept; the id of the one that is."""
    values: dict[str, Any] = {
        "organization_id": message.organization_id,
        "id": uuid7(),
        "idempotency_key": message.idempotency_key,
        "channel": message.channel.value,
        "to": message.to,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": _headers(message),
        "created_at": at,
    }
    added = insert(OutboxMessage).values(values).on_conflict_do_nothing().returning(sa.column("id", sa.Uuid))
    new_id = db.connection().execute(added).scalar_one_or_none()
    return (
        new_id
        or db.exec(
            select(OutboxMessage.id).where(
                OutboxMessage.organization_id == message.organization_id,
                OutboxMessage.idempotency_key == message.idempotency_key,
            )
        ).one()
    )


def _headers(message: Message) -> dict[str, str]:
    headers = dict(message.headers)
    if message.unsubscribe_url:
        headers["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def latest_messages(db: Session, organization_id: UUID, *, limit: int = 100) -> list[OutboxMessage]:
    """Newest first."""
    query = (
        select(OutboxMessage)
        .where(OutboxMessage.organization_id == organization_id)
        .order_by(col(OutboxMessage.created_at).desc(), col(OutboxMessage.id).desc())
        .limit(limit)
    )
    return list(db.exec(query))


def message_of(db: Session, organization_id: UUID, message_id: UUID) -> OutboxMessage:
    """
    Raises:
        NotFound: the organization has no such message.
    """
    found = db.exec(
        select(OutboxMessage).where(OutboxMessage.organization_id == organization_id, OutboxMessage.id == message_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such message.", message_id=str(message_id))
    return found
