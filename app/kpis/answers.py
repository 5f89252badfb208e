"""From judged records to an answer: value, parts, groups, series, comparison, pair, and how true it is.

Every figure is a tally of the same records that `GET /v1/kpis/{key}/records` lists.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from app.domain.calendars import Bucket, Comparison
from app.domain.kpis.pairs import improvement, judge_pair
from app.domain.kpis.tallies import Measure, Status, Tally, whole
from app.domain.statistics import Range
from app.kit.database import utc_iso
from app.kpis.definitions import DEFINITIONS, Definition
from app.kpis.queries.freshness import freshness
from app.kpis.questions import Question, Record

#: A KPI that is true at an instant is compared with a week earlier when no period says how far back.
WITHOUT_A_PERIOD = timedelta(days=7)


def answer(db: Session, definition: Definition, question: Question, *, costs: bool = True) -> dict[str, Any]:
    """The whole answer, ready to be sent; `costs` False leaves out a pair that the caller may not see."""
    records = definition.records(db, question)
    whole_tally = tally(records)
    return {
        "key": definition.key,
        "title": definition.title,
        "definition_version": definition.version,
        "unit": definition.unit,
        "direction": definition.direction.value,
        **_asked(definition, question),
        **_money(definition, records, question),
        **_details(definition, whole_tally, records, question),
        **_groups(definition, records, question),
        **_series(db, definition, records, question),
        "comparison": _comparison(db, definition, question, whole_tally),
        "pair": _pair(db, definition, question, whole_tally) if _pair_is_visible(definition, costs) else None,
        **_truth(db, definition, question),
    }


def tally(records: Iterable[Record]) -> Tally:
    """The sum of the records' verdicts."""
    found = Tally()
    for one in records:
        found.add(one.verdict)
    return found


def _asked(definition: Definition, question: Question) -> dict[str, Any]:
    return {
        "from": utc_iso(question.start),
        "to": utc_iso(question.end),
        "at": utc_iso(question.at) if definition.at_instant else None,
        "tz": question.zone.key,
        "bucket": question.bucket,
        "group_by": question.group_by,
        "filters": dict(question.filters),
        "options": {name: shown(value) for name, value in question.options.items()},
        "min_n": question.min_n,
    }


def shown(value: Any) -> Any:
    """An option's value as JSON: sets and tuples as sorted lists, times of day as text, the last midnight as 24:00."""
    if isinstance(value, frozenset | tuple):
        return sorted(str(one) if not isinstance(one, int) else one for one in value)
    return value if isinstance(value, str | int | bool) else "24:00" if value is None else value.isoformat("minutes")


def figures(found: Tally, measure: Measure, min_n: int) -> dict[str, Any]:
    """The figures of any set of records: the whole, a group, a bucket, a currency, an earlier period."""
    counts_only = measure is Measure.COUNT
    return {
        "value": found.value(measure),
        "ratio": None if counts_only else found.ratio,
        "numerator": found.numerator,
        "denominator": None if counts_only else found.denominator,
        "n": found.n,
        "interval": _interval(found.interval(measure)),
        "status": found.status(measure, min_n).value,
    }


def _interval(found: Range | None) -> dict[str, float] | None:
    return None if found is None else {"low": round(found.low, 6), "high": round(found.high, 6)}


def _money(definition: Definition, records: Sequence[Record], question: Question) -> dict[str, Any]:
    """The figures, by currency where there is one: amounts of two currencies are never added."""
    by_currency: dict[str, list[Record]] = {}
    for one in records:
        if one.verdict.currency is not None:
            by_currency.setdefault(one.verdict.currency, []).append(one)
    rows = [
        {
            "currency": currency,
            **figures(found := tally(mine), definition.measure, question.min_n),
            "components": found.parts(),
            "spread": _spread(found),
        }
        for currency, mine in sorted(by_currency.items())
    ]
    first = figures(tally(records), definition.measure, question.min_n)
    if len(rows) > 1:
        nothing = dict.fromkeys(("value", "ratio", "numerator", "denominator", "interval"))
        first = {**first, **nothing, "status": Status.MIXED.value}
    return {**first, "currency": rows[0]["currency"] if len(rows) == 1 else None, "by_currency": rows}


def _details(definition: Definition, found: Tally, records: Sequence[Record], question: Question) -> dict[str, Any]:
    named = dict.fromkeys(definition.categories(question), 0)
    mixed = len({one.verdict.currency for one in records if one.verdict.currency is not None}) > 1
    nothing = Tally()
    return {
        "excluded": dict(sorted(found.excluded.items())),
        "breakdown": {**named, **dict(sorted(found.categories.items()))},
        "components": (nothing if mixed else found).parts(),
        "spread": _spread(nothing if mixed else found),
        "work_orders": len({one.work_order_id for one in records if one.work_order_id and one.verdict.amount}),
        "record_counts": {
            "numerator": found.in_numerator,
            "denominator": found.in_denominator,
            "excluded": sum(found.excluded.values()),
        },
    }


def _spread(found: Tally) -> dict[str, Any]:
    return found.spread()._asdict()


