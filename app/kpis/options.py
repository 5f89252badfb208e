"""Variant parameters of the KPIs: how each is read, what it may say, what it means when it is not sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any


class Unreadable(ValueError):
    """A parameter says something that it may not say; the text is for the caller."""


@dataclass(frozen=True)
class Option:
    """A named variant: `read` turns the text of the query into the value that the query function gets.

    `required` ones have no default. `shows` is what the default looks like in the catalogue.
    """

    read: Callable[[str], Any]
    default: Any
    meaning: str
    values: tuple[str, ...] = ()
    required: bool = False
    shows: str = field(default="")


def choice(*values: str, meaning: str, aliases: Mapping[str, str] | None = None) -> Option:
    """One of a few words; the first is the default. `aliases` are other words for some of them."""
    known = {**{value: value for value in values}, **(aliases or {})}

    def read(text: str) -> str:
        if text not in known:
            raise Unreadable(f"must be one of: {', '.join(known)}")
        return known[text]

    return Option(read, values[0], meaning, tuple(known), shows=values[0])


def flag(meaning: str) -> Option:
    """true or false; false when it is not sent."""

    def read(text: str) -> bool:
        if text.lower() not in ("true", "false"):
            raise Unreadable("must be true or false")
        return text.lower() == "true"

    return Option(read, False, meaning, ("true", "false"), shows="false")


def number(default: int, least: int, most: int, meaning: str) -> Option:
    """A whole number from `least` to `most`."""

    def read(text: str) -> int:
        return whole_number(text, least, most)

    return Option(read, default, meaning, shows=str(default))


def numbers(default: tuple[int, ...], meaning: str) -> Option:
    """Ascending whole numbers, with commas between them."""

    def read(text: str) -> tuple[int, ...]:
        found = tuple(whole_number(part, 1, 100_000) for part in text.split(","))
        if list(found) != sorted(set(found)) or len(found) > 20:
            raise Unreadable("must be at most 20 ascending whole numbers with commas between them")
        return found

    return Option(read, default, meaning, shows=",".join(map(str, default)))


def weekdays(default: frozenset[int], meaning: str) -> Option:
    """ISO weekdays, 1 is Monday, with commas between them."""

    def read(text: str) -> frozenset[int]:
        return frozenset(whole_number(part, 1, 7) for part in text.split(","))

    return Option(read, default, meaning, shows=",".join(map(str, sorted(default))))


def dates(meaning: str) -> Option:
    """Local dates with commas between them; none when it is not sent."""

    def read(text: str) -> frozenset[date]:
        try:
            return frozenset(date.fromisoformat(part) for part in text.split(","))
        except ValueError:
            raise Unreadable("must be dates like 2026-12-25 with commas between them") from None

    return Option(read, frozenset(), meaning)


def clock(default: time | None, meaning: str) -> Option:
    """A local time of day, HH:MM; 24:00 is the midnight that ends the day (None)."""

    def read(text: str) -> time | None:
        if text in ("24:00", "24:00:00"):
            return None
        try:
            found = time.fromisoformat(text)
        except ValueError:
            raise Unreadable("must be a time of day like 07:30") from None
        if found.tzinfo is not None:
            raise Unreadable("must be a local time of day without a zone")
        return found

    return Option(read, default, meaning, shows="24:00" if default is None else default.isoformat("minutes"))


def text(meaning: str) -> Option:
    """Any text; it must be sent."""
    return Option(lambda said: said, "", meaning, required=True)


def whole_number(said: str, least: int, most: int) -> int:
    """The number that the text says.

    Raises:
        Unreadable: it is no whole number, or out of bounds.
    """
    if not said.strip().isdecimal() or not said.isascii() or len(said) > 9 or not least <= int(said) <= most:
        raise Unreadable(f"must be a whole number from {least} to {most}")
    return int(said)
