"""What an organization wants proven before work is closed: the rules of a closure policy, read and checked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.domain.conditions import Flaw, flaws_of_condition, is_number


class RuleKind(StrEnum):
    CHECKLIST = "checklist"
    PHOTO = "photo"
    SIGNATURE = "signature"
    RESOLUTION_CODES = "resolution_codes"
    PARTS_DECLARED = "parts_declared"
    SUPERVISOR_REVIEW = "supervisor_review"


class Severity(StrEnum):
    BLOCK = "block"
    WARN = "warn"


class WaivableBy(StrEnum):
    NONE = "none"
    TECHNICIAN = "technician"
    SUPERVISOR = "supervisor"


class Risk(StrEnum):
    """What makes a closure worth a second look."""

    INSTALL = "install"
    CONTRACTOR = "contractor"
    SIGNATURE_REFUSED = "signature_refused"
    REUSED_PHOTO = "reused_photo"
    GEO_MISMATCH = "geo_mismatch"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to prove. `params` by kind:

    checklist: items (ids; all when left out), phase, failures (`block` a bad answer, or `note` it).
    photo: tag, min (1), max_age_minutes, tolerance_minutes, radius_m.
    signature: role (customer, technician, witness), name_required, refusal_allowed.
    resolution_codes: codes, cause_codes (a list that is left out or empty allows any; cause codes then are optional).
    supervisor_review: always, sample_percent, risk.
    """

    id: str
    kind: RuleKind
    severity: Severity = Severity.BLOCK
    when: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    waivable_by: WaivableBy = WaivableBy.NONE
    message: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Review:
    """Which closures a supervisor looks at: all, a share of them (percent, 0 to 100), and those with a risk."""

    always: bool = False
    sample_percent: float = 0
    risk: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ClosurePolicy:
    id: str = "none"
    version: int = 1
    rules: tuple[Rule, ...] = ()
    review: Review = Review()
    auto_close: bool = True

    @property
    def asks_for_nothing(self) -> bool:
        return not self.rules and self.review == Review()


