"""How a message to a customer leaves the house: by `app.kit.sending`, composed by the feature that owns its kind."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from app.customers.models import Channel
from app.identity.queries import every_organization
from app.kit import messages, sending
from app.kit.messages import Message
from app.kit.queue import Sweep, Task
from app.kit.runtime import Runtime, runtime_of
from app.kit.sending import Outbound
from app.messages import queries
from app.messages.commands import SEND
from app.messages.letters import Parts
from app.messages.models import CustomerMessage, MessageState
from app.messages.queries import Recipient

#: Who was not reached by then is not told any more: it would only puzzle them.
GIVE_UP_AFTER = timedelta(days=3)
OUTDATED = "outdated"


def prepare(db: Session, row: CustomerMessage, at: datetime) -> Message | None:
    """The message, unless the customer's no, the quiet hours or the course of things speak against it now."""
    recipient = queries.recipient_of(db, row.organization_id, row.work_order_id, row.contact_id)
    channel = Channel(row.channel)
    reason = recipient.why_not(channel)
    parts: Parts | None = None if reason else runtime_of(db).composers[row.kind](db, row, recipient)
    if parts is None:
        row.state, row.last_error = MessageState.SUPPRESSED, reason.value if reason else OUTDATED
        return None
    if not _may_go_now(row, recipient, parts, at):
        return None
    sms = channel is Channel.SMS
    return Message(
        organization_id=row.organization_id,
        idempotency_key=f"message:{row.id}",
        channel=messages.Channel(channel.value),
        to=recipient.address(channel),
        subject="" if sms else _one_line(parts.subject),
        text=parts.sms if sms else parts.text,
        html="" if sms else parts.html,
    )


def _may_go_now(row: CustomerMessage, recipient: Recipient, parts: Parts, at: datetime) -> bool:
    if at - row.created_at > GIVE_UP_AFTER:
        row.state, row.last_error = MessageState.FAILED, f"gave-up: {row.last_error}"[:200]
        return False
    allowed_at = at if parts.at_once else recipient.allowed_at(at)
    if allowed_at > at:
        row.due_at, row.claimed_at = allowed_at, None
    return allowed_at <= at


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:200]


MESSAGES = Outbound(CustomerMessage, task=SEND, task_id="message_id", prepare=prepare)


def send_one(runtime: Runtime, *, organization_id: str, message_id: str) -> None:
    """Send one message if it is due. Safe to run twice, and at the same time."""
    sending.send(runtime, MESSAGES, organization_id=UUID(organization_id), row_id=UUID(message_id))


def sweep_messages(runtime: Runtime) -> None:
    sending.sweep(runtime, MESSAGES, every_organization(runtime))


TASKS = [Task(SEND, send_one)]
#: Every fifteen seconds: what was abandoned is visible, or on its way again, within a minute.
SWEEPS = [Sweep("messages.sweep", "* * * * * */15", sweep_messages)]
