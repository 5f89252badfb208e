"""First-time fix: was one trip enough, and did it last?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from app.domain.kpis.verdicts import Verdict, excluded, no, yes
from app.domain.lifecycle import IncompleteReason

#: Visits that were never meant to fix anything.
NO_TRIP_PURPOSES = frozenset({"survey", "estimate"})
NO_ACCESS = "no_access"
RESOLVED = "resolved"
#: Why a first fix failed, as the loss table groups it; anything else is `not_recorded`.
LOSS_REASONS = frozenset(reason.value for reason in IncompleteReason)


class Attendance(NamedTuple):
    """A visit that reached the site. `left_at` is None while it is there."""

    arrived_at: datetime
    left_at: datetime | None
    outcome: str | None
    purpose: str | None
    incomplete_reason: str | None


class FirstFix(NamedTuple):
    """A work order that was completed, or given up where `completed_at` is None."""

    left_out: str | None
    completed_at: datetime | None
    counts: bool
    planned_trips: int
    outcome: str | None
    reopened: bool
    callback_at: datetime | None
    visits: Sequence[Attendance]


@dataclass(frozen=True, slots=True)
class FirstFixRules:
    """`strict` puts work that could not be completed into the denominator; `mature` leaves out
    cohorts whose callback window is still open at `as_of`."""

    as_of: datetime
    callback_days: int = 30
    exclude_no_access: bool = False
    strict: bool = False
    mature: bool = False


def trips(visits: Iterable[Attendance]) -> list[list[Attendance]]:
    """Attended visits by trip, in time: visits that overlap on site are one trip of a crew."""
    groups: list[list[Attendance]] = []
    until: datetime | None = None
    endless = False
    for visit in sorted(visits, key=lambda v: v.arrived_at):
        together = groups and (endless or visit.arrived_at < _moment_after(groups[-1], until))
        if together:
            groups[-1].append(visit)
        else:
            groups.append([visit])
            until, endless = None, False
        endless = endless or visit.left_at is None
        if visit.left_at is not None:
            until = visit.left_at if until is None else max(until, visit.left_at)
    return groups


def _moment_after(group: list[Attendance], until: datetime | None) -> datetime:
    """When the group's time on site is over; two arrivals at one instant overlap even with no length."""
    start = group[0].arrived_at
    least = start + timedelta(microseconds=1)
    return least if until is None else max(until, least)


def judge_first_fix(work: FirstFix, rules: FirstFixRules) -> Verdict:
    """K1: fixed by as many trips as planned, with no reopen and no callback within the window.

    Counted in the category `fixed`, or under the one reason why it was not: the first in time.

    Source: the KPI dictionary's K1; ServicePower, "How to calculate First-Time Fix Rate (FTFR)".
    """
    if reason := _left_out(work, rules):
        return excluded(reason)
    if work.completed_at is None:
        return no("cannot_complete")
    if len(_counted_trips(work, rules)) > work.planned_trips:
        return no(_loss_of(work))
    if work.reopened:
        return no("reopened")
    if not _resolved(work):
        return no(_loss_of(work))
    if _called_back(work.completed_at, work.callback_at, rules.callback_days):
        return no("callback")
    return yes("fixed")


def _left_out(work: FirstFix, rules: FirstFixRules) -> str | None:
    if work.left_out is not None:
        return work.left_out
    if not work.counts:
        return "work_type_not_counted"
    if work.completed_at is None:
        return None if rules.strict else "cannot_complete"
    if not work.visits:
        return "remote"
    if not _counted_trips(work, rules):
        return "no_trip"
    if rules.mature and work.completed_at + timedelta(days=rules.callback_days) > rules.as_of:
        return "callback_window_open"
    return None


def _counted_trips(work: FirstFix, rules: FirstFixRules) -> list[list[Attendance]]:
    return trips(
        visit
        for visit in work.visits
        if visit.purpose not in NO_TRIP_PURPOSES
        and not (rules.exclude_no_access and visit.outcome == NO_ACCESS)
        and (work.completed_at is None or visit.arrived_at <= work.completed_at)
    )


def _resolved(work: FirstFix) -> bool:
    if work.outcome is not None:
        return work.outcome == RESOLVED
    before = [visit for visit in work.visits if work.completed_at and visit.arrived_at <= work.completed_at]
    return bool(before) and max(before, key=lambda visit: visit.arrived_at).outcome == RESOLVED


def _called_back(completed_at: datetime, callback_at: datetime | None, days: int) -> bool:
    return callback_at is not None and completed_at <= callback_at <= completed_at + timedelta(days=days)


def _loss_of(work: FirstFix) -> str:
    """The primary reason: what kept the first visit that did not resolve from doing so."""
    for visit in sorted(work.visits, key=lambda v: v.arrived_at):
        if visit.outcome == RESOLVED or visit.purpose in NO_TRIP_PURPOSES:
            continue
        if visit.outcome == NO_ACCESS:
            return "access"
        if visit.incomplete_reason in LOSS_REASONS:
            return str(visit.incomplete_reason)
    return "not_recorded"


def judge_single_visit(visits: int, outcome: str | None, *, left_out: str | None = None) -> Verdict:
    """The closed-work variant: fixed means exactly one visit, and that one resolved it.

    Closed work without a visit is in the denominator and not fixed.
    """
    if left_out is not None:
        return excluded(left_out)
    if visits == 1 and outcome == RESOLVED:
        return yes("fixed")
    return no("no_visit" if visits == 0 else "several_visits" if visits > 1 else "not_resolved")
