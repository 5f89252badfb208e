"""Shapes of the dry run of a closure policy."""

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from app.kit.checked import Language
from app.kit.schemas import In, JsonObject, Out, Time, UtcTime
from app.work_orders.policy_schemas import MatchIn


class DryRunIn(In):
    """Rules to try out (`policy`), or those of a policy that there is (`policy_id`), on the work that `match` names.

    Without `match`, on the work that the policy of `policy_id` is for; without either, on all. `from` and `to` are
    when the closures were decided: without them the last month.
    """

    policy: JsonObject | None = None
    policy_id: UUID | None = None
    match: MatchIn | None = None
    from_: Time | None = Field(default=None, alias="from")
    to: Time | None = None
    language: Language = "en"

    @model_validator(mode="after")
    def _has_rules(self) -> Self:
        if self.policy is None and self.policy_id is None:
            raise ValueError("policy or policy_id is needed")
        return self


class VerdictsOut(Out):
    """How many closures have the verdict `before` by their own policy, and `after` by this one."""

    before: str
    after: str
    count: int


class BrokenRuleOut(Out):
    rule_id: str
    kind: str
    message: str
    how_to_fix: str


class FailingOut(Out):
    """A closure that would have been unmet."""

    work_order_id: UUID
    work_order_number: str
    visit_id: UUID
    closure_id: UUID
    decided_at: UtcTime
    before: str
    rules: list[BrokenRuleOut]


class DryRunOut(Out):
    """What this policy would have said of closures that were decided: one a visit, the one that was decided last.

    `judged` of them were judged again by what is stored; for `not_judged` too little is. `capped`: there are more,
    older ones. `failing_count` would have been unmet and are not by their own policy; `failing` are the newest of them.
    """

    decided_from: UtcTime
    decided_to: UtcTime
    judged: int
    not_judged: int
    capped: bool
    changed: int
    verdicts: list[VerdictsOut]
    failing_count: int
    failing: list[FailingOut]
