"""How long things took: cycle, lead and resolution time, visits, and waiting in a state."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.domain.calendars import BusinessCalendar
from app.domain.intervals import Interval, clipped, total_seconds
from app.domain.kpis.verdicts import Verdict, excluded, measured


class Span(NamedTuple):
    """From one milestone of a work order to another; None where it was not reached.

    `holds` are the times on hold, disjoint or not; they matter to the net variant only.
    """

    left_out: str | None
    started_at: datetime | None
    ended_at: datetime | None
    holds: Sequence[Interval] = ()


def judge_span(span: Span, *, net: bool = False, calendar: BusinessCalendar | None = None) -> Verdict:
    """Seconds between the two milestones.

    Args:
        net: leave out the time on hold.
        calendar: count business seconds only.
    """
    if span.left_out is not None:
        return excluded(span.left_out)
    if span.started_at is None:
        return excluded("never_started")
    if span.ended_at is None:
        return excluded("not_ended")
    if span.ended_at < span.started_at:
        return excluded("ends_before_start")
    if calendar is not None:
        seconds = calendar.seconds_between(span.started_at, span.ended_at)
    else:
        seconds = (span.ended_at - span.started_at).total_seconds()
    return measured(seconds - (held_seconds(span, calendar) if net else 0))


def held_seconds(span: Span, calendar: BusinessCalendar | None = None) -> float:
    """Time on hold inside the span; overlapping holds count once."""
    inside = [part for hold in span.holds if (part := clipped(hold, span.started_at, span.ended_at)) is not None]
    if calendar is None:
        return total_seconds(inside)
    return sum(calendar.seconds_between(start, end) for start, end in inside)


def judge_stay(
    state: str, stay: Interval, start: datetime | None, end: datetime | None, *, left_out: str | None = None
) -> Verdict:
    """Seconds that a work order spent in a state inside the period, under the state's name."""
    if left_out is not None:
        return excluded(left_out)
    inside = clipped(stay, start, end)
    return measured(inside.seconds if inside else 0.0, category=state)


def judge_recorded_stay(
    word: str, entered_at: datetime, next_at: datetime | None, *, left_out: str | None = None
) -> Verdict:
    """The recorded-history variant: from one event of the source to its next, under the source's word.

    The last event adds nothing. Events that the source put out of order in time take time away.
    """
    if left_out is not None:
        return excluded(left_out)
    seconds = 0.0 if next_at is None else (next_at - entered_at).total_seconds()
    return measured(seconds, category=word)
