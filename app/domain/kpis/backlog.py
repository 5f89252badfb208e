"""What is open at an instant, how old it is and how much of it is late."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

DAY_SECONDS = 86_400


class OpenWork(NamedTuple):
    """A time during which a work order was open: `[opened_at, closed_at)`, None = still.

    `aged_from` is the instant its age counts from: the request, even after a reopen.
    """

    opened_at: datetime
    closed_at: datetime | None
    aged_from: datetime
    due_at: datetime | None


def is_open(work: OpenWork, at: datetime) -> bool:
    """Open at the instant itself: what opens at it is in, what closes at it is out."""
    return work.opened_at <= at and (work.closed_at is None or work.closed_at > at)


def was_open_before(work: OpenWork, at: datetime) -> bool:
    """Open at the end of a period that ends, exclusively, at `at`."""
    return work.opened_at < at and (work.closed_at is None or work.closed_at >= at)


def age_seconds(work: OpenWork, at: datetime) -> float:
    return (at - work.aged_from).total_seconds()


def is_overdue(work: OpenWork, at: datetime) -> bool:
    return work.due_at is not None and work.due_at < at


def band_names(edges_days: Sequence[int]) -> list[str]:
    """Names of the age bands between ascending edges in days: `0-7`, `7-30`, … `90+`."""
    starts = [0, *edges_days]
    return [f"{low}-{high}" for low, high in zip(starts, edges_days, strict=False)] + [f"{starts[-1]}+"]


def age_band(age: float, edges_days: Sequence[int]) -> str:
    """The band of an age in seconds; a band holds its lower edge, not its upper."""
    return band_names(edges_days)[bisect_right([edge * DAY_SECONDS for edge in edges_days], age)]


def open_at_ends(work: Iterable[OpenWork], ends: Sequence[datetime]) -> list[int]:
    """How much was open at the end of each period, one count per end.

    Work that closes exactly at an end was open in the period; work that opens at it was not.
    """
    spans = list(work)
    opened = sorted(span.opened_at for span in spans)
    closed = sorted(span.closed_at for span in spans if span.closed_at is not None)
    return [bisect_left(opened, end) - bisect_left(closed, end) for end in ends]
