"""Is the work proven? A submission, judged by the policy that its visit was dispatched with.

The phone judges too, while it is offline: clients/typescript/src/closure is the same evaluator, and
openapi/closure-vectors is the contract of both. Neither may use what only its language has.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.domain.closure_facts import Asked, Facts, Finding, Met, Submission, entries
from app.domain.closure_policy import ClosurePolicy, Review, Risk, Rule, RuleKind, Severity, WaivableBy, review_of
from app.domain.closure_rules import CHECKS
from app.domain.closure_texts import say
from app.domain.conditions import holds, is_text

#: What a supervisor waives when promised bytes never came: then they are counted as never promised.
EVIDENCE = "evidence"


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

    What blocks comes first: `unmet`, then `awaiting_evidence`, then `pending_review`, then `waived`, else `verified`.
    """
    lost = tuple(one.id for one in facts.evidence if not one.stored)
    given_up = _granted(facts.waivers, EVIDENCE, "supervisor") if lost else None
    if given_up is not None:
        facts = replace(facts, evidence=[one for one in facts.evidence if one.stored])
    missing = lost if given_up is None else ()
    values = facts.values_with(submission)
    rules = [rule for rule in policy.rules if holds(rule.when, values)]
    findings = [
        _waived(rule, CHECKS[rule.kind](Asked(rule, submission, facts, language)), submission, facts)
        for rule in rules
        if rule.kind is not RuleKind.SUPERVISOR_REVIEW
    ]
    findings += _about_evidence(lost, given_up, language)
    reviews = [policy.review, *(review_of(rule.params) for rule in rules if _asks_for_review(rule))]
    reasons = reasons_for_review(reviews, submission, facts, findings)
    kind = _verdict(findings, missing, reasons)
    return Verdict(kind, (*findings, *_about_review(reasons, language)), missing, reasons)


def _asks_for_review(rule: Rule) -> bool:
    """One that only warns never waits for anybody."""
    return rule.kind is RuleKind.SUPERVISOR_REVIEW and rule.severity is Severity.BLOCK


def _verdict(findings: Sequence[Finding], missing: Sequence[str], reasons: Sequence[str]) -> VerdictKind:
    met = {finding.met for finding in findings if finding.severity == Severity.BLOCK and not _is_customers_no(finding)}
    if Met.NO in met:
        return VerdictKind.UNMET
    if missing or Met.AWAITING in met:
        return VerdictKind.AWAITING_EVIDENCE
    if reasons:
        return VerdictKind.PENDING_REVIEW
    return VerdictKind.WAIVED if Met.WAIVED in met else VerdictKind.VERIFIED


def _is_customers_no(finding: Finding) -> bool:
    """The technician cannot mend what the customer says or does not say: a supervisor looks at it."""
    return finding.kind == RuleKind.CUSTOMER_CONFIRM and finding.met is Met.NO


def _waived(rule: Rule, finding: Finding, submission: Submission, facts: Facts) -> Finding:
    """The finding, waived when it would block and somebody who may has said why it need not."""
    if rule.severity is not Severity.BLOCK or finding.met is Met.YES or rule.waivable_by is WaivableBy.NONE:
        return finding
    waiver = _granted(facts.waivers, rule.id, "supervisor")
    if waiver is None and rule.waivable_by is WaivableBy.TECHNICIAN:
        waiver = _granted(submission.waivers, rule.id, "technician")
    if waiver is None:
        return finding
    return replace(finding, met=Met.WAIVED, how_to_fix="", facts={**finding.facts, "waived": waiver})


def _granted(waivers: Sequence[Mapping[str, Any]], rule_id: str, role: str) -> dict[str, str] | None:
    """The first waiver of the rule, as {reason, role}; one without a reason is none."""
    for one in entries(waivers, "rule_id", rule_id):
        if is_text(one.get("reason")) and one.get("role", role) == role:
            return {"reason": one["reason"], "role": role}
    return None


def _about_evidence(lost: tuple[str, ...], given_up: dict[str, str] | None, language: str) -> list[Finding]:
    """A finding of no rule of the office: what was promised and is not here."""
    if not lost:
        return []
    facts: dict[str, Any] = {"missing": list(lost)}
    if given_up is not None:
        told = say(language, "evidence.waived")
        return [Finding(EVIDENCE, EVIDENCE, "block", Met.WAIVED, told, "", {**facts, "waived": given_up})]
    told, fix = say(language, "evidence"), say(language, "evidence.fix")
    return [Finding(EVIDENCE, EVIDENCE, "block", Met.AWAITING, told, fix, facts)]


def _about_review(reasons: tuple[str, ...], language: str) -> list[Finding]:
    if not reasons:
        return []
    facts = {"reasons": list(reasons)}
    return [Finding("review", "supervisor_review", "block", Met.AWAITING, say(language, "review"), "", facts)]


def risks_of(submission: Submission, facts: Facts, findings: Iterable[Finding]) -> frozenset[str]:
    """The risks that are known of the work, and those that the submission itself shows."""
    shown = {
        Risk.SIGNATURE_REFUSED: bool(submission.refusals),
        Risk.REUSED_PHOTO: any(one.reused for one in facts.evidence),
        Risk.WAIVER_USED: any(finding.met is Met.WAIVED for finding in findings),
    }
    return facts.risks | {risk.value for risk, is_so in shown.items() if is_so}


def reasons_for_review(
    reviews: Iterable[Review], submission: Submission, facts: Facts, findings: Sequence[Finding]
) -> tuple[str, ...]:
    """Why a supervisor looks at it, each reason once; none when nobody has to.

    In this order: `sent_back`, what the customer said, then for each review `always`, `sample`, its risks by name.
    """
    reasons = ["sent_back"] if facts.sent_back else []
    reasons += [
        "customer_disagreed" if finding.facts["answer"] == "no" else "customer_not_answered"
        for finding in findings
        if _is_customers_no(finding) and finding.severity == Severity.BLOCK
    ]
    risks = risks_of(submission, facts, findings)
    for review in reviews:
        if review.always:
            reasons.append("always")
        if is_sampled(facts.draw, review.sample_percent):
            reasons.append("sample")
        reasons += sorted(review.risk & risks)
    return tuple(dict.fromkeys(reasons))


def draw_of(salt: bytes, work_order_id: str) -> int:
    """The lot of a work order, 0 to 9999: always the same, and nobody in the field knows the salt.

    Source: closure spec, sampling: sha256(salt + id), the first four bytes, modulo 10 000.
    """
    digest = hashlib.sha256(salt + work_order_id.encode()).digest()
    return int.from_bytes(digest[:4]) % 10_000


def is_sampled(draw: int | None, percent: float) -> bool:
    """Whether the lot is in the sample; when it is not known, only where the sample is everything.

    Args:
        percent: 0 to 100, to two decimals.
    """
    return percent >= 100 if draw is None else draw < percent * 100
