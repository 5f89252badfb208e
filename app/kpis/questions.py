"""What is asked of a KPI, in plain values: the period, the filters, the grouping and the variant."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.calendars import Bucket, BucketSize, Comparison, buckets, earlier_period
from app.domain.kpis.verdicts import Verdict


class Record(NamedTuple):
    """One judged record. `at` is the instant that puts it into a period; `group` its key in `group_by`."""

    id: UUID | str
    number: str | None
    work_order_id: UUID | None
    at: datetime
    group: str | None
    label: str | None
    verdict: Verdict


@dataclass(frozen=True)
class Question:
    """A KPI asked of one organization. `start` and `end` are None where the period is unbounded.

    `at` is the instant that the answer is true for: now, or an earlier one that was asked for.
    """

    organization_id: UUID
    currency: str
    zone: ZoneInfo
    at: datetime
    start: datetime | None = None
    end: datetime | None = None
    bucket: BucketSize | None = None
    group_by: str | None = None
    compare: Comparison | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    include_canceled: bool = False
    with_pair: bool = True
    min_n: int = 20
    top: int = 1000

    def buckets(self) -> list[Bucket]:
        """The columns of the series; none without a bucket size and a bounded period."""
        if self.bucket is None or self.start is None or self.end is None:
            return []
        return buckets(self.start, self.end, self.bucket, self.zone)

    def earlier(self, how: Comparison) -> "Question | None":
        """The same question of an earlier period; None when this one's is unbounded."""
        if self.start is None or self.end is None:
            return None
        start, end = earlier_period(self.start, self.end, how, self.zone)
        return replace(self.plain(), start=start, end=end)

    def plain(self) -> "Question":
        """The same question for its one value: no groups, no series, nothing to compare."""
        return replace(self, bucket=None, group_by=None, compare=None, with_pair=False)
