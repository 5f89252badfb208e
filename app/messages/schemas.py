"""Messages to customers as the office reads them. What they say, their links and their codes are in none of them."""

from uuid import UUID

from app.customers.models import Channel
from app.kit.schemas import Out, UtcTime
from app.messages.models import MessageState


class MessageOut(Out):
    """A message and what became of it. `last_error`: why it was not sent (`suppressed`), or what went wrong."""

    id: UUID
    work_order_id: UUID
    visit_id: UUID | None
    contact_id: UUID | None
    kind: str
    channel: Channel
    language: str
    state: MessageState
    created_at: UtcTime
    due_at: UtcTime | None
    attempts: int
    provider: str | None
    last_error: str | None
    sent_at: UtcTime | None
