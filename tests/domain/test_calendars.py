import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.calendars import BusinessCalendar, buckets, earlier_period, local_midnight

PARIS = ZoneInfo("Europe/Paris")
AMSTERDAM = ZoneInfo("Europe/Amsterdam")
OFFICE = BusinessCalendar(AMSTERDAM, frozenset({1, 2, 3, 4, 5}), time(7, 30), time(18))


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(("day", "length"), [((2026, 10, 25), 25), ((2026, 3, 29), 23), ((2026, 6, 1), 24)])
def test_a_local_day_has_as_many_hours_as_the_clocks_gave_it(day: tuple[int, int, int], length: int) -> None:
    start = local_midnight(date(*day), PARIS)

    (only,) = buckets(start, local_midnight(date(*day) + timedelta(days=1), PARIS), "day", PARIS)

    assert (only.end - only.start) == timedelta(hours=length)


def test_a_day_whose_midnight_the_clocks_skip_starts_an_hour_later() -> None:
    sao_paulo = ZoneInfo("America/Sao_Paulo")

    assert local_midnight(date(2017, 10, 15), sao_paulo) == utc(2017, 10, 15, 3)


def test_weeks_start_on_monday_and_the_outer_ones_are_cut_to_the_period() -> None:
    found = buckets(utc(2026, 3, 4), utc(2026, 3, 10), "week", ZoneInfo("UTC"))

    assert [bucket.label for bucket in found] == [date(2026, 3, 2), date(2026, 3, 9)]
    assert found[0].start == utc(2026, 3, 4)
    assert found[-1].end == utc(2026, 3, 10)


@given(
    st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001
    st.timedeltas(timedelta(seconds=1), timedelta(days=200)),
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from(["Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo"]),
)
def test_buckets_tile_the_period(start: datetime, length: timedelta, size: str, zone: str) -> None:
    first = start.replace(tzinfo=UTC)
    last = first + length

    found = buckets(first, last, size, ZoneInfo(zone))  # type: ignore[arg-type]

    assert found[0].start == first
    assert found[-1].end == last
    assert all(before.end == after.start for before, after in itertools.pairwise(found))
    assert all(bucket.start < bucket.end for bucket in found)


def test_the_previous_period_has_as_many_months_days_or_seconds() -> None:
    march = (local_midnight(date(2026, 3, 1), PARIS), local_midnight(date(2026, 4, 1), PARIS))
    week = (local_midnight(date(2026, 3, 30), PARIS), local_midnight(date(2026, 4, 6), PARIS))

    assert earlier_period(*march, "previous", PARIS)[0] == local_midnight(date(2026, 2, 1), PARIS)
    assert earlier_period(*week, "previous", PARIS)[0] == local_midnight(date(2026, 3, 23), PARIS)
    assert earlier_period(utc(2026, 1, 1, 5), utc(2026, 1, 1, 7), "previous", PARIS)[0] == utc(2026, 1, 1, 3)
    assert earlier_period(*march, "year_ago", PARIS) == (
        local_midnight(date(2025, 3, 1), PARIS),
        local_midnight(date(2025, 4, 1), PARIS),
    )


def test_business_time_leaves_out_nights_weekends_and_holidays() -> None:
    friday, monday = utc(2026, 3, 27, 20), utc(2026, 3, 30, 9, 15)
    easter = BusinessCalendar(AMSTERDAM, OFFICE.weekdays, time(7, 30), time(18), frozenset({date(2026, 3, 30)}))

    assert OFFICE.seconds_between(friday, monday) == 3.75 * 3600
    assert easter.seconds_between(friday, monday) == 0


def test_business_time_around_the_clock_has_the_hours_of_the_clock_change() -> None:
    around = BusinessCalendar(PARIS)
    start, end = local_midnight(date(2026, 10, 25), PARIS), local_midnight(date(2026, 10, 26), PARIS)

    assert around.seconds_between(start, end) == 25 * 3600


def test_a_day_that_closes_before_it_opens_is_refused() -> None:
    with pytest.raises(ValueError):
        BusinessCalendar(PARIS, opens_at=time(18), closes_at=time(9))


moments = st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)


@given(moments, moments, moments)
def test_business_time_adds_up(a: datetime, b: datetime, c: datetime) -> None:
    assert OFFICE.seconds_between(a, b) + OFFICE.seconds_between(b, c) == OFFICE.seconds_between(a, c)


@given(moments, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_business_time_is_never_more_than_the_time_that_passed(start: datetime, length: timedelta) -> None:
    assert 0 <= OFFICE.seconds_between(start, start + length) <= length.total_seconds()


@given(moments, st.timedeltas(timedelta(0), timedelta(hours=50)))
def test_business_time_equals_counting_minute_by_minute(start: datetime, length: timedelta) -> None:
    start = start.replace(second=0)
    minutes = int(length.total_seconds() // 60)
    clock = [(start + timedelta(minutes=passed)).astimezone(AMSTERDAM) for passed in range(minutes)]
    counted = sum(at.isoweekday() <= 5 and time(7, 30) <= at.time() < time(18) for at in clock)

    assert OFFICE.seconds_between(start, start + timedelta(minutes=minutes)) == counted * 60
