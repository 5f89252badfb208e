"""What a KPI is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from app.domain.kpis.pairs import Direction
from app.domain.kpis.tallies import Measure
from app.kpis.options import Option
from app.kpis.queries import sources
from app.kpis.queries.sql import Dimension
from app.kpis.questions import Question, Record

WORK_ORDER = sources.WORK_ORDER_DIMENSIONS
UP, DOWN, BAND = Direction.UP, Direction.DOWN, Direction.BAND
Records = Callable[[Session, Question], list[Record]]
Series = Callable[[Session, Question, Sequence[datetime]], list[int]]


@dataclass(frozen=True)
class Definition:
    """One KPI. `category` names the grouping by the judge's own word (a loss reason, a score, a state).

    `at_instant` KPIs are true at one instant, not for a period; their `series` counts at the end of each column.
    `callback_days` keep an answer provisional for that long after its period.
    """

    key: str
    title: str
    measure: Measure
    unit: str
    direction: Direction
    leading: bool
    period_by: str
    records: Records
    dimensions: Mapping[str, Dimension]
    pair: str | None = None
    category: str = "category"
    categories: Callable[[Question], Sequence[str]] = lambda question: ()
    options: Mapping[str, Option] = field(default_factory=dict)
    at_instant: bool = False
    series: Series | None = None
    shows_costs: bool = False
    version: int = 1

    @property
    def groupings(self) -> list[str]:
        """What `group_by` may say."""
        return sorted({*self.dimensions, self.category, *(() if self.at_instant else ("weekday", "hour"))})
