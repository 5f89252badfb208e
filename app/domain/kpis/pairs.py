"""What a KPI's movement is worth beside the one that pays for it."""

from enum import StrEnum

from app.domain.statistics import Range


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"
    BAND = "band"


class PairVerdict(StrEnum):
    OK = "ok"
    GAMING_SUSPECTED = "gaming_suspected"
    BOTH_BAD = "both_bad"


def improvement(delta: float | None, direction: Direction) -> float:
    """How much better a change is: positive is better, 0 when unknown or when no way is better."""
    if delta is None or direction is Direction.BAND:
        return 0.0
    return delta if direction is Direction.UP else -delta


def judge_pair(gain: float, pair_gain: float, interval: Range | None) -> PairVerdict:
    """Whether one KPI was bought with the other.

    Args:
        gain: this KPI's improvement since the earlier period, in its unit.
        pair_gain: the pair's improvement, in the pair's unit.
        interval: this KPI's 95 % interval; movements below its width are noise.
    """
    if interval is None or pair_gain >= 0:
        return PairVerdict.OK
    if gain > 0 and gain >= interval.width:
        return PairVerdict.GAMING_SUSPECTED
    if gain < 0 and -gain >= interval.width:
        return PairVerdict.BOTH_BAD
    return PairVerdict.OK
