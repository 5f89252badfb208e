"""How a candidate query is put together: a source, its dimensions, the facts that the judge needs.

Every statement is written from the constants of this package; values travel as parameters. The organization is
in every WHERE, and rows come back as plain tuples: twenty thousand of them cost a fraction of a second.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from app.domain.kpis.verdicts import Verdict
from app.kpis.questions import Question, Record

#: id, number, work order, at, group, label; the facts follow.
HEADER = 6

#: Why a work order is in no KPI, as `domain.kpis.verdicts.scope_reason` says it.
OUT_OF_SCOPE = (
    "CASE WHEN w.is_test THEN 'test' WHEN w.merged_into IS NOT NULL THEN 'merged' "
    "WHEN w.status = 'canceled' AND NOT %(include_canceled)s THEN 'canceled' END"
)
#: The same for KPIs that judge cancellations themselves.
OUT_OF_SCOPE_BUT_CANCELED = "CASE WHEN w.is_test THEN 'test' WHEN w.merged_into IS NOT NULL THEN 'merged' END"


@dataclass(frozen=True)
class Dimension:
    """How records are told apart: an expression for the key, one for its name, the joins that both need."""

    key: str
    label: str | None = None
    joins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where candidates come from; the first table is the one whose `organization_id` is asked for."""

    table: str
    alias: str
    id: str
    number: str | None
    work_order: str | None
    joins: Mapping[str, str]
    dimensions: Mapping[str, Dimension]
    always: tuple[str, ...] = ()


@dataclass
class Statement:
    """The text and the values of one candidate query while it is put together."""

    source: Source
    question: Question
    at: str
    facts: Sequence[str]
    where: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    period: bool = True
    order: str | None = None

    def text(self) -> str:
        """The SELECT, with the joins that its filters and its grouping need."""
        group, label = self._grouping()
        source = self.source
        columns = [
            source.id,
            source.number or "NULL",
            source.work_order or "NULL",
            self.at,
            group,
            label,
            *self.facts,
        ]
        conditions = [f"{source.alias}.organization_id = %(organization_id)s", *self._filters(), *self.where]
        if self.period:
            conditions += self._period()
        joins = " ".join(source.joins[name] for name in self._needed())
        order = f" ORDER BY {self.order}" if self.order else ""
        return (
            f"SELECT {', '.join(columns)} FROM {source.table} {source.alias} {joins} "
            f"WHERE {' AND '.join(conditions)}{order}"
        )

    def parameters(self) -> dict[str, Any]:
        question = self.question
        return {
            "organization_id": question.organization_id,
            "start": question.start,
            "end": question.end,
            "as_of": question.at,
            "include_canceled": question.include_canceled,
            **{f"filter_{name}": value for name, value in question.filters.items()},
            **self.values,
        }

    def _asked(self) -> list[str]:
        group = self.question.group_by
        return [*self.question.filters, *([group] if group is not None and group in self.source.dimensions else [])]

    def _grouping(self) -> tuple[str, str]:
        dimension = self.source.dimensions.get(self.question.group_by or "")
        if dimension is None:
            return "NULL::text", "NULL::text"
        return f"({dimension.key})::text", f"({dimension.label or 'NULL'})::text"

    def _filters(self) -> list[str]:
        return [
            f"coalesce(({self.source.dimensions[name].key})::text, '') = %(filter_{name})s"
            for name in self.question.filters
        ]

    def _period(self) -> list[str]:
        bounds = [f"{self.at} IS NOT NULL"]
        if self.question.start is not None:
            bounds.append(f"{self.at} >= %(start)s")
        if self.question.end is not None:
            bounds.append(f"{self.at} < %(end)s")
        return bounds

    def _needed(self) -> list[str]:
        names = list(self.source.always)
        for asked in self._asked():
            names += self.source.dimensions[asked].joins
        return list(dict.fromkeys(names))


def fetch(db: Session, text: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement as tuples, on the session's own connection, binary and prepared."""
    connection: Any = db.connection().connection.dbapi_connection
    with connection.cursor(binary=True) as cursor:
        cursor.execute(text, values, prepare=True)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def candidates(
    db: Session,
    question: Question,
    source: Source,
    at: str,
    facts: Sequence[str],
    *,
    where: Sequence[str] = (),
    period: bool = True,
    order: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> list[tuple[Any, ...]]:
    """Rows of `HEADER` columns and then the facts, of the records in the period that pass the filters.

    Args:
        at: the SQL expression of the instant that puts a record into the period.
        period: False where the judge places the record, or where there is no period.
    """
    statement = Statement(source, question, at, facts, list(where), dict(values or {}), period, order)
    return fetch(db, statement.text(), statement.parameters())


def record(row: Sequence[Any], verdict: Verdict, *, at: Any = None) -> Record:
    """The judged record of a candidate row; `at` where the judge found the instant itself."""
    return Record(row[0], row[1], row[2], at or row[3], row[4], row[5], verdict)


def in_period(question: Question, records: Iterable[Record]) -> list[Record]:
    """The records whose instant lies in the half-open period."""
    start, end = question.start, question.end
    return [one for one in records if (start is None or one.at >= start) and (end is None or one.at < end)]
