"""Work that came back."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

from app.domain.kpis.verdicts import Verdict, excluded, no, yes

#: Source words after which work is done, and the one that leaves it without reopening.
DONE = frozenset({"resolved", "closed"})
NOT_REOPENED = DONE | {"cancelled"}


def judge_reopen(
    completed_at: datetime, reopened_at: datetime | None, *, within_days: int, left_out: str | None = None
) -> Verdict:
    """K18: reopened within the window after the first completion; once per work order."""
    if left_out is not None:
        return excluded(left_out)
    if reopened_at is None:
        return no("stayed_done")
    return yes("reopened") if reopened_at <= completed_at + timedelta(days=within_days) else no("reopened_later")


def recorded_reopens(statuses: Sequence[str]) -> int | None:
    """How often a recorded history, in its own order, left done for anything but done or canceled.

    Returns:
        None when it never was done.
    """
    if DONE.isdisjoint(statuses):
        return None
    return sum(before in DONE and after not in NOT_REOPENED for before, after in itertools.pairwise(statuses))


def judge_recorded_reopens(statuses: Sequence[str], *, left_out: str | None = None) -> Verdict:
    """The recorded-history variant; its value is the number of reopenings."""
    if left_out is not None:
        return excluded(left_out)
    reopens = recorded_reopens(statuses)
    if reopens is None:
        return excluded("never_done")
    return yes("reopened", value=reopens) if reopens else no("stayed_done", value=0)
