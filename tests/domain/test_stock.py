from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.stock import Movement, change_of, level_at

MORNING = datetime(2026, 5, 4, 8, tzinfo=UTC)


def at(hour: int) -> datetime:
    return MORNING + timedelta(hours=hour)


def moved(hour: int, change: str, name: int = 0) -> Movement:
    return Movement(at(hour), UUID(int=name), change=Decimal(change))


def counted(hour: int, level: str, name: int = 0) -> Movement:
    return Movement(at(hour), UUID(int=name), counted=Decimal(level))


histories = st.lists(
    st.one_of(
        st.builds(moved, st.integers(0, 9), st.integers(-5, 5).map(str)),
        st.builds(counted, st.integers(0, 9), st.integers(0, 20).map(str)),
    ),
    max_size=12,
).map(lambda some: [Movement(one.at, UUID(int=number), one.change, one.counted) for number, one in enumerate(some)])


@given(histories, st.randoms(use_true_random=False), st.integers(0, 10))
def test_the_level_does_not_depend_on_the_order_of_arrival(history: list[Movement], chance: Random, hour: int) -> None:
    shuffled = list(history)
    chance.shuffle(shuffled)

    assert level_at(shuffled, at(hour)) == level_at(history, at(hour))


@given(histories)
def test_walking_through_the_day_gives_the_same_level(history: list[Movement]) -> None:
    level = Decimal(0)
    for one in sorted(history, key=lambda each: (each.at, each.counted is not None, each.id)):
        level = one.counted if one.counted is not None else level + one.change

    assert level_at(history) == level


def test_a_use_that_arrives_late_but_happened_before_the_count_is_in_the_count() -> None:
    assert level_at([counted(5, "7"), moved(3, "-2")]) == 7
    assert level_at([counted(5, "7"), moved(6, "-2")]) == 5
    assert level_at([counted(5, "7"), moved(5, "-2")]) == 7


def test_the_level_may_be_negative() -> None:
    assert level_at([moved(1, "1"), moved(2, "-2.5")]) == Decimal("-1.5")


@pytest.mark.parametrize(
    ("kind", "change"),
    [("received", 2), ("returned", 2), ("transferred_in", 2), ("used", -2), ("transferred_out", -2), ("counted", 0)],
)
def test_what_each_kind_does_to_the_level(kind: str, change: int) -> None:
    assert change_of(kind, Decimal(2)) == change
