"""How much of a part lies somewhere: the last count, and everything that moved since. Nothing stores a level.

Movements arrive late and in any order, so the level at an instant follows from when things happened alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Movement:
    """One part at one location. `change` is what it did to the level; a count has none, it says what the level was.

    `id` decides between two counts of the same instant: the one that was made later.
    """

    at: datetime
    id: UUID
    change: Decimal = Decimal(0)
    counted: Decimal | None = None


def level_at(movements: Iterable[Movement], at: datetime | None = None) -> Decimal:
    """The level at the instant (None: after all of them), whatever the order of the movements; it may be negative.

    What happened at the very instant of a count is in the count.
    """
    known = [one for one in movements if at is None or one.at <= at]
    counts = [one for one in known if one.counted is not None]
    if not counts:
        return sum((one.change for one in known), Decimal(0))
    last = max(counts, key=lambda one: (one.at, one.id))
    assert last.counted is not None
    return last.counted + sum((one.change for one in known if one.counted is None and one.at > last.at), Decimal(0))


def change_of(kind: str, quantity: Decimal) -> Decimal:
    """What a movement of this kind does to the level of its location."""
    match kind:
        case "received" | "returned" | "transferred_in":
            return quantity
        case "used" | "transferred_out":
            return -quantity
        case _:
            return Decimal(0)
