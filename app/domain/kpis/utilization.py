"""Utilization: how much of the paid, available time went into the work."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from app.domain.intervals import Interval, clipped, difference, intersection, total_seconds
from app.domain.kpis.verdicts import Verdict, excluded, weighed

Include = Literal["all", "travel_only", "work_only"]


class Shift(NamedTuple):
    """One shift of one technician, already cut to the period, with what happened around it.

    `hours` is None for a technician who worked without any calendar.
    """

    hours: Interval | None
    off: Sequence[Interval]
    working: Sequence[Interval]
    traveling: Sequence[Interval]
    unpaid_break_seconds: float = 0


def judge_shift(shift: Shift, include: Include = "all") -> Verdict:
    """K3: working and travel seconds inside the shift, of the shift less absence and unpaid breaks.

    Time that is recorded twice counts once; work outside the shift is overtime and not in here.
    """
    if shift.hours is None:
        return excluded("no_shift")
    present = difference([shift.hours], shift.off)
    if not present:
        return excluded("absent")
    seconds = max(0.0, total_seconds(present) - shift.unpaid_break_seconds)
    used = total_seconds(intersection(present, _busy(shift, include)))
    return weighed(amount=used, weight=seconds)


def _busy(shift: Shift, include: Include) -> list[Interval]:
    if include == "travel_only":
        return difference(shift.traveling, shift.working)
    if include == "work_only":
        return list(shift.working)
    return [*shift.working, *shift.traveling]


def overtime_seconds(worked: Sequence[Interval], shifts: Sequence[Interval]) -> float:
    """Working and travel time that lies in no shift."""
    return total_seconds(difference(worked, shifts))


def within(intervals: Sequence[Interval], hours: Interval) -> list[Interval]:
    """The parts of the intervals that lie inside the hours."""
    return [part for interval in intervals if (part := clipped(interval, hours.start, hours.end))]
