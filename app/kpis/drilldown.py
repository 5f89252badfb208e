"""The records behind a figure, page by page; all pages together are exactly as many as it says."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlmodel import Session

from app.kit.database import utc_iso
from app.kit.paging import make_cursor, read_cursor
from app.kpis.answers import group_of
from app.kpis.definitions import Definition
from app.kpis.questions import Question, Record

SIDES: Mapping[str, Callable[[Record], bool]] = {
    "numerator": lambda one: one.verdict.reason is None and one.verdict.amount != 0,
    "denominator": lambda one: one.verdict.reason is None and one.verdict.weight != 0,
    "excluded": lambda one: one.verdict.reason is not None,
}


def page_of_records(
    db: Session,
    definition: Definition,
    question: Question,
    *,
    side: str,
    category: str | None,
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    """The records of one side in the order of their instants, oldest first."""
    purpose = f"kpi-records:{definition.key}:{side}"
    after = read_cursor(db, cursor, purpose)
    found = sorted(
        (
            one
            for one in definition.records(db, question)
            if SIDES[side](one) and (category is None or one.verdict.category == category)
        ),
        key=_place,
    )
    if after is not None:
        found = [one for one in found if _place(one) > after]
    return {
        "items": [shown(one, group_of(definition, question, one)) for one in found[:limit]],
        "next_cursor": make_cursor(db, purpose, _place(found[limit - 1])) if len(found) > limit else None,
    }


def _place(one: Record) -> list[str]:
    return [str(utc_iso(one.at)), str(one.id), one.verdict.category or "", one.verdict.currency or ""]


def shown(one: Record, group: str | None) -> dict[str, Any]:
    verdict = one.verdict
    return {
        "id": str(one.id),
        "number": one.number,
        "work_order_id": None if one.work_order_id is None else str(one.work_order_id),
        "at": utc_iso(one.at),
        "group": group,
        "label": one.label,
        "amount": verdict.amount,
        "weight": verdict.weight,
        "value": verdict.value,
        "category": verdict.category,
        "reason": verdict.reason,
        "currency": verdict.currency,
        "components": dict(verdict.components or {}),
    }
