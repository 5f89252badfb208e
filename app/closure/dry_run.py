"""What another closure policy would have said of closures that were decided: judged again from what was stored."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.closure.dry_run_schemas import BrokenRuleOut, DryRunIn, DryRunOut, FailingOut, VerdictsOut
from app.closure.risks import is_odd, usual_seconds
from app.domain.checklist import expanded, items_of, judge
from app.domain.closure import Verdict, VerdictKind, evaluate
from app.domain.closure_case import facts_of_json, submission_of_json
from app.domain.closure_facts import Facts, Met, Submission
from app.domain.closure_policy import ClosurePolicy, Risk, Severity, policy_of
from app.identity.access import Caller
from app.kit.database import rows
from app.kit.problems import Unprocessable
from app.work_orders.policy_queries import closure_policy_of, known_forms, newest_forms
from app.work_orders.policy_schemas import MatchIn
from app.work_orders.well_formed import check_proofs, forms_named

A_MONTH = timedelta(days=30)
#: Closures that one dry run looks at, how many of those that fail it lists, and how many it reads at a time.
MOST, LISTED, CHUNK = 2000, 200, 500


class PeriodNotWellFormed(Unprocessable):
    """It ends before it begins."""

    code = "period-not-well-formed"


@dataclass(frozen=True, slots=True)
class Trial:
    """The policy that is tried out. `forms`: the items of those that it names, as they would be asked."""

    policy: ClosurePolicy
    forms: list[dict[str, Any]]
    language: str
    usual: dict[UUID, tuple[float, float] | None] = field(default_factory=dict)
    """From work type to what its visits usually take, of those that were asked for."""


def dry_run(db: Session, given: DryRunIn, *, by: Caller, at: datetime, most: int = MOST) -> DryRunOut:
    """Judge decided closures by other rules. Nothing is changed by it.

    Args:
        most: closures that are looked at, the newest first.

    Raises:
        NotFound: there is no policy with this id.
        PolicyNotWellFormed: the rules have mistakes.
        PeriodNotWellFormed: `to` is not after `from`.
    """
    until = given.to or at
    since = given.from_ or until - A_MONTH
    if until <= since:
        raise PeriodNotWellFormed("A period ends after it begins.", errors=[])
    stored, match = _what_is_tried(db, given, by)
    trial = Trial(policy_of(stored), _items_of_forms(db, by, stored), given.language)
    verdicts: Counter[tuple[str, str]] = Counter()
    failing: list[FailingOut] = []
    not_judged, capped = 0, False
    for seen, row in enumerate(_decided(db, by, match, since, until)):
        if seen == most:
            capped = True
            break
        if "submission" not in row["facts"]:
            not_judged += 1
            continue
        before, after = _both(db, by, row, trial)
        verdicts[before.kind.value, after.kind.value] += 1
        if after.kind is VerdictKind.UNMET and before.kind is not VerdictKind.UNMET:
            failing.append(_failing(row, before, after))
    return DryRunOut(
        decided_from=since,
        decided_to=until,
        judged=verdicts.total(),
        not_judged=not_judged,
        capped=capped,
        changed=sum(count for (before, after), count in verdicts.items() if before != after),
        verdicts=[
            VerdictsOut(before=before, after=after, count=count) for (before, after), count in sorted(verdicts.items())
        ],
        failing_count=len(failing),
        failing=failing[:LISTED],
    )


def _what_is_tried(db: Session, given: DryRunIn, by: Caller) -> tuple[dict[str, Any], MatchIn]:
    stored, match = given.policy, given.match or MatchIn()
    if given.policy_id is not None:
        known = closure_policy_of(db, by, given.policy_id)
        stored = known["policy"] if stored is None else stored
        match = given.match or MatchIn.model_validate(known["match"])
    assert stored is not None, "the schema asks for one of the two"
    check_proofs(policies={"policy": stored}, forms=known_forms(db, by.organization_id, stored))
    return stored, match


def _items_of_forms(db: Session, by: Caller, policy: Mapping[str, Any]) -> list[dict[str, Any]]:
    named = dict.fromkeys(key for _, key in forms_named(policy))
    newest = newest_forms(db, by.organization_id, list(named))
    return [item for key in named for item in expanded(key, newest[key])]


DECIDED = """
SELECT c.id, c.visit_id, c.work_order_id, w.work_type_id, w.number, c.facts, c.policy, c.decided_at
FROM closure_submissions c
JOIN work_orders w ON w.organization_id = c.organization_id AND w.id = c.work_order_id
JOIN visits v ON v.organization_id = c.organization_id AND v.id = c.visit_id
WHERE c.organization_id = %(o)s AND c.decided_at >= %(since)s AND c.decided_at < %(until)s
  AND (%(work_type_id)s::uuid IS NULL OR w.work_type_id = %(work_type_id)s)
  AND (%(customer_id)s::uuid IS NULL OR w.customer_id = %(customer_id)s)
  AND (%(partner_id)s::uuid IS NULL OR v.partner_id = %(partner_id)s)
  AND (%(priority)s::int IS NULL OR w.priority = %(priority)s)
  AND (%(before)s::timestamptz IS NULL OR (c.decided_at, c.id) < (%(before)s::timestamptz, %(id)s::uuid))
