"""How long assets run between failures."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.domain.intervals import Interval, difference, total_seconds
from app.domain.kpis.verdicts import Verdict, excluded


class Operation(NamedTuple):
    """One asset over a period: when it should have run, when it was down, when it failed."""

    watched: Interval
    down: Sequence[Interval]
    failures: int


def judge_operation(asset: Operation) -> Verdict:
    """K24: operating seconds over failures; overlapping downtimes count once.

    An asset without a failure adds its hours, and none to divide by.
    """
    seconds = total_seconds(difference([asset.watched], asset.down))
    return Verdict(amount=seconds, weight=asset.failures, components={"failures": asset.failures})


def judge_gap(before: datetime | None, failed_at: datetime, *, left_out: str | None = None) -> Verdict:
    """The gaps variant: seconds from one failure of an asset to its next; the first has no gap."""
    if left_out is not None:
        return excluded(left_out)
    if before is None:
        return Verdict(weight=0, amount=0, components={"failures": 1})
    gap = (failed_at - before).total_seconds()
    return Verdict(amount=gap, value=gap, components={"failures": 1})
