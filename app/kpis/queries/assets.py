"""Candidates that are assets, or the gaps between their failures."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from app.domain.intervals import Interval, clipped, closed_at
from app.domain.kpis.reliability import Operation, judge_gap, judge_operation
from app.kpis.queries.sources import WORK_ORDERS
from app.kpis.queries.sql import HEADER, OUT_OF_SCOPE, candidates, in_period, record
from app.kpis.questions import Question, Record

WITH_ASSET = replace(WORK_ORDERS, always=("a",))
#: Imports may name an asset that they never describe: then the text is the asset.
ASSET = "coalesce(w.asset_id::text, w.asset_ref)"


def time_between_failures(db: Session, question: Question) -> list[Record]:
    return gaps(db, question) if question.options["basis"] == "gaps" else operations(db, question)


def gaps(db: Session, question: Question) -> list[Record]:
    """Failures of each asset in the period, with the time since the one before it in the period."""
    rows = candidates(
        db,
        question,
        WITH_ASSET,
        "w.requested_at",
        (OUT_OF_SCOPE, ASSET),
        where=(f"{ASSET} IS NOT NULL", *_class(question)),
        values=_class_values(question),
        order="w.requested_at, w.id",
    )
    last: dict[str, datetime] = {}
    records = []
    for row in rows:
        left_out, asset = row[HEADER:]
        records.append(record(row, judge_gap(last.get(asset), row[3], left_out=left_out)))
        if left_out is None:
            last[asset] = row[3]
    return records


def operations(db: Session, question: Question) -> list[Record]:
    """Assets that were watched in the period: since they were installed, or since their first work order.

    An asset is down from each failure's request to its completion.
    """
    rows = candidates(
        db,
        question,
        WITH_ASSET,
        "w.requested_at",
        (
            OUT_OF_SCOPE,
            ASSET,
            "coalesce(w.asset_ref, a.external_ref, a.name)",
            "a.installed_at",
            "w.work_class = %(work_class)s",
            "w.first_completed_at",
        ),
        where=(f"{ASSET} IS NOT NULL", "w.requested_at <= %(as_of)s"),
        period=False,
        values={"work_class": question.options["failures"]},
    )
    by_asset: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        if row[HEADER] is None:
            by_asset[row[HEADER + 1]].append(row)
    operations = (_operation(asset, history, question) for asset, history in by_asset.items())
    return in_period(question, [one for one in operations if one is not None])


def _operation(asset: str, history: list[tuple[Any, ...]], question: Question) -> Record | None:
    end = question.at if question.end is None else min(question.end, question.at)
    installed = history[0][HEADER + 3] or min(row[3] for row in history)
    watched = clipped(Interval(installed, max(installed, end)), question.start, end)
    if watched is None:
        return None
    failed = [row for row in history if row[HEADER + 4]]
    down = [closed_at(row[3], row[HEADER + 5], end) for row in failed]
    failures = sum(watched.start <= row[3] < watched.end for row in failed)
    first = history[0]
    verdict = judge_operation(Operation(watched, down, failures))
    return Record(asset, first[HEADER + 2], None, watched.start, first[4], first[5], verdict)


def _class(question: Question) -> tuple[str, ...]:
    return () if "work_class" in question.filters else ("w.work_class = %(failures)s",)


def _class_values(question: Question) -> dict[str, Any]:
    return {"failures": question.options["failures"]}
