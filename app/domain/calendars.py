"""Local days, reporting buckets, periods to compare with, and business time.

A local day starts at the first instant of its date in the zone, so it may have 23 or 25 hours.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, NamedTuple

BucketSize = Literal["day", "week", "month"]
Comparison = Literal["previous", "year_ago"]

DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EVERY_DAY = frozenset({1, 2, 3, 4, 5, 6, 7})
#: How far a business-time table grows beyond what it was asked, so that neighbors find it ready.
MARGIN = timedelta(days=60)


class Bucket(NamedTuple):
    """One column of a series: the local date that names it and the instants it covers."""

    label: date
    start: datetime
    end: datetime


def local_midnight(day: date, zone: tzinfo) -> datetime:
    """The instant (UTC) at which the local date begins."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def local_date(at: datetime, zone: tzinfo) -> date:
    return at.astimezone(zone).date()


def bucket_start(day: date, size: BucketSize) -> date:
    """First date of the day, ISO week (Monday) or month that holds `day`."""
    if size == "week":
        return day - timedelta(days=day.isoweekday() - 1)
    return day.replace(day=1) if size == "month" else day


def next_bucket(day: date, size: BucketSize) -> date:
    """First date of the bucket after the one that starts on `day`."""
    if size == "month":
        return (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return day + timedelta(days=7 if size == "week" else 1)


def buckets(start: datetime, end: datetime, size: BucketSize, zone: tzinfo) -> list[Bucket]:
    """Local days, weeks or months that touch `[start, end)`, ascending; the outer two are cut to it."""
    columns: list[Bucket] = []
    label = bucket_start(local_date(start, zone), size)
    while (opens := local_midnight(label, zone)) < end:
        following = next_bucket(label, size)
        closes = local_midnight(following, zone)
        if closes > start:
            columns.append(Bucket(label, max(opens, start), min(closes, end)))
        label = following
    return columns


def months_between(first: date, last: date) -> int | None:
    """Whole months from one first of a month to another; None when either is another day."""
    if first.day != 1 or last.day != 1:
        return None
    return (last.year - first.year) * 12 + last.month - first.month


def months_earlier(day: date, months: int) -> date:
    """The same day some months before; the last day of the month where it has no such day."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    first = date(year, month + 1, 1)
    return first.replace(day=min(day.day, (next_bucket(first, "month") - DAY).day))


def earlier_period(start: datetime, end: datetime, how: Comparison, zone: tzinfo) -> tuple[datetime, datetime]:
    """The period to compare `[start, end)` with, in local calendar terms.

    `year_ago` moves both ends back a year on the local clock. `previous` is the period that ends
    where this one starts and has as many whole months, else as many local days, else as many seconds.
    """
    first, last = start.astimezone(zone), end.astimezone(zone)
    if how == "year_ago":
        return _a_year_before(first), _a_year_before(last)
    if first.time() != time() or last.time() != time():
        return start - (end - start), start
    if months := months_between(first.date(), last.date()):
        return local_midnight(months_earlier(first.date(), months), zone), start
    return local_midnight(first.date() - (last.date() - first.date()), zone), start


def _a_year_before(local: datetime) -> datetime:
    return datetime.combine(months_earlier(local.date(), 12), local.time(), local.tzinfo).astimezone(UTC)


@dataclass
class BusinessCalendar:
    """Opening hours on the listed ISO weekdays (1 = Monday), local to a zone, with days off.

    `closes_at` None is midnight at the end of the day. Clock changes follow the zone: an hour that
    the clocks skip is no business time, one that they repeat counts twice.

    Raises:
        ValueError: the day would close before it opens.
    """

    zone: tzinfo
    weekdays: frozenset[int] = EVERY_DAY
    opens_at: time = time()
    closes_at: time | None = None
    holidays: frozenset[date] = frozenset()
    _opens: list[int] = field(default_factory=list, repr=False)
    _lengths: list[int] = field(default_factory=list, repr=False)
    _before: list[int] = field(default_factory=list, repr=False)
    _covers: tuple[date, date] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.closes_at is not None and self.closes_at <= self.opens_at:
            raise ValueError("The day must close after it opens.")

    def seconds_between(self, start: datetime, end: datetime) -> float:
        """Business seconds in `[start, end)`; negative when `end` comes first.

        Adds up: a to b plus b to c is a to c. Costs two look-ups however long the span is.
        """
        first, last = min(start, end), max(start, end)
        self._cover(local_date(first, self.zone), local_date(last, self.zone))
        return (self._elapsed(_microseconds(end)) - self._elapsed(_microseconds(start))) / 1_000_000

    def _elapsed(self, instant: int) -> int:
        place = bisect_right(self._opens, instant) - 1
        if place < 0:
            return 0
        return self._before[place] + min(instant - self._opens[place], self._lengths[place])

    def _cover(self, first: date, last: date) -> None:
        if self._covers is not None:
            if self._covers[0] <= first and last <= self._covers[1]:
                return
            first, last = min(first, self._covers[0]), max(last, self._covers[1])
        self._covers = (first - MARGIN, last + MARGIN)
        self._tabulate(*self._covers)

    def _tabulate(self, first: date, last: date) -> None:
        self._opens, self._lengths, self._before = [], [], []
        total = 0
        for opens, closes in self._days(first, last):
            self._opens.append(opens)
            self._lengths.append(closes - opens)
            self._before.append(total)
            total += closes - opens

    def _days(self, first: date, last: date) -> Iterable[tuple[int, int]]:
        day = first
        while day <= last:
            if day.isoweekday() in self.weekdays and day not in self.holidays:
                opens = _microseconds(datetime.combine(day, self.opens_at, self.zone))
                closes = _microseconds(
                    local_midnight(day + DAY, self.zone)
                    if self.closes_at is None
                    else datetime.combine(day, self.closes_at, self.zone)
                )
                if closes > opens:
                    yield opens, closes
            day += DAY


def _microseconds(at: datetime) -> int:
    """Since the epoch, exactly: floats of that size lose the last digits."""
    return (at - EPOCH) // MICROSECOND
