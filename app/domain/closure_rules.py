"""Each kind of closure rule: what it looks at, when it is met, and how to fix it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.domain.checklist import Item, items_of, judge
from app.domain.closure_policy import Rule, RuleKind
from app.domain.conditions import Values, is_present


class Met(StrEnum):
    YES = "yes"
    NO = "no"
    AWAITING = "awaiting"
    """It will be, when the promised bytes have arrived."""


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


@dataclass(frozen=True, slots=True)
class Submission:
    """What the technician says: `refusals` is signature role → the reason why there is none."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    resolution_code: str | None = None
    cause_code: str | None = None
    no_parts_used: bool = False
    refusals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What we know beside the submission. `salt` keeps technicians from computing who is sampled."""

    work_order_id: str
    salt: bytes
    ended_at: datetime
    arrived_at: datetime | None = None
    work_order: Mapping[str, Any] = field(default_factory=dict)
    asset: Mapping[str, Any] = field(default_factory=dict)
    checklist: Sequence[Mapping[str, Any]] = ()
    evidence: Sequence[EvidenceFact] = ()
    movements: int = 0
    risks: frozenset[str] = frozenset()
    sent_back: bool = False
    """A supervisor has sent this work back before: one looks at it again."""

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


Check = Callable[[Rule, Submission, Facts, str], Finding]


def checklist(rule: Rule, submission: Submission, facts: Facts, text: str) -> Finding:
    """All required visible items are answered, every answer is possible, and none is bad unless that is only noted."""
    items = [item for item in items_of(facts.checklist) if _asked(item, rule)]
    sheet = judge(items, submission.answers, facts.values_with(submission))
    blocks = rule.params.get("failures", "block") == "block"
    met = not sheet.missing and not sheet.invalid and not (sheet.failed and blocks)
    labels = {item.id: item.label for item in items}
    wrong = [labels[name] for name in (*sheet.missing, *sheet.invalid, *(sheet.failed if blocks else ()))]
    return _finding(
        rule,
        Met.YES if met else Met.NO,
        text or "The checklist must be filled in.",
        fix=f"Answer, or put right: {', '.join(wrong)}." if wrong else "",
        missing=list(sheet.missing),
        invalid=list(sheet.invalid),
        failed=list(sheet.failed),
    )


def _asked(item: Item, rule: Rule) -> bool:
    only, phase = rule.params.get("items"), rule.params.get("phase")
    return (only is None or item.id in only) and (phase is None or item.phase == phase)


def photo(rule: Rule, submission: Submission, facts: Facts, text: str) -> Finding:
    """Enough photos with the tag. Where the policy bounds age, time or place, only photos within bounds count.

    A photo that does not say when or where it was taken counts, and the finding says how many of those there are.
    """
    tag, needed = rule.params.get("tag"), rule.params.get("min", 1)
    tagged = [one for one in facts.evidence if one.kind == "photo" and (tag is None or one.tag == tag)]
    rejected = {one.id: why for one in tagged if (why := _out_of_bounds(one, rule.params, facts))}
    good = [one for one in tagged if one.id not in rejected]
    stored = [one for one in good if one.stored]
    kind = f"photo “{tag}”" if tag else "photo"
    return _finding(
        rule,
        Met.YES if len(stored) >= needed else Met.AWAITING if len(good) >= needed else Met.NO,
        text or f"At least {needed} {kind} must be taken.",
        fix=f"Take {needed - len(good)} more {kind} here and now." if len(good) < needed else "",
        needed=needed,
        stored=len(stored),
        promised=len(good) - len(stored),
        not_counted=rejected,
        without_time=sum(one.captured_at is None for one in good),
        without_place=sum(one.distance_m is None for one in good),
        reused=[one.id for one in good if one.reused],
    )


def _out_of_bounds(one: EvidenceFact, params: Mapping[str, Any], facts: Facts) -> str | None:
    """Why a photo does not count: `too-old`, `not-during-visit` or `too-far`; None when it does."""
    if one.captured_at is not None:
        age, slack = params.get("max_age_minutes"), params.get("tolerance_minutes")
        if age is not None and one.captured_at < facts.ended_at - timedelta(minutes=age):
            return "too-old"
        if slack is not None:
            earliest = (facts.arrived_at or facts.ended_at) - timedelta(minutes=slack)
            if not earliest <= one.captured_at <= facts.ended_at + timedelta(minutes=slack):
                return "not-during-visit"
    radius = params.get("radius_m")
    if radius is not None and one.distance_m is not None and one.distance_m > radius:
        return "too-far"
    return None


def signature(rule: Rule, submission: Submission, facts: Facts, text: str) -> Finding:
    """Somebody in the role has signed, with a name where the policy wants one; or refused, where it lets them."""
    role = rule.params.get("role", "customer")
    signed = [one for one in facts.evidence if one.kind == "signature" and one.tag == role]
    named = [one for one in signed if is_present(one.signer_name) or not rule.params.get("name_required", False)]
    reason = submission.refusals.get(role)
    refused = rule.params.get("refusal_allowed", False) and is_present(reason)
    if any(one.stored for one in named) or refused:
        met, fix = Met.YES, ""
    elif named:
        met, fix = Met.AWAITING, ""
    elif signed:
        met, fix = Met.NO, "Write down the name of the person who signs."
    else:
        or_why = ", or say why it is refused" if rule.params.get("refusal_allowed", False) else ""
        met, fix = Met.NO, f"Get the {role}'s signature{or_why}."
    return _finding(
        rule,
        met,
        text or f"The {role} must sign.",
        fix=fix,
        role=role,
        refusal=reason if refused else None,
        refusal_allowed=rule.params.get("refusal_allowed", False),
    )


def resolution_codes(rule: Rule, submission: Submission, facts: Facts, text: str) -> Finding:
    """A resolution code is given, a cause code too where there is a list of them, and each is on its list."""
    codes, causes = rule.params.get("codes") or [], rule.params.get("cause_codes") or []
    fixes = []
    if not is_present(submission.resolution_code) or (codes and submission.resolution_code not in codes):
        fixes.append(f"Choose a resolution code: {', '.join(codes)}." if codes else "Give a resolution code.")
    if causes and submission.cause_code not in causes:
        fixes.append(f"Choose a cause code: {', '.join(causes)}.")
    return _finding(
        rule,
        Met.NO if fixes else Met.YES,
        text or "What was done must be coded.",
        fix=" ".join(fixes),
        codes=list(codes),
        cause_codes=list(causes),
        resolution_code=submission.resolution_code,
        cause_code=submission.cause_code,
    )


def parts_declared(rule: Rule, submission: Submission, facts: Facts, text: str) -> Finding:
    """At least one part was recorded, or it is said that none was used. What was recorded outweighs what is said."""
    met = facts.movements > 0 or submission.no_parts_used
    return _finding(
        rule,
        Met.YES if met else Met.NO,
        text or "Parts must be declared.",
        fix="" if met else "Record the parts that were used, or say that none were.",
        movements=facts.movements,
        no_parts_used=submission.no_parts_used,
    )


def _finding(rule: Rule, met: Met, message: str, *, fix: str, **facts: Any) -> Finding:
    return Finding(rule.id, rule.kind.value, rule.severity.value, met, message, fix, facts)


CHECKS: Mapping[RuleKind, Check] = {
    RuleKind.CHECKLIST: checklist,
    RuleKind.PHOTO: photo,
    RuleKind.SIGNATURE: signature,
    RuleKind.RESOLUTION_CODES: resolution_codes,
    RuleKind.PARTS_DECLARED: parts_declared,
}
