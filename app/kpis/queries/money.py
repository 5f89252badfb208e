"""Candidates of costs and parts."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.intervals import closed_at
from app.domain.kpis.costs import Overhead, PartUsed, TimeSpent, WorkCost, judge_cost, judge_imported_cost
from app.domain.kpis.verdicts import Verdict, excluded
from app.kpis.queries.sources import MOVEMENTS, WORK_ORDERS
from app.kpis.queries.sql import HEADER, OUT_OF_SCOPE, candidates, fetch, record
from app.kpis.questions import Question, Record


def costs(db: Session, question: Question) -> list[Record]:
    """Work orders completed in the period with everything spent on them up to the question, all visits included.

    A work order with costs in two currencies gives one record in each.
    """
    if question.options["costs"] == "imported":
        return imported_costs(db, question)
    rows = candidates(
        db,
        question,
        WORK_ORDERS,
        "w.first_completed_at",
        (OUT_OF_SCOPE, "coalesce(w.currency, %(currency)s)", "w.overhead_minor"),
        values={"currency": question.currency},
    )
    time, parts = time_spent(db, question), parts_used_on(db, question)
    overhead = _overhead(question)
    records = []
    for row in rows:
        left_out, currency, own_overhead = row[HEADER:]
        work = WorkCost(left_out, time.get(row[2], ()), parts.get(row[2], ()), currency)
        mine = overhead if own_overhead is None else replace(overhead, per_work_order_minor=Decimal(own_overhead))
        records += [record(row, verdict) for verdict in judge_cost(work, mine)]
    return records


def _overhead(question: Question) -> Overhead:
    settings = question.settings
    return Overhead(
        per_work_order_minor=Decimal(str(settings.get("overhead_per_work_order_minor", 0))),
        per_labor_hour_minor=Decimal(str(settings.get("overhead_per_labor_hour_minor", 0))),
    )


def time_spent(db: Session, question: Question) -> dict[UUID, list[TimeSpent]]:
    """Work order to its travel and work, with the rate of the day; running time ends at the question."""
    rows = fetch(
        db,
        "SELECT te.work_order_id, te.technician_id::text, te.kind, "
        "coalesce(v.employment, 'employee') = 'contractor', te.started_at, te.ended_at, te.rate_minor, te.currency "
        "FROM time_entries te JOIN visits v ON v.organization_id = te.organization_id AND v.id = te.visit_id "
        "WHERE te.organization_id = %(organization_id)s AND te.kind IN ('travel', 'work') "
        "AND te.started_at < %(as_of)s",
        {"organization_id": question.organization_id, "as_of": question.at},
    )
    spent: dict[UUID, list[TimeSpent]] = defaultdict(list)
    for work_order_id, person, kind, contractor, started_at, ended_at, rate, currency in rows:
        end = question.at if ended_at is None else min(ended_at, question.at)
        interval = closed_at(started_at, end, question.at)
        spent[work_order_id].append(
            TimeSpent(person, kind, contractor, interval, None if rate is None else Decimal(rate), currency)
        )
    return spent


def parts_used_on(db: Session, question: Question) -> dict[UUID, list[PartUsed]]:
    """Work order to its movements, at the price of the day; what came back is negative."""
    rows = fetch(
        db,
        "SELECT work_order_id, kind, quantity, unit_cost_minor, currency FROM part_movements "
        "WHERE organization_id = %(organization_id)s AND work_order_id IS NOT NULL "
        "AND kind IN ('used', 'returned') AND effective_at <= %(as_of)s",
        {"organization_id": question.organization_id, "as_of": question.at},
    )
    used: dict[UUID, list[PartUsed]] = defaultdict(list)
    for work_order_id, kind, quantity, cost, currency in rows:
        signed = quantity if kind == "used" else -quantity
        used[work_order_id].append(PartUsed(signed, None if cost is None else Decimal(cost), currency))
    return used


def imported_costs(db: Session, question: Question) -> list[Record]:
    rows = candidates(
        db,
        question,
        WORK_ORDERS,
        "coalesce(w.closed_at, w.requested_at)",
        (OUT_OF_SCOPE, "w.imported_cost_minor", "coalesce(w.currency, %(currency)s)"),
        values={"currency": question.currency},
    )
    return [record(row, judge_imported_cost(row[HEADER + 1], row[HEADER + 2], left_out=row[HEADER])) for row in rows]


def part_quantities(db: Session, question: Question) -> list[Record]:
    """Movements of parts to and from work orders; the amount is the quantity, negative when it came back."""
    rows = candidates(
        db,
        question,
        MOVEMENTS,
        "pm.effective_at",
        (OUT_OF_SCOPE, "CASE WHEN pm.kind = 'returned' THEN -pm.quantity ELSE pm.quantity END", "pm.part_number"),
        where=("pm.kind IN ('used', 'returned')",),
    )
    return [record(row, _quantity(*row[HEADER:])) for row in rows]


def _quantity(left_out: str | None, quantity: Decimal, part_number: Any) -> Verdict:
    if left_out is not None:
        return excluded(left_out)
    return Verdict(amount=float(quantity), value=float(quantity), category=part_number)
