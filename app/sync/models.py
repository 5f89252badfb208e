"""What devices hold copies of, and what they have sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel
from sqlmodel import UTCDateTime as UtcDateTime

from app.kit.database import Table, belongs_to, index, json_field, one_of, time_field


class OperationStatus(StrEnum):
    """How an operation ended; `deferred` alone is no end."""

    APPLIED = "applied"
    NOTED = "noted"
    REJECTED = "rejected"
    QUARANTINED = "quarantined"
    DEFERRED = "deferred"


class Feed(Table, table=True):
    """The counter of one technician: `id` is the technician's.

    `head` is raised as the last act of each transaction that changes what the technician may see, under the row's
    lock, so that positions are given out in the order of the commits. Tombstones up to `floor` are gone.
    """

    __tablename__ = "feeds"
    __table_args__ = (
        belongs_to("technicians", "id"),
        index("push_due", where="push_due", name="ix_feeds_push_due"),
    )

    head: int = Field(default=0, sa_type=sa.BigInteger)
    floor: int = Field(default=0, sa_type=sa.BigInteger)
    epoch: int
    """Seconds since 2020 when the feed was made or last rotated; it only rises."""
    push_due: bool = False
    visible_due: bool = False
    built_at: datetime = Field(sa_type=UtcDateTime)
    drift: int = 0
    """How many entries were not what they should be when it was last looked at."""
    audited_at: datetime | None = time_field()


class FeedEntry(SQLModel, table=True):
    """What a technician's devices hold of one thing, as the bytes that they are sent; without bytes a tombstone."""

    __tablename__ = "feed_entries"
    __table_args__ = (
        sa.ForeignKeyConstraint(["organization_id", "feed_id"], ["feeds.organization_id", "feeds.id"]),
        index("feed_id", "seq", unique=True, name="uq_feed_entries_feed_id_seq"),
        index("work_order_id", where="work_order_id IS NOT NULL", name="ix_feed_entries_work_order_id"),
        index("due_at", where="due_at IS NOT NULL", name="ix_feed_entries_due_at"),
        sa.CheckConstraint("removed = (document IS NULL)", name="tombstone"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organizations.id")
    feed_id: UUID = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    entity_id: str = Field(primary_key=True)
    seq: int = Field(sa_type=sa.BigInteger)
    epoch: int
    removed: bool = False
    reason: str | None = None
    sort_key: int = Field(default=0, sa_type=sa.BigInteger)
    """In which order a new device gets them: overdue and today first."""
    entered_seq: int = Field(default=0, sa_type=sa.BigInteger)
    """The position at which it came to this technician: who has acknowledged that has it."""
    work_order_id: UUID | None = None
    due_at: datetime | None = time_field()
    """When it has to be looked at again though nothing happens: a contact disappears, an old job leaves."""
    changed_at: datetime = Field(sa_type=UtcDateTime)
    document: bytes | None = None


class SentOperation(Table, table=True):
    """What a device sent and how it ended, for ever: `id` is the device's own."""

    __tablename__ = "operations"
    __table_args__ = (
        one_of(OperationStatus, "status"),
        index("device_id", "seq", name="ix_operations_device_id_seq"),
        index(
            "status",
            "received_at",
            where="status IN ('quarantined', 'deferred') AND redriven_at IS NULL",
            name="ix_operations_status",
        ),
        index("target", where="target IS NOT NULL", name="ix_operations_target"),
    )

    actor_id: UUID
    device_id: UUID | None = None
    technician_id: UUID | None = None
    seq: int = Field(sa_type=sa.BigInteger)
    type: str
    target: UUID | None = None
    body: dict[str, Any] = json_field()
    body_hash: bytes
    depends_on: list[UUID] = Field(default_factory=list, sa_type=ARRAY(sa.Uuid), nullable=False)
    status: OperationStatus = Field(sa_type=sa.Text)
    code: str | None = None
    result: dict[str, Any] | None = Field(default=None, sa_type=JSONB, nullable=True)
    """As it was answered; gone after 180 days, when the status alone is kept."""
    attempts: int = 0
    trouble: str | None = None
    """What kind of error it last met, for who mends it."""
    occurred_at: datetime = Field(sa_type=UtcDateTime)
    age_ms: int | None = Field(default=None, sa_type=sa.BigInteger)
    effective_at: datetime = Field(sa_type=UtcDateTime)
    clock_source: str
    received_at: datetime = Field(sa_type=UtcDateTime)
    """When it first came."""
    finished_at: datetime | None = time_field()
    redriven_at: datetime | None = time_field()
    redriven: dict[str, Any] | None = Field(default=None, sa_type=JSONB, nullable=True)
    """What became of it when it was tried again after the server was mended; its sender was told `result`."""


class Manifest(Table, table=True):
    """What all technicians look things up in, kept under the hash of what it says."""

    __tablename__ = "manifests"
    __table_args__ = (index("name", "sha256", unique=True, name="uq_manifests_name_sha256"),)

    name: str
    sha256: str
    body: bytes
    made_at: datetime = Field(sa_type=UtcDateTime)


class DatabaseIdentity(SQLModel, table=True):
    """Which server and which line of its history wrote last: another one may have lost what devices have seen."""

    __tablename__ = "database_identity"

    id: int = Field(default=1, primary_key=True, sa_type=sa.SmallInteger, sa_column_kwargs={"autoincrement": False})
    system_identifier: str
    timeline: int
    rotated_at: datetime = Field(sa_type=UtcDateTime)
