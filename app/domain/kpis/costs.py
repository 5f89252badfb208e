"""What a work order cost: labor, travel, parts, contractor and overhead, in minor units.

Rates and prices are those of the moment the work was done; a later price list changes nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from app.domain.intervals import Interval, total_seconds
from app.domain.kpis.verdicts import Verdict, excluded

COMPONENTS = ("labor", "travel", "parts", "contractor", "overhead")


class TimeSpent(NamedTuple):
    """Time of one person on the work order; `rate_minor` is per hour, None when unknown."""

    person: str
    kind: str
    contractor: bool
    interval: Interval
    rate_minor: Decimal | None
    currency: str | None


class PartUsed(NamedTuple):
    """A movement: positive quantity is used, negative is returned."""

    quantity: Decimal
    unit_cost_minor: Decimal | None
    currency: str | None


class WorkCost(NamedTuple):
    """Everything that was spent on one work order, all its visits included."""

    left_out: str | None
    time: Sequence[TimeSpent]
    parts: Sequence[PartUsed]
    currency: str


@dataclass(frozen=True, slots=True)
class Overhead:
    """What a job costs beyond its own hours; zero where the organisation has not said."""

    per_work_order_minor: Decimal = Decimal(0)
    per_labor_hour_minor: Decimal = Decimal(0)


def judge_cost(work: WorkCost, overhead: Overhead) -> list[Verdict]:
    """K7: one verdict per currency, the amount being the sum of the parts that are known.

    A missing rate or price makes its component None, not 0. Overhead is in the work order's own
    currency, and comes first.
    """
    if work.left_out is not None:
        return [excluded(work.left_out)]
    currencies = {work.currency}
    currencies.update(spent.currency or work.currency for spent in work.time)
    currencies.update(part.currency or work.currency for part in work.parts)
    ordered = [work.currency, *sorted(currencies - {work.currency})]
    return [_in_currency(work, overhead, currency) for currency in ordered]


def _in_currency(work: WorkCost, overhead: Overhead, currency: str) -> Verdict:
    time = [spent for spent in work.time if (spent.currency or work.currency) == currency]
    own = [spent for spent in time if not spent.contractor]
    components: dict[str, float | None] = {
        "labor": _time_cost([spent for spent in own if spent.kind == "work"]),
        "travel": _time_cost([spent for spent in own if spent.kind == "travel"]),
        "parts": _parts_cost([p for p in work.parts if (p.currency or work.currency) == currency]),
        "contractor": _time_cost([spent for spent in time if spent.contractor]),
        "overhead": _overhead_cost(work, overhead) if currency == work.currency else 0.0,
    }
    known = sum(part for part in components.values() if part is not None)
    return Verdict(amount=known, value=known, components=components, currency=currency)


def labor_seconds(time: Sequence[TimeSpent]) -> float:
    """Person-seconds: two people for an hour are two hours, one person twice at a time is one."""
    return sum(total_seconds(intervals) for _, intervals in _by_person_and_rate(time))


def _by_person_and_rate(
    time: Sequence[TimeSpent],
) -> list[tuple[Decimal | None, list[Interval]]]:
    grouped: dict[tuple[str, Decimal | None], list[Interval]] = defaultdict(list)
    for spent in time:
        grouped[spent.person, spent.rate_minor].append(spent.interval)
    return [(rate, intervals) for (_, rate), intervals in grouped.items()]


def _time_cost(time: Sequence[TimeSpent]) -> float | None:
    total = Decimal(0)
    for rate, intervals in _by_person_and_rate(time):
        if rate is None:
            return None
        total += rate * Decimal(str(total_seconds(intervals))) / 3600
    return _minor(total)


def _parts_cost(parts: Sequence[PartUsed]) -> float | None:
    total = Decimal(0)
    for part in parts:
        if part.unit_cost_minor is None:
            return None
        total += part.quantity * part.unit_cost_minor
    return _minor(total)


def _overhead_cost(work: WorkCost, overhead: Overhead) -> float:
    labor = [spent for spent in work.time if spent.kind == "work"]
    hours = Decimal(str(labor_seconds(labor))) / 3600
    return _minor(overhead.per_work_order_minor + overhead.per_labor_hour_minor * hours)


def _minor(amount: Decimal) -> float:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def judge_imported_cost(total_minor: Decimal | None, currency: str, *, left_out: str | None = None) -> Verdict:
    """A cost that another system had added up; 0 counts, nothing recorded does not."""
    if left_out is not None:
        return excluded(left_out)
    if total_minor is None:
        return excluded("no_cost")
    return Verdict(amount=float(total_minor), value=float(total_minor), currency=currency)
