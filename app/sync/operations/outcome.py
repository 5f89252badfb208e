"""One operation as a handler sees it, and what the handler says became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from app.domain.time_rule import STEADY, ClockSource
from app.identity.access import Caller
from app.kit.problems import Refusal, Unprocessable
from app.kit.web import pointer_of
from app.sync.models import OperationStatus
from app.sync.schemas import OperationIn

S = OperationStatus


class InvalidArgs(Unprocessable):
    """What the operation says does not fit its type; `pointer` says where."""

    code = "invalid-args"


class TargetMissing(Unprocessable):
    """This type of operation is about something: say what."""

    code = "target-missing"


@dataclass(frozen=True, slots=True)
class Sent:
    """An operation with its sender and its time put right; `at` is when it was received."""

    given: OperationIn
    me: Caller
    effective_at: datetime
    clock_source: ClockSource
    at: datetime
    sent_at: datetime

    @property
    def id(self) -> UUID:
        return self.given.op_id

    @property
    def target(self) -> UUID:
        """
        Raises:
            TargetMissing: it says none.
        """
        if self.given.target is None:
            raise TargetMissing("Say what it is about.", errors=[{"pointer": "/target", "code": "missing"}])
        return self.given.target

    @property
    def report(self) -> dict[str, Any]:
        """What every report of ours carries: its id, and what the device says about the time."""
        return {
            "id": self.given.op_id,
            "occurred_at": self.given.occurred_at,
            "sent_at": self.sent_at,
            "age_ms": self.given.age_ms,
        }

    def put_right(self, moment: datetime) -> datetime:
        """A time that the same clock said, corrected as `occurred_at` was when that was off; never after it came."""
        off = self.effective_at - self.given.occurred_at
        return min(moment + off if abs(off) > STEADY else moment, self.at)


@dataclass(slots=True)
class Outcome:
    """How it ended; `more`: what else the device is told."""

    status: OperationStatus = S.APPLIED
    code: str | None = None
    noop: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        said: dict[str, Any] = {"status": self.status.value}
        if self.code is not None:
            said["code"] = self.code
        if self.noop:
            said["noop"] = True
        return said | self.more


Handler = Callable[[Session, Sent], Outcome]
Shape = TypeVar("Shape", bound=BaseModel)


def args_of(sent: Sent, shape: type[Shape], **more: Any) -> Shape:
    """The operation's arguments in the shape of its type, with what we know better.

    Raises:
        InvalidArgs: see `shaped`.
    """
    return shaped(shape, **{**sent.given.args, **more})


def shaped(shape: type[Shape], **values: Any) -> Shape:
    """
    Raises:
        InvalidArgs: they do not fit; the first flaw's place is the `pointer`.
    """
    try:
        return shape.model_validate(values)
    except ValidationError as flaws:
        errors = [
            {"pointer": pointer_of(("args", *one["loc"])), "code": one["type"], "detail": one["msg"]}
            for one in flaws.errors(include_url=False, include_context=False)
        ]
        raise InvalidArgs("The arguments do not fit this type of operation.", errors=errors) from None


#: Our own words for what went wrong, in the words of the contract.
CODES: Mapping[str, str] = {
    "not-found": "target_not_found",
    "id-reused": "op_id_reused",
    "missing-data": "invalid_args",
    "target-missing": "invalid_args",
    "unprocessable": "invalid_args",
    "not-allowed": "not_assigned",
}


def refused(refusal: Refusal) -> Outcome:
    """A refusal is a final answer too; what it says helps whoever mends the operation."""
    more: dict[str, Any] = {"detail": refusal.detail}
    errors = refusal.facts.get("errors") or ()
    if errors:
        more["pointer"] = errors[0]["pointer"].replace("/body/", "/args/")
        more["errors"] = errors
    for name in ("status_now", "allowed_actions", "findings"):
        if name in refusal.facts:
            more[name] = refusal.facts[name]
    return Outcome(S.REJECTED, CODES.get(refusal.code, refusal.code.replace("-", "_")), more=more)
