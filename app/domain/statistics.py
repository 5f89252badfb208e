"""Means, percentiles and intervals, as the KPIs use them."""

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

Z_95 = 1.959963984540054


class Range(NamedTuple):
    """A confidence interval, in the unit of the value it belongs to."""

    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


def percent(part: int | float, whole: int | float) -> float | None:
    """100·part/whole in decimal arithmetic, two places, half to even; None when `whole` is 0."""
    if not whole:
        return None
    exact = Decimal(100) * Decimal(str(part)) / Decimal(str(whole))
    return float(exact.quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN))


def mean(values: Sequence[float]) -> float | None:
    """Arithmetic mean; None of nothing."""
    return math.fsum(values) / len(values) if values else None


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value below which `share` (0–1) of `ordered` lies, by linear interpolation.

    Args:
        ordered: ascending values.

    Returns:
        None of nothing.

    Source: Hyndman and Fan (1996), definition 7; numpy's default and SQL's `percentile_cont`.
    """
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def wilson(part: int, whole: int, z: float = Z_95) -> Range | None:
    """Interval of a ratio in percent (0–100); None when `whole` is 0 or `part` is no share of it.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    if whole <= 0 or not 0 <= part <= whole:
        return None
    share = part / whole
    spread = 1 + z * z / whole
    middle = (share + z * z / (2 * whole)) / spread
    half = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole)) / spread
    return Range(max(0.0, 100 * (middle - half)), min(100.0, 100 * (middle + half)))


def mean_interval(values: Sequence[float], z: float = Z_95) -> Range | None:
    """Interval of a mean by the normal approximation, in the unit of the values; None below two values."""
    if len(values) < 2:
        return None
    middle = math.fsum(values) / len(values)
    variance = math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1)
    half = z * math.sqrt(variance / len(values))
    return Range(middle - half, middle + half)
