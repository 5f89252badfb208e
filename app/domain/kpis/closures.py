"""How often what a technician hands in as proof is good at once."""

from typing import NamedTuple

from app.domain.kpis.verdicts import Verdict, excluded, no, yes

#: What a decision can be, in the order in which the answer lists it.
DECISIONS = ("first_pass", "waived", "sent_back", "rejected")


class Closure(NamedTuple):
    """All that was handed in for one visit, as one closure.

    Attributes:
        decision: the verdict of its first decision: verified, waived, changes_requested or rejected; None before.
        sent_back: whether changes were ever asked for.
        waived: whether a rule was waived in what was decided first.
    """

    left_out: str | None
    decision: str | None
    sent_back: bool
    waived: bool


def judge_first_pass(closure: Closure) -> Verdict:
    """K17: verified by its first decision, with no send-back and no waiver; waived ones are told apart."""
    if closure.left_out is not None:
        return excluded(closure.left_out)
    if closure.decision is None:
        return excluded("undecided")
    if closure.decision == "rejected":
        return no("rejected")
    if closure.sent_back or closure.decision == "changes_requested":
        return no("sent_back")
    return no("waived") if closure.waived or closure.decision == "waived" else yes("first_pass")
