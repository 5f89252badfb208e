"""Parts that were used, or returned where the quantity is negative. Movements are added, never changed.

A row has no key of its own unless it brings an `external_id`: the same row of the same file is the same movement.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from app.domain.money import minor_units
from app.imports.batch import Batch, Outcome, Record, hash_of, hash_text
from app.imports.ledger import refuse_unknown
from app.imports.reading import Read
from app.kit.changes import Kind


def store_parts(batch: Batch, given: Sequence[Read]) -> Outcome:
    outcome = Outcome()
    orders = batch.linked("work_orders", (row.values["work_order_ref"] for row in given))
    parts = _parts(batch, given)
    records: dict[UUID, tuple[Read, Record]] = {}
    for row in given:
        order = orders.get(row.values["work_order_ref"])
        if order is None:
            refuse_unknown(row, outcome)
            continue
        record = _movement(batch, row, order, parts.get(row.values["part_number"]))
        earlier, _ = records.setdefault(record["id"], (row, record))
        if earlier is not row:
            _repeat(row, same=earlier.values == row.values, outcome=outcome)
    added = batch.insert(
        "part_movements",
        [record for _, record in records.values()],
        tail="ON CONFLICT (organization_id, id) DO NOTHING RETURNING id",
    )
    batch.touch(Kind.WORK_ORDER, {record["work_order_id"] for _, record in records.values()})
    _count(batch, records, {row["id"] for row in added}, outcome)
    return outcome


def _count(batch: Batch, records: Mapping[UUID, tuple[Read, Record]], added: set[UUID], outcome: Outcome) -> None:
    outcome.created += len(added)
    known = batch.fetch(
        "SELECT id, body_hash FROM part_movements WHERE organization_id = %(organization_id)s AND id = ANY(%(ids)s)",
        ids=[id_ for id_ in records if id_ not in added],
    )
    for found in known:
        row, record = records[found["id"]]
        _repeat(row, same=hash_text(found["body_hash"]) == record["body_hash"], outcome=outcome)


def _repeat(row: Read, *, same: bool, outcome: Outcome) -> None:
    if same:
        outcome.unchanged += 1
    else:
        outcome.refuse(row, "part-differs", "This movement was imported before and said something else.", "external_id")


def _parts(batch: Batch, given: Sequence[Read]) -> dict[str, dict[str, Any]]:
    found = batch.fetch(
        "SELECT id, number, unit_cost_minor, currency FROM parts WHERE organization_id = %(organization_id)s "
        "AND number = ANY(%(numbers)s)",
        numbers=sorted({row.values["part_number"] for row in given}),
    )
    return {row["number"]: row for row in found}


def _movement(batch: Batch, row: Read, order: Mapping[str, Any], part: Mapping[str, Any] | None) -> Record:
    values, said = row.values, hash_of(row.values)
    at = values["used_at"] or order["resolved_at"] or order["closed_at"] or order["requested_at"]
    quantity, cost, currency = values["quantity"], values["unit_cost"], values["currency"]
    if cost is not None:
        currency = currency or batch.currency
        cost = int(minor_units(cost, currency).to_integral_value())
    return {
        "organization_id": batch.organization_id,
        "id": _id(batch, row, said),
        "kind": "used" if quantity > 0 else "returned",
        "part_id": part["id"] if part else None,
        "part_number": values["part_number"],
        "work_order_id": order["id"],
        "quantity": abs(quantity),
        "delta": -quantity,
        "serials": [],
        "unit_cost_minor": cost,
        "currency": currency,
        "went_negative": False,
        "occurred_at": at,
        "effective_at": at,
        "recorded_at": batch.at,
        "external_ref": values["external_id"] or f"{said.hex()[:24]}.{row.occurrence}",
        "body_hash": hash_text(said),
    }


def _id(batch: Batch, row: Read, said: bytes) -> UUID:
    own = row.values["external_id"]
    name = f"part {own}" if own is not None else f"part by content {said.hex()} {row.occurrence}"
    return uuid5(batch.organization_id, hashlib.sha256(name.encode()).hexdigest())