class NotAPolicy(ValueError):
    """The JSON is no closure policy; `flaws` says why."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        super().__init__("; ".join(f"{flaw.pointer}: {flaw.detail}" for flaw in flaws))
        self.flaws = list(flaws)


def policy_of(stored: Mapping[str, Any]) -> ClosurePolicy:
    """The policy from its JSON; an empty object is the policy with no rules, which closes on `complete`.

    Raises:
        NotAPolicy: it is not one; what `check_policy` lets pass is.
    """
    if flaws := check_policy(stored):
        raise NotAPolicy(flaws)
    return ClosurePolicy(
        id=stored.get("id", "none"),
        version=stored.get("version", 1),
        rules=tuple(_rule(entry) for entry in stored.get("rules") or ()),
        review=review_of(stored.get("review") or {}),
        auto_close=stored.get("auto_close", True),
    )


def _rule(entry: Mapping[str, Any]) -> Rule:
    return Rule(
        id=entry["id"],
        kind=RuleKind(entry["kind"]),
        severity=Severity(entry.get("severity", Severity.BLOCK)),
        when=entry.get("when"),
        params=entry.get("params") or {},
        waivable_by=WaivableBy(entry.get("waivable_by", WaivableBy.NONE)),
        message=entry.get("message") or {},
    )


def review_of(stored: Mapping[str, Any]) -> Review:
    return Review(
        always=stored.get("always", False),
        sample_percent=stored.get("sample_percent", 0),
        risk=frozenset(stored.get("risk") or ()),
    )


def check_policy(stored: Any) -> list[Flaw]:
    """What keeps this JSON from being a closure policy, in words for the office; empty when it is one."""
    if not isinstance(stored, Mapping):
        return [Flaw("", "not-a-policy", "A closure policy is an object.")]
    flaws = list(_unknown(stored, ("id", "version", "match", "rules", "review", "auto_close"), ""))
    flaws += _typed(stored, {"id": str, "version": int, "auto_close": bool, "rules": list, "review": dict}, "")
    if isinstance(stored.get("review"), Mapping):
        flaws += _flaws_of_review(stored["review"], "/review")
    seen: set[str] = set()
    rules = stored.get("rules")
    for position, entry in enumerate(rules if isinstance(rules, list) else []):
        here = f"/rules/{position}"
        flaws += _flaws_of_rule(entry, here)
        name = entry.get("id") if isinstance(entry, Mapping) else None
        if isinstance(name, str) and name in seen:
            flaws.append(Flaw(f"{here}/id", "not-unique", f"There is another rule `{name}`."))
        seen.add(str(name))
    return flaws


def _flaws_of_rule(entry: Any, pointer: str) -> Iterator[Flaw]:
    if not isinstance(entry, Mapping):
        yield Flaw(pointer, "not-a-rule", "A rule is an object.")
        return
    yield from _unknown(entry, ("id", "kind", "severity", "when", "params", "waivable_by", "message"), pointer)
    if not isinstance(entry.get("id"), str) or not entry["id"].strip():
        yield Flaw(f"{pointer}/id", "missing", "A rule needs an id.")
    yield from _among(entry, "severity", Severity, pointer)
    yield from _among(entry, "waivable_by", WaivableBy, pointer)
    if entry.get("when") is not None:
        yield from flaws_of_condition(entry["when"], f"{pointer}/when")
    message = entry.get("message", {})
    if not isinstance(message, Mapping) or not all(isinstance(text, str) for text in message.values()):
        yield Flaw(f"{pointer}/message", "wrong-type", "A message is an object of texts by language.")
    kind, params = entry.get("kind"), entry.get("params", {})
    if not isinstance(kind, str) or kind not in list(RuleKind):
        yield Flaw(f"{pointer}/kind", "unknown-kind", f"The kind is one of {', '.join(RuleKind)}.")
    elif not isinstance(params, Mapping):
        yield Flaw(f"{pointer}/params", "wrong-type", "The params of a rule are an object.")
    else:
        yield from _flaws_of_params(RuleKind(kind), params, f"{pointer}/params")


NUMBER = (int, float)
PARAMS: Mapping[RuleKind, Mapping[str, type | tuple[type, ...]]] = {
    RuleKind.CHECKLIST: {"items": list, "phase": str, "failures": str},
    RuleKind.PHOTO: {
        "tag": str,
        "min": int,
        "max_age_minutes": NUMBER,
        "tolerance_minutes": NUMBER,
        "radius_m": NUMBER,
    },
    RuleKind.SIGNATURE: {"role": str, "name_required": bool, "refusal_allowed": bool},
    RuleKind.RESOLUTION_CODES: {"codes": list, "cause_codes": list},
    RuleKind.PARTS_DECLARED: {},
    RuleKind.SUPERVISOR_REVIEW: {"always": bool, "sample_percent": NUMBER, "risk": list},
}
#: Params that only some words are good for.
WORDS: Mapping[str, tuple[str, ...]] = {
    "failures": ("block", "note"),
    "role": ("customer", "technician", "witness"),
}


def _flaws_of_params(kind: RuleKind, params: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    yield from _unknown(params, tuple(PARAMS[kind]), pointer)
    yield from _typed(params, PARAMS[kind], pointer)
    for name, words in WORDS.items():
        if name in params and params[name] not in words:
            yield Flaw(f"{pointer}/{name}", "unknown-word", f"`{name}` is one of {', '.join(words)}.")
    for name in ("min", "max_age_minutes", "tolerance_minutes", "radius_m"):
        if is_number(params.get(name)) and not params[name] >= 0:
            yield Flaw(f"{pointer}/{name}", "negative", f"`{name}` cannot be negative.")
    for name in ("items", "codes", "cause_codes"):
        listed = params.get(name)
        if isinstance(listed, list) and not all(isinstance(one, str) for one in listed):
            yield Flaw(f"{pointer}/{name}", "wrong-type", f"`{name}` is a list of texts.")
    if kind is RuleKind.SUPERVISOR_REVIEW:
        yield from _flaws_of_review(params, pointer)


def _flaws_of_review(review: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    known = PARAMS[RuleKind.SUPERVISOR_REVIEW]
    if pointer == "/review":
        yield from _unknown(review, tuple(known), pointer)
        yield from _typed(review, known, pointer)
    share = review.get("sample_percent", 0)
    if is_number(share) and not 0 <= share <= 100:
        yield Flaw(f"{pointer}/sample_percent", "out-of-range", "A share is between 0 and 100 percent.")
    risks = review.get("risk")
    for position, risk in enumerate(risks if isinstance(risks, list) else []):
        if not isinstance(risk, str) or risk not in list(Risk):
            yield Flaw(f"{pointer}/risk/{position}", "unknown-risk", f"A risk is one of {', '.join(Risk)}.")


def _unknown(entry: Mapping[str, Any], known: Sequence[str], pointer: str) -> Iterator[Flaw]:
    for name in entry:
        if name not in known:
            allowed = ", ".join(known) or "none"
            yield Flaw(f"{pointer}/{name}", "unknown-field", f"There is no `{name}` here; allowed: {allowed}.")


def _typed(entry: Mapping[str, Any], shapes: Mapping[str, type | tuple[type, ...]], pointer: str) -> Iterator[Flaw]:
    for name, shape in shapes.items():
        if name not in entry:
            continue
        value = entry[name]
        boolean_as_number = isinstance(value, bool) and shape is not bool
        if not isinstance(value, shape) or boolean_as_number:
            yield Flaw(f"{pointer}/{name}", "wrong-type", f"`{name}` has the wrong type.")


def _among(entry: Mapping[str, Any], name: str, words: type[StrEnum], pointer: str) -> Iterator[Flaw]:
    if name in entry and (not isinstance(entry[name], str) or entry[name] not in list(words)):
        yield Flaw(f"{pointer}/{name}", "unknown-word", f"`{name}` is one of {', '.join(words)}.")
