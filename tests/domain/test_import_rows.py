"""What the cells and rows of historic records may say."""

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.import_rows import TABLES, RowRefused, read_row
from app.domain.import_values import CellRefused, moment, names, number, time_zone, truth, whole
from app.domain.money import minor_units


@given(st.text() | st.none() | st.booleans() | st.lists(st.text(), max_size=2))
def test_a_cell_is_a_value_or_refused_with_a_reason(cell: Any) -> None:
    for rules in TABLES.values():
        for column, read in rules.columns.items():
            with suppress(CellRefused):
                assert read(cell) is not None, column


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_a_number_is_read_exactly(value: Decimal) -> None:
    assert number()(str(value)) == value


@pytest.mark.parametrize("cell", ["", " 1", "1 ", "1,5", "0x10", "٣", "1e", "--1", "inf", "nan", "1" * 31, 1.5])
def test_what_is_not_written_as_a_number_is_none(cell: Any) -> None:
    with pytest.raises(CellRefused):
        number()(cell)


def test_whole_numbers_may_be_written_with_a_point() -> None:
    assert [whole(1, 5)(cell) for cell in ("3", "3.0", "3e0")] == [3, 3, 3]


def test_an_offset_is_read_and_the_instant_is_utc() -> None:
    assert moment("2015-03-08T02:30:00-05:00") == datetime(2015, 3, 8, 7, 30, tzinfo=UTC)
    assert moment("2015-03-08T07:30:00Z").tzinfo is UTC


def test_words_of_truth_lists_and_zones_are_read() -> None:
    assert (truth("TRUE"), truth("0"), truth(True)) == (True, False, True)
    assert (names("gas; water;"), names(["gas"])) == (["gas", "water"], ["gas"])
    assert time_zone("Europe/Amsterdam") == "Europe/Amsterdam"
    for bad in ("Mars/Olympus", "../../etc/passwd", "", "/etc/passwd", "a" * 65):
        with pytest.raises(CellRefused):
            time_zone(bad)


def test_minor_units_are_exact_in_every_currency() -> None:
    assert minor_units(Decimal("120.505"), "EUR") == Decimal("12050.5")
    assert minor_units(Decimal("7"), "JPY") == Decimal(7)
    assert minor_units(Decimal("0.001"), "KWD") == Decimal(1)


def test_closing_at_the_same_instant_as_asking_is_no_contradiction() -> None:
    row = {"external_id": "E1", "created_at": "2015-05-06T11:34:47Z", "status": "closed"}

    assert read_row(TABLES["work_orders"], {**row, "closed_at": row["created_at"]})["closed_at"] is not None
    with pytest.raises(RowRefused, match="is before created_at"):
        read_row(TABLES["work_orders"], {**row, "closed_at": "2015-05-06T11:34:46.999999Z"})
