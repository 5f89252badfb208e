"""What a message to a customer is, and what can become of it when it is handed to someone else's server.

Every sender answers with one of four outcomes; none raises for trouble of the network or the provider. `Uncertain` is
the honest fourth: the provider may have it or may not. A sender that is `idempotent` may simply be asked again with the
same key; one that is not must never be.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person.

    `idempotency_key` is unique within the organization: the same key is the same message, however often handed over.
    `headers` are extra e-mail headers; `unsubscribe_url` becomes the one-click headers of RFC 8058.
    `status_url` is where an SMS provider may report what became of it.
    """

    organization_id: UUID
    idempotency_key: str
    channel: Channel
    to: str
    text: str
    subject: str = ""
    html: str = ""
    unsubscribe_url: str = ""
    status_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has it. `provider_id` is its name for it there, for later reports."""

    provider_id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It will never be taken, however often we ask: a wrong address, an opted-out number."""

    reason: str


@dataclass(frozen=True, slots=True)
class TryLater:
    """It was certainly not taken, and another time may do."""

    reason: str
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Uncertain:
    """It was handed over and no answer came that tells."""

    reason: str


Outcome = Sent | Refused | TryLater | Uncertain


class Sender(Protocol):
    """`idempotent`: the same key handed over twice is sent once, so what is uncertain is cleared by asking again."""

    @property
    def name(self) -> str: ...

    @property
    def idempotent(self) -> bool: ...

    def send(self, message: Message) -> Outcome:
        """Hand it over. Blocks until the provider answers or a time-out passes: never call it inside a transaction."""
        ...
