"""What an organization wants proven before work is closed: the rules of a closure policy, read and checked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.domain.closure_params import HOURS, PARAMS, Param, flaws_of_fields, flaws_of_params, unknown_fields
from app.domain.conditions import Flaw, flaws_of_condition, is_text


class RuleKind(StrEnum):
    CHECKLIST = "checklist"
    PHOTO = "photo"
    SIGNATURE = "signature"
    CUSTOMER_CODE = "customer_code"
    CUSTOMER_CONFIRM = "customer_confirm"
    RESOLUTION_CODES = "resolution_codes"
    PARTS_DECLARED = "parts_declared"
    LABOR_PRESENT = "labor_present"
    DURATION_SANITY = "duration_sanity"
    METER = "meter"
    SERIAL_SCAN = "serial_scan"
    FUNCTIONAL_TEST = "functional_test"
    GEO_PRESENCE = "geo_presence"
    NO_OPEN_ITEMS = "no_open_items"
    SUPERVISOR_REVIEW = "supervisor_review"


class Severity(StrEnum):
    BLOCK = "block"
    WARN = "warn"


class WaivableBy(StrEnum):
    """Whose word is enough; what a technician may waive, a supervisor may too."""

    NONE = "none"
    TECHNICIAN = "technician"
    SUPERVISOR = "supervisor"


class Risk(StrEnum):
    """What makes a closure worth a second look."""

    INSTALL = "install"
    RETIRED_ASSET = "retired_asset"
    BUSY_ASSET = "busy_asset"
    """Five or more work orders were closed on the asset within 30 days."""
    CONTRACTOR = "contractor"
    SIGNATURE_REFUSED = "signature_refused"
    ODD_DURATION = "odd_duration"
    """Shorter or longer than nine in ten of the work type, which has been done at least 20 times."""
    REUSED_PHOTO = "reused_photo"
    GEO_MISMATCH = "geo_mismatch"
    WAIVER_USED = "waiver_used"
    NEW_TECHNICIAN = "new_technician"
    """One of the technician's first ten jobs."""


#: What `"risk": "default"` stands for.
DEFAULT_RISKS = frozenset(risk.value for risk in Risk)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing to prove. `params` by kind (null is as good as left out):

    checklist: form (a key), items (ids; all when left out), phase, failures (`block` a bad answer, or `note` it).
    photo: tag, min (1), max_age_minutes, tolerance_minutes, radius_m.
    signature: role (customer, technician, witness), name_required, refusal_allowed, bound (to what was shown).
    customer_code: channel (sms, email, shown), ttl_hours (168), attempts (5), online_required.
    customer_confirm: hours (48), silence (`ask` a supervisor, or `accept`).
    resolution_codes: codes, cause_codes (a list that is left out or empty allows any; cause codes then are optional).
    parts_declared: none.
    labor_present: min_minutes (1).
    duration_sanity: min_factor, max_factor (of the estimate).
    meter: label, min, max, unit.
    serial_scan: tag, expected (`asset`, or a list of values; any when left out).
    functional_test: name, min, max, expected (true).
    geo_presence: radius_m (250), source (arrival, any).
    no_open_items: of (tasks, returns, requests; all when left out).
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
    within_hours: float = 24
    """After these it is overdue, and somebody is told."""

    @property
    def asks_for_nothing(self) -> bool:
        return not (self.always or self.sample_percent or self.risk)


@dataclass(frozen=True, slots=True)
class ClosurePolicy:
    id: str = "none"
    version: int = 1
    rules: tuple[Rule, ...] = ()
    review: Review = Review()
    auto_close: bool = True
    evidence_within_hours: float = 48
    """After these, promised evidence that has not come is overdue, and somebody is told."""
    send_report: bool = False
    """Whether the customer gets the service report when the work is closed."""

    @property
    def asks_for_nothing(self) -> bool:
        return not self.rules and self.review.asks_for_nothing

    @property
    def risks(self) -> frozenset[str]:
        """All that any review of it looks for."""
        reviews = [review_of(rule.params) for rule in self.rules if rule.kind is RuleKind.SUPERVISOR_REVIEW]
        return self.review.risk.union(*(one.risk for one in reviews))

    def rule(self, kind: RuleKind) -> Rule | None:
        """The first rule of the kind."""
        return next((rule for rule in self.rules if rule.kind is kind), None)


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
    given = _given(stored)
    return ClosurePolicy(
        id=given.get("id", "none"),
        version=given.get("version", 1),
        rules=tuple(_rule(_given(entry)) for entry in given.get("rules", ())),
        review=review_of(given.get("review", {})),
        auto_close=given.get("auto_close", True),
        evidence_within_hours=given.get("evidence_within_hours", 48),
        send_report=_given(given.get("report", {})).get("send", False),
    )


def _given(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None}


def _rule(entry: Mapping[str, Any]) -> Rule:
    kind = RuleKind(entry["kind"])
    usual = Severity.WARN if kind is RuleKind.GEO_PRESENCE else Severity.BLOCK
    return Rule(
        id=entry["id"],
        kind=kind,
        severity=Severity(entry.get("severity", usual)),
        when=entry.get("when"),
        params=_given(entry.get("params", {})),
        waivable_by=WaivableBy(entry.get("waivable_by", WaivableBy.NONE)),
        message=entry.get("message", {}),
    )


