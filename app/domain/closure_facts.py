"""What a closure is judged by: what the technician says, what we know beside it, and what one rule finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from app.domain.closure_policy import Rule
from app.domain.closure_texts import in_language, say
from app.domain.conditions import Values, is_number

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Met(StrEnum):
    YES = "yes"
    NO = "no"
    AWAITING = "awaiting"
    """It will be known when the promised bytes have arrived, or when the customer has answered."""
    WAIVED = "waived"
    """It is not met, and somebody who may has said why it need not be."""


@dataclass(frozen=True, slots=True)
class EvidenceFact:
    """A photo or a signature of this visit: one we have (`stored`), or one that the device promises."""

    id: str
    kind: str
    tag: str
    stored: bool = True
    captured_at: datetime | None = None
    distance_m: float | None = None
    """From the site; None when either place is unknown."""
    signer_name: str | None = None
    reused: bool = False
    document_hash: str | None = None
    bound: bool | None = None
    """Whether `document_hash` is that of a document which the submission shows; None when there is none."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What the technician says. `refusals`: signature role → the reason why there is none.

    `waivers`: [{rule_id, reason}]. `readings`: [{label, value, unit}]. `scans`: [{tag, value}].
    `tests`: [{name, value}]. Entries of another shape count for nothing.
    """

    answers: Mapping[str, Any] = field(default_factory=dict)
    resolution_code: str | None = None
    cause_code: str | None = None
    no_parts_used: bool = False
    refusals: Mapping[str, str] = field(default_factory=dict)
    waivers: Sequence[Mapping[str, Any]] = ()
    readings: Sequence[Mapping[str, Any]] = ()
    scans: Sequence[Mapping[str, Any]] = ()
    tests: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What we know beside the submission; `app.domain.closure_case` has it as JSON.

    `waivers`: [{rule_id, reason, role: "supervisor"}]. `code`: {state: ok, wrong, expired or locked; how: online or
    offline}; None when none was given. `confirmation`: {answer: waiting, yes, no or not_answered}; None before the
    customer is asked. `open_items`: {tasks, returns, requests} → how many. `presence_m`: how far from the site the
    technician was. `draw`: of `draw_of`; None where it is not known, as on a phone.
    """

    ended_at: datetime
    arrived_at: datetime | None = None
    work_order: Mapping[str, Any] = field(default_factory=dict)
    asset: Mapping[str, Any] = field(default_factory=dict)
    checklist: Sequence[Mapping[str, Any]] = ()
    evidence: Sequence[EvidenceFact] = ()
    movements: int = 0
    waivers: Sequence[Mapping[str, Any]] = ()
    code: Mapping[str, Any] | None = None
    confirmation: Mapping[str, Any] | None = None
    worked_seconds: int | None = None
    estimated_minutes: int | None = None
    presence_m: float | None = None
    open_items: Mapping[str, int] = field(default_factory=dict)
    risks: frozenset[str] = frozenset()
    """Those that are known without the submission."""
    sent_back: bool = False
    """A supervisor has sent this work back before: one looks at it again."""
    draw: int | None = None

    def values_with(self, submission: Submission) -> Values:
        return {"answers": submission.answers, "work_order": self.work_order, "asset": self.asset}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says. `how_to_fix` is empty when nothing is to be done."""

    rule_id: str
    kind: str
    severity: str
    met: Met
    message: str
    how_to_fix: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule, put to one submission, in the language of who reads the answer."""

    rule: Rule
    submission: Submission
    facts: Facts
    language: str = "en"

    def param(self, name: str, default: Any = None) -> Any:
        return self.rule.params.get(name, default)

    def say(self, key: str, **values: Any) -> str:
        return say(self.language, key, **values)

    def finding(self, met: Met, *, message: str = "", fix: str = "", **facts: Any) -> Finding:
        """`message`: when it is not the plain one of this kind of rule; the office's own words replace either."""
        kind = self.rule.kind.value
        told = in_language(self.rule.message, self.language) or message or self.say(kind)
        return Finding(self.rule.id, kind, self.rule.severity.value, met, told, fix, facts)


def millis(at: datetime) -> int:
    """Milliseconds since 1970, rounded down: times are compared in these, for JavaScript knows no finer ones."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def plain_number(value: Any) -> int | float | None:
    """A number as JSON has it after JavaScript: whole ones that a double holds exactly as such; None for no number."""
    if not is_number(value):
        return None
    number = float(value)
    return int(number) if number.is_integer() and abs(number) <= 2**53 - 1 else number


def entries(listed: Any, name: str, value: Any) -> list[Mapping[str, Any]]:
    """Those objects of the list whose field `name` is this text."""
    found = listed if isinstance(listed, list | tuple) else []
    return [one for one in found if isinstance(one, Mapping) and isinstance(one.get(name), str) and one[name] == value]
