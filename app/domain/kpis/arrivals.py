"""On-time arrival: were we there in the window that the customer was told?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from app.domain.kpis.verdicts import Verdict, excluded, no, yes


class Arrival(NamedTuple):
    """A visit with its promised window; `arrived_at` is None when nobody came (yet)."""

    left_out: str | None
    window_start: datetime | None
    window_end: datetime | None
    arrived_at: datetime | None
    no_show: bool
    canceled_at: datetime | None
    cancel_cause: str | None


@dataclass(frozen=True, slots=True)
class ArrivalRules:
    as_of: datetime
    early_grace: timedelta = timedelta(0)
    grace: timedelta = timedelta(minutes=15)


def judge_arrival(visit: Arrival, rules: ArrivalRules) -> Verdict:
    """K5: there from `early_grace` before the window opens to `grace` after it ends, both included.

    A window that passed without an arrival is late, whoever confirmed it. Off before the window
    opens, or by the customer before it ends, is out; the category is the window accuracy.
    """
    if visit.left_out is not None:
        return excluded(visit.left_out)
    if visit.window_start is None or visit.window_end is None:
        return excluded("no_window")
    if visit.arrived_at is not None:
        accuracy = window_accuracy(visit.arrived_at, visit.window_start - rules.early_grace, visit.window_end)
        on_time = accuracy != "early" and visit.arrived_at <= visit.window_end + rules.grace
        return yes(accuracy) if on_time else no(accuracy)
    if visit.canceled_at is not None:
        return _judge_canceled(visit.window_start, visit.window_end, visit.canceled_at, visit.cancel_cause)
    if visit.no_show:
        return no("no_show")
    if visit.window_end + rules.grace >= rules.as_of:
        return excluded("window_still_open")
    return no("no_show")


def window_accuracy(arrived_at: datetime, opens: datetime, ends: datetime) -> str:
    """early, on_time, late_1_15, late_16_60 or late_60+ (minutes after the window's end)."""
    if arrived_at < opens:
        return "early"
    late = arrived_at - ends
    if late <= timedelta(0):
        return "on_time"
    if late <= timedelta(minutes=15):
        return "late_1_15"
    return "late_16_60" if late <= timedelta(minutes=60) else "late_60+"


def _judge_canceled(opens: datetime, ends: datetime, canceled_at: datetime, cause: str | None) -> Verdict:
    if canceled_at < opens:
        return excluded("canceled_before_window")
    if cause == "customer" and canceled_at <= ends:
        return excluded("canceled_by_customer")
    return no("no_show")


def judge_cancellation(status: str, *, cause: str | None, left_out: str | None = None) -> Verdict:
    """K38: canceled visits of those that came to any end, by cause.

    What is still open is in neither; a no-show is not a cancellation.
    """
    if left_out is not None:
        return excluded(left_out)
    if status == "canceled":
        return yes(cause or "unknown")
    return no(status) if status in {"completed", "incomplete"} else excluded("not_ended")
