"""Is the work proven? A submission, judged by the policy that its visit was dispatched with."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.domain.closure_policy import ClosurePolicy, Review, Risk, Rule, RuleKind, Severity, review_of
from app.domain.closure_rules import CHECKS, Facts, Finding, Met, Submission
from app.domain.conditions import holds


class VerdictKind(StrEnum):
    """`unmet` keeps the visit open; all others complete it, and only `verified` and `waived` let the work be closed."""

    VERIFIED = "verified"
    AWAITING_EVIDENCE = "awaiting_evidence"
    PENDING_REVIEW = "pending_review"
    CHANGES_REQUESTED = "changes_requested"
    UNMET = "unmet"
    WAIVED = "waived"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows, and why: the finding of each rule, then what is still waited for.

    `missing`: ids of promised evidence whose bytes are not here. `review`: why a supervisor is asked.
    """

    kind: VerdictKind
    findings: tuple[Finding, ...]
    missing: tuple[str, ...] = ()
    review: tuple[str, ...] = ()


def evaluate(policy: ClosurePolicy, submission: Submission, facts: Facts, *, language: str = "en") -> Verdict:
    """Judge the submission by each rule whose condition is true.

    What blocks comes first: `unmet`, then `awaiting_evidence`, then `pending_review`, else `verified`.
    """
    values = facts.values_with(submission)
    rules = [rule for rule in policy.rules if holds(rule.when, values)]
    findings = tuple(
        CHECKS[rule.kind](rule, submission, facts, _text(rule, language))
        for rule in rules
        if rule.kind is not RuleKind.SUPERVISOR_REVIEW
    )
    asked = [rule for rule in rules if rule.kind is RuleKind.SUPERVISOR_REVIEW]
    reviews = [policy.review, *(review_of(rule.params) for rule in asked)]
    reasons = reasons_for_review(reviews, facts, risks_of(submission, facts))
    missing = tuple(one.id for one in facts.evidence if not one.stored)
    findings += _what_is_waited_for(missing, reasons)
    blocking = [finding for finding in findings if finding.severity == Severity.BLOCK]
    if any(finding.met is Met.NO for finding in blocking):
        kind = VerdictKind.UNMET
    elif missing:
        kind = VerdictKind.AWAITING_EVIDENCE
    else:
        kind = VerdictKind.PENDING_REVIEW if reasons else VerdictKind.VERIFIED
    return Verdict(kind, findings, missing, reasons)


def _what_is_waited_for(missing: tuple[str, ...], reasons: tuple[str, ...]) -> tuple[Finding, ...]:
    """Findings that belong to no rule of the office: promised bytes, and a supervisor's look."""
    found = []
    if missing:
        message = "Photos or signatures are still on the device."
        facts = {"missing": list(missing)}
        found.append(Finding("evidence", "evidence", "block", Met.AWAITING, message, "Let the device upload.", facts))
    if reasons:
        message = "A supervisor looks at this before it is closed."
        facts = {"reasons": list(reasons)}
        found.append(Finding("review", "supervisor_review", "block", Met.AWAITING, message, "", facts))
    return tuple(found)


def _text(rule: Rule, language: str) -> str:
    """What the office wrote for this rule, in the language, else in English, else in any."""
    texts = rule.message
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def risks_of(submission: Submission, facts: Facts) -> frozenset[str]:
    """The risks that are known of the work, and those that the submission itself shows."""
    shown = {
        Risk.SIGNATURE_REFUSED: bool(submission.refusals),
        Risk.REUSED_PHOTO: any(one.reused for one in facts.evidence),
    }
    return facts.risks | {risk.value for risk, is_so in shown.items() if is_so}


def reasons_for_review(reviews: Iterable[Review], facts: Facts, risks: frozenset[str]) -> tuple[str, ...]:
    """Why a supervisor looks at it: `sent_back`, `always`, `sample`, or the risks; none when nobody has to."""
    reasons: list[str] = ["sent_back"] if facts.sent_back else []
    for review in reviews:
        if review.always:
            reasons.append("always")
        if is_sampled(facts.salt, facts.work_order_id, review.sample_percent):
            reasons.append("sample")
        reasons += sorted(review.risk & risks)
    return tuple(dict.fromkeys(reasons))


def is_sampled(salt: bytes, work_order_id: str, percent: float) -> bool:
    """Whether this work order is in the sample: always the same answer, and nobody in the field can choose it.

    Args:
        percent: 0 to 100, to two decimals.
    """
    digest = hashlib.sha256(salt + work_order_id.encode()).digest()
    return int.from_bytes(digest[:4]) % 10_000 < percent * 100
