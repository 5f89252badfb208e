"""SLA targets: met, missed, or still running, with paused time left out."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.domain.intervals import Interval, union
from app.domain.kpis.verdicts import Verdict, excluded, no, yes


class Milestone(NamedTuple):
    """One promise of a work order: done by `due_at`, which pauses move back.

    `pauses` are the times on hold that stop the clock; an open one ends at the judging instant.
    """

    left_out: str | None
    due_at: datetime | None
    done_at: datetime | None
    canceled_at: datetime | None
    pauses: Sequence[Interval]


def effective_target(due_at: datetime, pauses: Sequence[Interval]) -> datetime:
    """The target after pauses: each one that starts before it moves it by its own length."""
    target = due_at
    for start, end in union(pauses):
        if start >= target:
            break
        target += end - start
    return target


def target_of(milestone: Milestone) -> datetime | None:
    """The target that decides: pauses after the milestone was done do not move it."""
    if milestone.due_at is None:
        return None
    done = milestone.done_at
    pauses = [
        Interval(start, end if done is None else min(end, done))
        for start, end in milestone.pauses
        if done is None or start < done
    ]
    return effective_target(milestone.due_at, pauses)


def judge_milestone(milestone: Milestone, as_of: datetime) -> Verdict:
    """K9: met when done by the target; violated when done late or still open after it."""
    target = target_of(milestone)
    if milestone.left_out is not None:
        return excluded(milestone.left_out)
    if target is None:
        return excluded("no_target")
    if milestone.done_at is not None:
        return yes("met") if milestone.done_at <= target else no("done_late")
    if milestone.canceled_at is not None and milestone.canceled_at < target:
        return excluded("canceled")
    return excluded("still_running") if target >= as_of else no("open_past_target")


def judge_closing(due_at: datetime | None, closed_at: datetime, *, left_out: str | None = None) -> Verdict:
    """The closed-work variant: only work that was closed, against its first target."""
    if left_out is not None:
        return excluded(left_out)
    if due_at is None:
        return excluded("no_target")
    return yes("met") if closed_at <= due_at else no("done_late")
