"""What one record counts for in one KPI."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple


class Verdict(NamedTuple):
    """A record's part in a KPI. Never changed, so that thousands of records share the few that say yes or no.

    Attributes:
        weight: what it adds to the denominator (1 for most; seconds available for utilization).
        amount: what it adds to the numerator (0 or 1 for a share; seconds, minor units or a score else).
        value: its own figure, for mean and percentiles; None when it has none.
        category: one word on why it counts as it does: a loss reason, a score, a lateness bucket.
        reason: why it is left out; None when it is counted. A record left out adds nothing.
        components: named parts of `amount`; None marks a part that cannot be known.
        currency: the money's currency; amounts of two currencies are never added.
    """

    weight: float = 1
    amount: float = 1
    value: float | None = None
    category: str | None = None
    reason: str | None = None
    components: Mapping[str, float | None] | None = None
    currency: str | None = None


def scope_reason(*, is_test: bool, merged: bool, canceled: bool) -> str | None:
    """Why a work order is in no KPI, unless the KPI says otherwise; None when it is in scope."""
    if is_test:
        return "test"
    if merged:
        return "merged"
    return "canceled" if canceled else None


@lru_cache(maxsize=1000)
def excluded(reason: str) -> Verdict:
    """The record is left out, for a reason that the answer states."""
    return Verdict(weight=0, amount=0, reason=reason)


@lru_cache(maxsize=1000)
def yes(category: str | None = None, value: float | None = None) -> Verdict:
    """In the denominator and the numerator of a share."""
    return Verdict(weight=1, amount=1, value=value, category=category)


@lru_cache(maxsize=1000)
def no(category: str | None = None, value: float | None = None) -> Verdict:
    """In the denominator of a share, not in its numerator."""
    return Verdict(weight=1, amount=0, value=value, category=category)


def measured(figure: float, category: str | None = None) -> Verdict:
    """One record of a mean: adds its figure to the sum and one to the count."""
    return Verdict(weight=1, amount=figure, value=figure, category=category)


def weighed(amount: float, weight: float, category: str | None = None) -> Verdict:
    """One record of a ratio of two sums."""
    return Verdict(weight=weight, amount=amount, category=category)
