"""Shapes of the customer's code and of the summary that a customer signs. The code is in one of them only."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import StringConstraints

from app.closure.codes import CodeState
from app.closure.commands.customer_codes import CodeNow
from app.closure.models import Checked
from app.kit.schemas import In, Out, UtcTime

Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]


class CustomerCodeCheckIn(In):
    """The six digits that the customer told."""

    code: Digits


class CustomerCodeOut(Out):
    """How the code of a visit stands, or what a try came to; the code itself is told to the customer alone.

    `state`: `ok` when this try was right, then `used`; `wrong`; `expired`; `locked` after too many wrong tries;
    `valid` when nobody has tried it yet. `accepted`: the visit has its code.
    """

    id: UUID
    visit_id: UUID
    state: CodeState
    accepted: bool
    attempts_left: int
    channel: str
    created_at: UtcTime
    expires_at: UtcTime
    used_at: UtcTime | None
    checked: Checked | None

    @classmethod
    def of(cls, now: CodeNow, **more: Any) -> Self:
        same: dict[str, UUID | str | datetime | None] = {
            name: getattr(now.code, name)
            for name in ("id", "visit_id", "channel", "created_at", "expires_at", "used_at", "checked")
        }
        accepted = now.code.used_at is not None
        return cls(state=now.state, accepted=accepted, attempts_left=now.attempts_left, **same, **more)


class CustomerCodeToldOut(CustomerCodeOut):
    """With the six digits, for who may tell them to the customer."""

    code: Digits


class VisitSummaryOut(Out):
    """What was done, as the customer signs it. `sha256`: of the document's canonical JSON (RFC 8785), in hex."""

    visit_id: UUID
    document: dict[str, Any]
    sha256: str
