import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.intervals import Interval, clipped, difference, intersection, total_seconds, union

MORNING = datetime(2026, 5, 4, tzinfo=UTC)
HOUR = 3600


def hours(start: float, end: float) -> Interval:
    return Interval(MORNING + timedelta(hours=start), MORNING + timedelta(hours=end))


some_intervals = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 10)).map(lambda pair: hours(pair[0], pair[0] + pair[1])),
    max_size=12,
)


def seconds_covered(intervals: list[Interval]) -> set[int]:
    covered: set[int] = set()
    for start, end in intervals:
        first, last = int((start - MORNING).total_seconds()), int((end - MORNING).total_seconds())
        covered.update(range(first // HOUR, last // HOUR))
    return covered


def test_nested_labor_counts_once() -> None:
    assert total_seconds([hours(9, 12), hours(10, 11)]) == 3 * HOUR
    assert total_seconds([hours(9, 17), hours(9.5, 10), hours(11, 12)]) == 8 * HOUR


def test_a_clipped_interval_outside_the_period_is_nothing() -> None:
    assert clipped(hours(1, 2), MORNING + timedelta(hours=2), None) is None
    assert clipped(hours(1, 4), MORNING + timedelta(hours=2), MORNING + timedelta(hours=3)) == hours(2, 3)


@given(some_intervals)
def test_a_union_covers_the_same_hours_without_overlap(intervals: list[Interval]) -> None:
    joined = union(intervals)

    assert seconds_covered(joined) == seconds_covered(intervals)
    assert all(before.end < after.start for before, after in itertools.pairwise(joined))
    assert union(joined) == joined


@given(some_intervals, some_intervals)
def test_what_is_shared_and_what_is_left_make_up_the_whole(some: list[Interval], others: list[Interval]) -> None:
    shared, left = intersection(some, others), difference(some, others)

    assert seconds_covered(shared) == seconds_covered(some) & seconds_covered(others)
    assert seconds_covered(left) == seconds_covered(some) - seconds_covered(others)
    assert total_seconds(shared) + total_seconds(left) == total_seconds(some)
