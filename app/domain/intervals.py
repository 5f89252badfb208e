"""Arithmetic of half-open intervals `[start, end)` in time."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple


class Interval(NamedTuple):
    """From `start` up to, not including, `end`; both carry a zone."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


def closed_at(start: datetime, end: datetime | None, as_of: datetime) -> Interval:
    """The interval with an open end clipped at `as_of`, never of negative length."""
    return Interval(start, max(start, as_of if end is None else end))


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time without overlaps: ascending, disjoint, empty ones dropped, touching ones joined."""
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if joined and start <= joined[-1].end:
            joined[-1] = Interval(joined[-1].start, max(joined[-1].end, end))
        else:
            joined.append(Interval(start, end))
    return joined


def intersection(some: Iterable[Interval], others: Iterable[Interval]) -> list[Interval]:
    """Time that lies in both, ascending and disjoint."""
    left, right = union(some), union(others)
    shared: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i].start, right[j].start), min(left[i].end, right[j].end)
        if start < end:
            shared.append(Interval(start, end))
        if left[i].end <= right[j].end:
            i += 1
        else:
            j += 1
    return shared


def difference(some: Iterable[Interval], without: Iterable[Interval]) -> list[Interval]:
    """Time of `some` that is not in `without`, ascending and disjoint."""
    holes = union(without)
    rest: list[Interval] = []
    for start, end in union(some):
        for hole in holes:
            if hole.end <= start or hole.start >= end:
                continue
            if hole.start > start:
                rest.append(Interval(start, hole.start))
            start = max(start, hole.end)
        if start < end:
            rest.append(Interval(start, end))
    return rest


def clipped(interval: Interval, start: datetime | None, end: datetime | None) -> Interval | None:
    """What is left of an interval inside a period (None = unbounded); None when nothing is."""
    first = interval.start if start is None else max(interval.start, start)
    last = interval.end if end is None else min(interval.end, end)
    return Interval(first, last) if first < last else None


def total_seconds(intervals: Iterable[Interval]) -> float:
    """Length of the union: time that is covered twice counts once."""
    return sum(interval.seconds for interval in union(intervals))