def review_of(stored: Mapping[str, Any]) -> Review:
    given = _given(stored)
    risk = given.get("risk", [])
    return Review(
        always=given.get("always", False),
        sample_percent=given.get("sample_percent", 0),
        risk=DEFAULT_RISKS if risk == "default" else frozenset(risk),
        within_hours=given.get("within_hours", 24),
    )


POLICY: Mapping[str, Param] = {
    "id": Param(str),
    "version": Param(int),
    "match": Param(object),
    "rules": Param(object),
    "review": Param(object),
    "auto_close": Param(bool),
    "evidence_within_hours": HOURS,
    "report": Param(object),
}
REVIEW: Mapping[str, Param] = {**PARAMS["supervisor_review"], "within_hours": HOURS}
REPORT: Mapping[str, Param] = {"send": Param(bool)}


def check_policy(stored: Any) -> list[Flaw]:
    """What keeps this JSON from being a closure policy, as pointers into it; empty when it is one."""
    if not isinstance(stored, Mapping):
        return [Flaw("", "not-a-policy", "A closure policy is an object.")]
    flaws = list(flaws_of_fields(stored, POLICY, ""))
    for name, known in (("review", REVIEW), ("report", REPORT)):
        part = stored.get(name)
        if isinstance(part, Mapping):
            flaws += flaws_of_fields(part, known, f"/{name}")
        elif part is not None:
            flaws.append(Flaw(f"/{name}", "wrong-type", f"`{name}` is an object."))
    if isinstance(stored.get("review"), Mapping):
        flaws += _flaws_of_risk(stored["review"], "/review")
    rules = stored.get("rules")
    if not isinstance(rules, list):
        return flaws if rules is None else [*flaws, Flaw("/rules", "wrong-type", "`rules` is a list.")]
    for position, entry in enumerate(rules):
        flaws += _flaws_of_rule(entry, f"/rules/{position}")
    return flaws + list(_flaws_of_ids(rules))


def _flaws_of_ids(rules: Sequence[Any]) -> Iterator[Flaw]:
    seen: set[str] = set()
    for position, entry in enumerate(rules):
        name = entry.get("id") if isinstance(entry, Mapping) else None
        if isinstance(name, str):
            if name in seen:
                yield Flaw(f"/rules/{position}/id", "not-unique", f"There is another rule `{name}`.")
            seen.add(name)


def _flaws_of_rule(entry: Any, pointer: str) -> Iterator[Flaw]:
    if not isinstance(entry, Mapping):
        yield Flaw(pointer, "not-a-rule", "A rule is an object.")
        return
    yield from unknown_fields(entry, ("id", "kind", "severity", "when", "params", "waivable_by", "message"), pointer)
    if not is_text(entry.get("id")):
        yield Flaw(f"{pointer}/id", "missing", "A rule needs an id.")
    yield from _among(entry, "severity", Severity, pointer)
    yield from _among(entry, "waivable_by", WaivableBy, pointer)
    if entry.get("when") is not None:
        yield from flaws_of_condition(entry["when"], f"{pointer}/when")
    message = entry.get("message")
    if message is not None and not _is_texts(message):
        yield Flaw(f"{pointer}/message", "wrong-type", "A message is an object of texts by language.")
    yield from _flaws_of_kind(entry, pointer)


def _flaws_of_kind(entry: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    kind, params = entry.get("kind"), entry.get("params")
    if not isinstance(kind, str) or kind not in list(RuleKind):
        yield Flaw(f"{pointer}/kind", "unknown-kind", f"The kind is one of {', '.join(RuleKind)}.")
    elif params is not None and not isinstance(params, Mapping):
        yield Flaw(f"{pointer}/params", "wrong-type", "The params of a rule are an object.")
    else:
        yield from flaws_of_params(kind, params or {}, f"{pointer}/params")
        if kind == RuleKind.SUPERVISOR_REVIEW:
            yield from _flaws_of_risk(params or {}, f"{pointer}/params")


def _is_texts(message: Any) -> bool:
    return isinstance(message, Mapping) and all(isinstance(text, str) for text in message.values())


def _flaws_of_risk(review: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    risks = review.get("risk")
    if risks is None or risks == "default":
        return
    if not isinstance(risks, list):
        yield Flaw(f"{pointer}/risk", "wrong-type", '`risk` is "default" or a list of risks.')
        return
    for position, risk in enumerate(risks):
        if not isinstance(risk, str) or risk not in list(Risk):
            yield Flaw(f"{pointer}/risk/{position}", "unknown-risk", f"A risk is one of {', '.join(Risk)}.")


def _among(entry: Mapping[str, Any], name: str, words: type[StrEnum], pointer: str) -> Iterator[Flaw]:
    value = entry.get(name)
    if value is not None and (not isinstance(value, str) or value not in list(words)):
        yield Flaw(f"{pointer}/{name}", "unknown-word", f"`{name}` is one of {', '.join(words)}.")
