"""What customers are told about their job, each thing once, with how far it has come."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.customers.models import Channel
from app.kit.database import belongs_to, index, json_field, one_of
from app.kit.sending import OutgoingRow


class MessageState(StrEnum):
    DUE = "due"
    """To be sent at `due_at`."""
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    """Refused for good by the provider."""
    UNCERTAIN = "uncertain"
    """The provider's answer was lost and it cannot be asked again: somebody must look."""
    SUPPRESSED = "suppressed"
    """Not to be sent, and `last_error` says why."""


class CustomerMessage(OutgoingRow, table=True):
    """One message to one contact. What it says is composed when it is sent, by the feature that owns its `kind`."""

    __tablename__ = "customer_messages"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        belongs_to("contacts", "contact_id"),
        one_of(MessageState, "state"),
        one_of(Channel, "channel"),
        index("kind", "subject_id", unique=True, name="uq_customer_messages_kind_subject_id"),
        index("work_order_id", name="ix_customer_messages_work_order_id"),
        index("due_at", where="state = 'due'", name="ix_customer_messages_due_at"),
        index("claimed_at", where="state = 'sending'", name="ix_customer_messages_claimed_at"),
    )

    work_order_id: UUID
    visit_id: UUID | None = None
    contact_id: UUID | None = None
    """None when there is nobody to tell."""
    kind: str
    """customer_code, customer_confirmation, service_report, …"""
    subject_id: UUID
    """What it is about: of a kind, each subject has one message."""
    channel: Channel = Field(sa_type=sa.Text)
    language: str = "en"
    data: dict[str, Any] = json_field()
    state: MessageState = Field(default=MessageState.DUE, sa_type=sa.Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
