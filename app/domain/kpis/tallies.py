"""Adding verdicts up: numerator, denominator, exclusions, spread and interval.

Sums and counts are re-added from group to whole, never averaged, so that a total equals the total
of its groups whatever their sizes.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from app.domain.kpis.verdicts import Verdict
from app.domain.statistics import Range, mean, mean_interval, percent, percentile, wilson


class Measure(StrEnum):
    """How a value is made of a numerator and a denominator."""

    SHARE = "share"  #: percent of records: 100·num/den, Wilson interval
    SUMS = "sums"  #: percent of two sums: 100·num/den
    POINTS = "points"  #: -100..100: 100·num/den, of +1, 0 and -1
    MEAN = "mean"  #: num/den
    COUNT = "count"  #: num; 0 when there is nothing


class Status(StrEnum):
    OK = "ok"
    NO_DATA = "no_data"
    INSUFFICIENT = "insufficient_data"
    INCOMPLETE = "incomplete_costs"
    MIXED = "mixed_currencies"


class Spread(NamedTuple):
    """How the counted records' own figures lie, in the unit of the KPI; None of nothing."""

    n: int
    total: float
    mean: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    max: float | None


@dataclass(slots=True)
class Tally:
    """A sum of verdicts; `+` of two tallies is the tally of both sets of records."""

    amounts: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    in_numerator: int = 0
    in_denominator: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    components: dict[str, float] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict) -> None:
        """Count one record in, or state why it is left out."""
        if verdict.reason is not None:
            self.excluded[verdict.reason] += 1
            return
        self.amounts.append(verdict.amount)
        self.weights.append(verdict.weight)
        self.in_numerator += verdict.amount != 0
        self.in_denominator += verdict.weight != 0
        if verdict.value is not None:
            self.values.append(verdict.value)
        if verdict.category is not None:
            self.categories[verdict.category] += 1
        if verdict.components:
            self._add_components(verdict)

    def _add_components(self, verdict: Verdict) -> None:
        for name, part in (verdict.components or {}).items():
            if part is None:
                self.unknown[name] += 1
            else:
                self.components[name] = self.components.get(name, 0) + part

    def __add__(self, other: "Tally") -> "Tally":
        names = [*self.components, *(name for name in other.components if name not in self.components)]
        return Tally(
            amounts=self.amounts + other.amounts,
            weights=self.weights + other.weights,
            values=self.values + other.values,
            in_numerator=self.in_numerator + other.in_numerator,
            in_denominator=self.in_denominator + other.in_denominator,
            excluded=self.excluded + other.excluded,
            categories=self.categories + other.categories,
            components={n: self.components.get(n, 0) + other.components.get(n, 0) for n in names},
            unknown=self.unknown + other.unknown,
        )

    @property
    def n(self) -> int:
        """Records that add to the denominator."""
        return self.in_denominator

    @property
    def numerator(self) -> float:
        return whole(math.fsum(self.amounts))

    @property
    def denominator(self) -> float:
        return whole(math.fsum(self.weights))

    @property
    def ratio(self) -> float | None:
        """numerator / denominator, not rounded; None when the denominator is 0."""
        below = self.denominator
        return self.numerator / below if below else None

    def value(self, measure: Measure) -> float | None:
        """The KPI's value in its unit; None where there is nothing to divide by."""
        if measure is Measure.COUNT:
            return self.numerator
        if measure is Measure.MEAN:
            return self.ratio
        return percent(self.numerator, self.denominator)

    def interval(self, measure: Measure) -> Range | None:
        """95 % interval in the unit of the value; None where the measure has none."""
        if measure is Measure.SHARE and self.in_denominator == self.denominator:
            return wilson(self.in_numerator, self.in_denominator)
        if measure is Measure.MEAN:
            return mean_interval(self.values)
        if measure is Measure.POINTS:
            return mean_interval([100 * amount for amount in self.amounts])
        return None

    def status(self, measure: Measure, min_n: int) -> Status:
        """Whether the value can be read: there is data, all of it, and enough of it."""
        if measure is Measure.COUNT:
            return Status.OK
        if not self.denominator:
            return Status.NO_DATA
        if self.unknown:
            return Status.INCOMPLETE
        return Status.INSUFFICIENT if self.in_denominator < min_n else Status.OK

    def parts(self) -> dict[str, float | None]:
        """Component name to its sum; None when a record's part of it is unknown."""
        names = sorted({*self.components, *self.unknown})
        return {name: None if self.unknown[name] else whole(self.components[name]) for name in names}

    def spread(self) -> Spread:
        """Mean and percentiles of the counted records' own figures."""
        ordered = sorted(self.values)
        return Spread(
            n=len(ordered),
            total=whole(math.fsum(ordered)),
            mean=mean(ordered),
            p50=percentile(ordered, 0.5),
            p90=percentile(ordered, 0.9),
            p95=percentile(ordered, 0.95),
            max=ordered[-1] if ordered else None,
        )


def whole(number: float) -> float:
    """The same number, as an int when it is one."""
    return int(number) if float(number).is_integer() else float(number)
