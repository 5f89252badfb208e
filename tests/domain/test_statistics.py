import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.statistics import mean, mean_interval, percent, percentile, wilson


def test_a_share_of_nothing_is_unknown_and_never_zero_or_one() -> None:
    assert percent(0, 0) is None
    assert mean([]) is None
    assert percentile([], 0.5) is None
    assert wilson(0, 0) is None


@pytest.mark.parametrize(("part", "whole", "expected"), [(1, 8, 12.5), (1, 800, 0.12), (3, 800, 0.38), (2, 3, 66.67)])
def test_percent_rounds_to_two_places_half_to_even(part: int, whole: int, expected: float) -> None:
    assert percent(part, whole) == expected


def test_four_of_five_is_anything_from_38_to_96_percent() -> None:
    few, many = wilson(4, 5), wilson(400, 500)

    assert few is not None
    assert (round(few.low, 1), round(few.high, 1)) == (37.6, 96.4)
    assert many is not None
    assert (round(many.low, 1), round(many.high, 1)) == (76.3, 83.3)


def test_percentiles_interpolate_between_neighbors() -> None:
    ordered = [1.0, 2.0, 3.0, 4.0]

    assert [percentile(ordered, share) for share in (0, 0.5, 0.9, 1)] == [1.0, 2.5, 3.7, 4.0]


@given(st.lists(st.integers(0, 10**7), min_size=1))
def test_a_percentile_lies_between_the_least_and_the_greatest(values: list[int]) -> None:
    ordered = sorted(float(value) for value in values)

    for share in (0.0, 0.1, 0.5, 0.9, 0.95, 1.0):
        found = percentile(ordered, share)
        assert found is not None
        assert ordered[0] <= found <= ordered[-1]


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_wilson_interval_holds_its_share_and_stays_inside_0_to_100(part: int, more: int) -> None:
    whole = part + more
    found = wilson(part, whole)

    assert found is not None
    assert 0 <= found.low <= 100 * part / whole + 1e-9
    assert 100 * part / whole - 1e-9 <= found.high <= 100


def test_an_interval_of_a_mean_needs_two_values() -> None:
    assert mean_interval([5.0]) is None
    found = mean_interval([4.0, 6.0])
    assert found is not None
    assert found.low < 5 < found.high
