"""Reads the cells of historic records. A cell is text; JSON brings true, false and lists besides, and its numbers
as the text that they were written in, so that no digit is lost."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

Reader = Callable[[Any], Any]

EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
NUMBER = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,4})?")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
MOST_DECIMALS = 9
LARGEST = 10**15


class CellRefused(ValueError):
    """Why a cell cannot be taken: a stable `code`, and the reason for a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def text(longest: int = 200) -> Reader:
    """Text as it is, with nothing stripped; a JSON number counts as its digits."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise CellRefused("not-text", "must be text")
        if len(value) > longest:
            raise CellRefused("too-long", f"may have {longest} characters at most, this has {len(value)}")
        if not value.isascii():
            _refuse_broken(value)
        if "\x00" in value:
            raise CellRefused("not-text", "has a NUL character")
        return value

    return read


def _refuse_broken(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise CellRefused("not-text", "has bytes that are not UTF-8") from None


def moment(value: Any) -> datetime:
    """An instant with its zone, in UTC."""
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise CellRefused("not-a-time", "must be a time like 2015-01-31T09:30:00Z") from None
    if read.tzinfo is None:
        raise CellRefused("no-time-zone", "must say its time zone, Z or an offset like +01:00")
    try:
        read = read.astimezone(UTC)
    except OverflowError:
        raise CellRefused("out-of-range", "is no time of this or the last centuries") from None
    if not EARLIEST <= read < LATEST:
        raise CellRefused("out-of-range", "must be in the years 1900 to 2199")
    return read


def number(least: Decimal | int = -LARGEST, most: Decimal | int = LARGEST) -> Reader:
    """A decimal number, exact."""

    def read(value: Any) -> Decimal:
        if not isinstance(value, str) or NUMBER.fullmatch(value) is None:
            raise CellRefused("not-a-number", "must be a number")
        read = Decimal(value)
        if not least <= read <= most:
            raise CellRefused("out-of-range", f"must be between {least} and {most}")
        read = Decimal(0) if read == 0 else read.normalize()
        if -int(read.as_tuple().exponent) > MOST_DECIMALS:
            raise CellRefused("out-of-range", f"may have {MOST_DECIMALS} digits after the point at most")
        return read

    return read


def whole(least: int = 0, most: int = 2**31 - 1) -> Reader:
    """A whole number; 3.0 is one."""
    any_number = number(least, most)

    def read(value: Any) -> int:
        found = any_number(value)
        if found != found.to_integral_value():
            raise CellRefused("not-a-number", "must be a whole number")
        return int(found)

    return read


def word(known: Mapping[str, str]) -> Reader:
    """One of these words; what it means here is the value."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise CellRefused("unknown-word", f"must be one of {', '.join(known)}")
        return known[value]

    return read


def truth(value: Any) -> bool:
    known = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in known:
        raise CellRefused("unknown-word", "must be true or false")
    return known[value.lower()]


def names(value: Any) -> list[str]:
    """A list of names: a JSON list, or text with semicolons between them."""
    one = text()
    parts = value.split(";") if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) > 100:
        raise CellRefused("not-a-list", "must be a list of at most 100 names, with semicolons between them")
    return [name for name in (one(part).strip() for part in parts) if name]


def currency(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 3 or not (value.isascii() and value.isalpha() and value.isupper()):
        raise CellRefused("not-a-currency", "must be a currency code like EUR")
    return value


def email(value: Any) -> str:
    read: str = text(254)(value)
    if ADDRESS.fullmatch(read) is None:
        raise CellRefused("not-an-address", "must be an e-mail address")
    return read


def time_zone(value: Any) -> str:
    try:
        return ZoneInfo(text(64)(value)).key
    except CellRefused:
        raise
    except (ValueError, OSError, KeyError):
        raise CellRefused("not-a-time-zone", "must be a time zone like Europe/Amsterdam") from None
