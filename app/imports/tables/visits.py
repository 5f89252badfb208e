"""Visits of another system. A row is the whole record of its visit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.ledger import EventType, fold
from app.domain.lifecycle import Outcome as VisitOutcome
from app.imports.batch import Batch, Outcome, hash_of, unique_rows
from app.imports.ledger import (
    VISIT_COLUMNS,
    ImportedOrder,
    by_order,
    columns_of,
    refuse_left_alone,
    save,
    save_visits,
    who_went,
)
from app.imports.reading import Read
from app.kit.database import utc_iso
from app.kit.ids import uuid7


def store_visits(batch: Batch, given: Sequence[Read]) -> Outcome:
    outcome = Outcome()
    kept = unique_rows(given, ("work_order_ref", "visit_no"), outcome)
    technicians = batch.linked("technicians", (row.values["technician_ref"] for row in kept))
    found = by_order(batch, kept, outcome)
    known = _known(batch, [order.id for order, _ in found])
    new: dict[UUID, tuple[ImportedOrder, Read]] = {}
    changed: dict[UUID, ImportedOrder] = {}
    for order, mine in found:
        for row in sorted(mine, key=lambda row: row.values["visit_no"]):
            visit_id = known.get((order.id, row.values["visit_no"]))
            if visit_id is not None and _repeats(order, visit_id, row):
                outcome.unchanged += 1
                continue
            if refuse_left_alone(order, row, "work_order_ref", outcome):
                continue
            outcome.warn_unknown(row, "technician_ref", technicians)
            if visit_id is None:
                new[visit_id := uuid7()] = (order, row)
            else:
                changed[visit_id] = order
            _add_event(order, visit_id, row, technicians)
    _add_visits(batch, new)
    save_visits(batch, changed.items())
    save(batch, [order for order, _ in found])
    outcome.created += len(new)
    outcome.updated += len(changed)
    return outcome


def _known(batch: Batch, order_ids: Sequence[UUID]) -> dict[tuple[UUID, int], UUID]:
    found = batch.fetch(
        "SELECT work_order_id, number, id FROM visits WHERE organization_id = %(organization_id)s "
        "AND work_order_id = ANY(%(ids)s)",
        ids=list(order_ids),
    )
    return {(row["work_order_id"], row["number"]): row["id"] for row in found}


def _repeats(order: ImportedOrder, visit_id: UUID, row: Read) -> bool:
    said = [
        order.said[event.seq]
        for event in order.events
        if event.visit_id == visit_id and event.type == EventType.VISIT_IMPORTED
    ]
    return bool(said) and said[-1] == hash_of(row.values)


def _add_event(order: ImportedOrder, visit_id: UUID, row: Read, technicians: Mapping[str, Mapping[str, Any]]) -> None:
    values = row.values
    technician = technicians.get(values["technician_ref"])
    at = values["started_at"] or values["ended_at"] or order.row["requested_at"]
    data = {
        "number": values["visit_no"],
        "technician_ref": values["technician_ref"],
        **who_went(technician, order),
        **{name: utc_iso(values[name]) for name in ("started_at", "ended_at", "verified_at")},
        "outcome": values["outcome"],
        "verification": _verification(values),
        "round": _round(order, at) or None,
    }
    said = {name: value for name, value in data.items() if value is not None}
    order.add(EventType.VISIT_IMPORTED, at, said, hash_of(values), visit_id)


def _verification(values: Mapping[str, Any]) -> str | None:
    """What was not fixed did not pass; the rest passed when somebody verified it."""
    if values["outcome"] == VisitOutcome.NOT_RESOLVED:
        return "failed"
    return "passed" if values["verified_at"] and values["outcome"] == VisitOutcome.RESOLVED else None


def _round(order: ImportedOrder, at: datetime) -> int:
    """How often the work had been reopened when the visit was made."""
    return sum(
        event.data.get("reopens", 0)
        for event in order.events
        if event.type == EventType.STATUS_RECORDED and event.at <= at
    )


def _add_visits(batch: Batch, new: Mapping[UUID, tuple[ImportedOrder, Read]]) -> None:
    batch.insert(
        "visits",
        [
            {
                "organization_id": batch.organization_id,
                "id": visit_id,
                "work_order_id": order.id,
                "number": row.values["visit_no"],
                "territory": order.row["territory"],
                "purpose": "service",
                "recorded_at": batch.at,
                "version": 1,
                **columns_of(fold(order.events)[1][visit_id], VISIT_COLUMNS),
            }
            for visit_id, (order, row) in new.items()
        ],
    )