def _groups(definition: Definition, records: Sequence[Record], question: Question) -> dict[str, Any]:
    """Groups, largest first and then by key; `ranking`, `counts` and `sums` are the same figures, shorter."""
    if question.group_by is None:
        return {"groups": [], "ranking": [], "counts": {}, "sums": {}}
    by_key: dict[str | None, list[Record]] = {}
    for one in records:
        by_key.setdefault(group_of(definition, question, one), []).append(one)
    tallies = {key: tally(mine) for key, mine in by_key.items()}
    labels = {key: next((one.label for one in mine if one.label), None) for key, mine in by_key.items()}
    counted = {key: _size(definition, found) for key, found in tallies.items() if found.amounts}
    keys = sorted(counted, key=lambda key: (-counted[key], key is None, key or ""))
    return {
        "groups": [
            {
                "key": key,
                "label": labels[key],
                **figures(tallies[key], definition.measure, question.min_n),
                "excluded": dict(sorted(tallies[key].excluded.items())),
            }
            for key in keys[: question.top]
        ],
        "ranking": [[key, counted[key]] for key in keys if key is not None][: question.top],
        "counts": {key or "": counted[key] for key in keys},
        "sums": {key or "": tallies[key].numerator for key in keys},
    }


def group_of(definition: Definition, question: Question, one: Record) -> str | None:
    """A record's key: the judge's word, the local weekday (1 is Monday) or hour, or what the query found."""
    if question.group_by == definition.category:
        return one.verdict.category
    if question.group_by == "weekday":
        return str(one.at.astimezone(question.zone).isoweekday())
    if question.group_by == "hour":
        return str(one.at.astimezone(question.zone).hour)
    return one.group


def _size(definition: Definition, found: Tally) -> float:
    return found.numerator if definition.measure is Measure.COUNT else found.n


def _series(db: Session, definition: Definition, records: Sequence[Record], question: Question) -> dict[str, Any]:
    """One column per bucket, empty ones included; `points` is the same as [local date, value]."""
    columns = question.buckets()
    if definition.series is not None:
        values: list[Any] = list(definition.series(db, question, [column.end for column in columns]))
        rows = [{**_column(column), "value": value} for column, value in zip(columns, values, strict=True)]
    else:
        found = _by_bucket(columns, records)
        rows = [
            {**_column(column), **figures(one, definition.measure, question.min_n)}
            for column, one in zip(columns, found, strict=True)
        ]
    return {"buckets": rows, "points": [[row["date"], row["value"]] for row in rows]}


def _by_bucket(columns: Sequence[Bucket], records: Iterable[Record]) -> list[Tally]:
    tallies = [Tally() for _ in columns]
    starts = [column.start for column in columns]
    if columns:
        for one in records:
            tallies[bisect_right(starts, one.at) - 1].add(one.verdict)
    return tallies


def _column(column: Bucket) -> dict[str, Any]:
    return {"date": column.label.isoformat(), "from": utc_iso(column.start), "to": utc_iso(column.end)}


def earlier_question(definition: Definition, question: Question, how: Comparison) -> Question | None:
    """The question to compare with; an instant moves back as far as the period is long, or a week."""
    before = question.earlier(how)
    if not definition.at_instant:
        return before
    if before is None or before.start is None or question.start is None:
        return replace(question.plain(), at=question.at - WITHOUT_A_PERIOD)
    return replace(before.plain(), at=question.at - (question.start - before.start))


def _comparison(db: Session, definition: Definition, question: Question, now: Tally) -> dict[str, Any] | None:
    if question.compare is None:
        return None
    before = earlier_question(definition, question, question.compare)
    assert before is not None, "a comparison needs a period"
    found = tally(definition.records(db, before))
    value, earlier = now.value(definition.measure), found.value(definition.measure)
    return {
        "with": question.compare,
        "from": utc_iso(before.start),
        "to": utc_iso(before.end),
        "at": utc_iso(before.at) if definition.at_instant else None,
        **figures(found, definition.measure, question.min_n),
        "delta": _delta(value, earlier),
    }


def _delta(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else whole(round(now - before, 6))


def _pair_is_visible(definition: Definition, costs: bool) -> bool:
    return definition.pair is not None and (costs or not DEFINITIONS[definition.pair].shows_costs)


def _pair(db: Session, definition: Definition, question: Question, now: Tally) -> dict[str, Any] | None:
    """The KPI that would pay for this one's gain, over the same records' period and filters, and the verdict."""
    assert definition.pair is not None
    other = DEFINITIONS[definition.pair]
    if not question.with_pair or not question.filters.keys() <= other.dimensions.keys():
        return None
    how = question.compare or "previous"
    defaults = {name: option.default for name, option in other.options.items()}
    beside = replace(question.plain(), options=defaults)
    pair_now = tally(other.records(db, beside)).value(other.measure)
    pair_delta = gain = None
    if (before := earlier_question(other, beside, how)) is not None:
        pair_delta = _delta(pair_now, tally(other.records(db, before)).value(other.measure))
    if (before := earlier_question(definition, question.plain(), how)) is not None:
        gain = _delta(now.value(definition.measure), tally(definition.records(db, before)).value(definition.measure))
    verdict = judge_pair(
        improvement(gain, definition.direction),
        improvement(pair_delta, other.direction),
        now.interval(definition.measure),
    )
    return {"key": other.key, "value": pair_now, "delta": pair_delta, "verdict": verdict.value}


def _truth(db: Session, definition: Definition, question: Question) -> dict[str, Any]:
    """How far the answer can still change: provisional until every device has reported past the period's end,
    nothing in it is under way, and the callbacks that would change it are over."""
    known = freshness(db, question)
    watermark = min(filter(None, (known.oldest_device_at, question.at)))
    end = question.end or question.at
    settled = end + timedelta(days=question.options.get("callback_days", 0))
    return {
        "as_of": utc_iso(question.at),
        "revision": None if known.revision is None else str(known.revision),
        "watermark": {"at": utc_iso(watermark), "open_visits": known.open_visits},
        "provisional": question.end is None or watermark < end or known.open_visits > 0 or _open(settled, question.at),
    }


def _open(settled: datetime, at: datetime) -> bool:
    return settled > at