ORDER BY c.decided_at DESC, c.id DESC
LIMIT %(limit)s
"""


def _decided(db: Session, by: Caller, match: MatchIn, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    """The closure of each visit that was decided last, the newest first, read in chunks."""
    visits: set[UUID] = set()
    before, after_id = None, None
    while True:
        found = rows(
            db,
            DECIDED,
            o=by.organization_id,
            since=since,
            until=until,
            before=before,
            id=after_id,
            limit=CHUNK,
            **match.model_dump(),
        )
        for row in found:
            if row["visit_id"] not in visits:
                visits.add(row["visit_id"])
                yield row
        if len(found) < CHUNK:
            return
        before, after_id = found[-1]["decided_at"], found[-1]["id"]


def _both(db: Session, by: Caller, row: Mapping[str, Any], trial: Trial) -> tuple[Verdict, Verdict]:
    """The verdict by the closure's own policy, and by the one that is tried out, on the same facts."""
    said, facts = submission_of_json(row["facts"]["submission"]), facts_of_json(row["facts"])
    own = policy_of(row["policy"])
    asked = _asked_by(trial, said, facts)
    if Risk.ODD_DURATION in trial.policy.risks - own.risks and _took_unusually(db, by, row, trial, facts):
        asked = replace(asked, risks=asked.risks | {Risk.ODD_DURATION.value})
    before = evaluate(own, said, facts, language=trial.language)
    return before, evaluate(trial.policy, said, asked, language=trial.language)


def _took_unusually(db: Session, by: Caller, row: Mapping[str, Any], trial: Trial, facts: Facts) -> bool:
    """Or short. It is looked at, and kept, only where the closure's own policy asks: here, by what is usual today."""
    kind = row["work_type_id"]
    if kind is not None and kind not in trial.usual:
        trial.usual[kind] = usual_seconds(db, by.organization_id, kind)
    return is_odd(facts.worked_seconds, trial.usual.get(kind))


def _asked_by(trial: Trial, said: Submission, facts: Facts) -> Facts:
    """The facts with the checklist that there would have been: the work type's own items, and those of other forms."""
    checklist = [*(item for item in facts.checklist if "form" not in item), *trial.forms]
    if checklist == facts.checklist:
        return facts
    asked = replace(facts, checklist=checklist)
    open_tasks = len(judge(items_of(asked.checklist), said.answers, asked.values_with(said)).missing)
    return replace(asked, open_items={**asked.open_items, "tasks": open_tasks})


def _failing(row: Mapping[str, Any], before: Verdict, after: Verdict) -> FailingOut:
    return FailingOut(
        work_order_id=row["work_order_id"],
        work_order_number=row["number"],
        visit_id=row["visit_id"],
        closure_id=row["id"],
        decided_at=row["decided_at"],
        before=before.kind.value,
        rules=[
            BrokenRuleOut(rule_id=one.rule_id, kind=one.kind, message=one.message, how_to_fix=one.how_to_fix)
            for one in after.findings
            if one.met is Met.NO and one.severity == Severity.BLOCK
        ],
    )
