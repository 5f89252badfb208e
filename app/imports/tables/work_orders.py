"""Work orders of another system. A row is the whole record: what it leaves out, the record does not have."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.domain.import_rows import STATUS_MEANS
from app.domain.ledger import EventType, fold
from app.domain.lifecycle import WorkOrderStatus
from app.domain.money import minor_units
from app.imports.batch import Batch, Outcome, Record, hash_of, unique_rows
from app.imports.ledger import (
    ORDER_COLUMNS,
    ImportedOrder,
    columns_of,
    orders_by_ref,
    refuse_left_alone,
    save,
    save_events,
    save_intervals,
)
from app.imports.reading import Read
from app.kit.database import next_numbers, utc_iso
from app.kit.ids import uuid7

#: Reference column to the table that it points into.
REFERENCES = {"site": "sites", "asset": "assets", "team": "teams", "technician": "technicians", "customer": "customers"}
SAID_AS_TEXT = ("resolution_code", "resolution_note")

Known = Mapping[str, Mapping[str, Mapping[str, Any]]]


def store_work_orders(batch: Batch, given: Sequence[Read]) -> Outcome:
    outcome = Outcome()
    kept = unique_rows(given, ("external_id",), outcome)
    known = _known(batch, kept)
    orders = orders_by_ref(batch, (row.values["external_id"] for row in kept))
    new: list[tuple[ImportedOrder, Read]] = []
    changed: list[tuple[ImportedOrder, Read]] = []
    for row in kept:
        order = orders.get(row.values["external_id"])
        if order is not None and _repeats(order, row):
            outcome.unchanged += 1
            continue
        if order is not None and refuse_left_alone(order, row, "external_id", outcome):
            continue
        target = order or ImportedOrder({"id": uuid7()})
        (changed if order else new).append((target, row))
        _add_event(target, row)
        for what in REFERENCES:
            outcome.warn_unknown(row, f"{what}_ref", known[what])
    _add(batch, new, known)
    save(batch, [order for order, _ in changed], {order.id: _own_columns(batch, row, known) for order, row in changed})
    outcome.created += len(new)
    outcome.updated += len(changed)
    return outcome


def _known(batch: Batch, kept: Sequence[Read]) -> Known:
    known = {
        what: batch.linked(table, (row.values[f"{what}_ref"] for row in kept)) for what, table in REFERENCES.items()
    }
    wanted = sorted({row.values["type"] for row in kept if row.values["type"] is not None})
    types = batch.fetch(
        "SELECT id, key FROM work_types WHERE organization_id = %(organization_id)s AND key = ANY(%(keys)s)",
        keys=wanted,
    )
    return {**known, "type": {row["key"]: row for row in types}}


def _repeats(order: ImportedOrder, row: Read) -> bool:
    said = [order.said[event.seq] for event in order.events if event.type == EventType.IMPORTED]
    return bool(said) and said[-1] == hash_of(row.values)


def _add_event(order: ImportedOrder, row: Read) -> None:
    values = row.values
    status = STATUS_MEANS[values["status"]]
    data = {
        "status": status.value,
        "recorded_status": values["status"],
        **{name: utc_iso(values[name]) for name in ("assigned_at", "resolved_at", "closed_at")},
        "canceled_at": utc_iso(values["closed_at"]) if status is WorkOrderStatus.CANCELED else None,
        **{name: values[name] for name in SAID_AS_TEXT},
    }
    said = {name: value for name, value in data.items() if value is not None}
    order.add(EventType.IMPORTED, values["created_at"], said, hash_of(values))


def _own_columns(batch: Batch, row: Read, known: Known) -> Record:
    """What the row says that does not follow from events."""
    values = row.values
    linked = {what: known[what].get(values[f"{what}_ref"]) for what in REFERENCES}
    site, work_type = linked["site"], known["type"].get(values["type"])
    customer_id = linked["customer"]["id"] if linked["customer"] else site["customer_id"] if site else None
    cost, currency = values["cost_total"], values["currency"]
    if cost is not None:
        currency = currency or batch.currency
        cost = minor_units(cost, currency)
    return {
        **{f"{what}_id": one["id"] if one else None for what, one in linked.items()},
        **{f"{what}_ref": values[f"{what}_ref"] for what in REFERENCES if what != "customer"},
        "customer_id": customer_id,
        "work_type_id": work_type["id"] if work_type else None,
        "type": values["type"],
        "work_class": values["work_class"],
        "title": values["title"] or values["type"] or values["external_id"],
        "description": values["description"] or "",
        "priority": values["priority"],
        "channel": values["source"],
        "territory": values["region"],
        "problem_code": values["problem_code"],
        "due_at": values["due_at"],
        "imported_cost_minor": cost,
        "currency": currency,
    }


NEW_COLUMNS: Record = {
    "counts_ftf": True,
    "planned_trips": 1,
    "sla_pause_reasons": [],
    "unrelated": False,
    "is_test": False,
    "version": 1,
}


def _add(batch: Batch, new: Sequence[tuple[ImportedOrder, Read]], known: Known) -> None:
    numbers = iter(next_numbers(batch.db, batch.organization_id, "work_order", len(new)))
    batch.insert("work_orders", [_record(batch, order, row, known, numbers) for order, row in new])
    orders = [order for order, _ in new]
    save_events(batch, orders)
    save_intervals(batch, orders)


def _record(batch: Batch, order: ImportedOrder, row: Read, known: Known, numbers: Iterator[int]) -> Record:
    state, _ = fold(order.events)
    return {
        "organization_id": batch.organization_id,
        "id": order.id,
        "number": f"WO-{20_000 + next(numbers)}",
        "external_ref": row.values["external_id"],
        "recorded_at": batch.at,
        **NEW_COLUMNS,
        **_own_columns(batch, row, known),
        **columns_of(state, ORDER_COLUMNS),
    }
