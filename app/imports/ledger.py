"""Imported work orders and their events: found and locked, added to, and everything that follows from them redone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from app.domain.history import FROM_A_RECORD, history
from app.domain.ledger import Event, EventType, VisitState, WorkOrderState, fold
from app.imports.batch import Batch, Outcome, Record, hash_text
from app.imports.reading import Read
from app.kit.changes import Kind
from app.kit.ids import uuid7

ORDER_COLUMNS = tuple(one.name for one in fields(WorkOrderState))
VISIT_COLUMNS = tuple(one.name for one in fields(VisitState) if one.name != "id")
OF_A_RECORD = sorted(FROM_A_RECORD)


@dataclass(slots=True)
class ImportedOrder:
    """A work order that an import made, with its events in the order of `seq`; `row` has its own columns.

    `said` is the hash of the row behind an event, by the event's seq; `left_alone` is why nothing may be added to it.
    """

    row: Mapping[str, Any]
    events: list[Event] = field(default_factory=list)
    said: dict[int, bytes] = field(default_factory=dict)
    added: list[Event] = field(default_factory=list)
    left_alone: str | None = None

    @property
    def id(self) -> UUID:
        found: UUID = self.row["id"]
        return found

    def add(
        self, type_: EventType, at: datetime, data: dict[str, Any], said: bytes, visit_id: UUID | None = None
    ) -> Event:
        event = Event(len(self.events) + 1, type_, at, data, visit_id)
        self.events.append(event)
        self.added.append(event)
        self.said[event.seq] = said
        return event


def orders_by_ref(batch: Batch, refs: Iterable[str]) -> dict[str, ImportedOrder]:
    """The work orders with these external ids, locked."""
    found = batch.fetch(
        "SELECT id, external_ref, requested_at, closed_at, resolved_at, team_id, territory, technician_id, type, "
        "work_class, priority, event_count FROM work_orders WHERE organization_id = %(organization_id)s "
        "AND external_ref = ANY(%(refs)s) ORDER BY id FOR UPDATE",
        refs=sorted(set(refs)),
    )
    orders = {row["id"]: ImportedOrder(row) for row in found}
    for row in batch.fetch(
        "SELECT work_order_id, seq, type, effective_at, data, visit_id, implied, body_hash FROM events "
        "WHERE organization_id = %(organization_id)s AND work_order_id = ANY(%(ids)s) ORDER BY work_order_id, seq",
        ids=list(orders),
    ):
        order = orders[row["work_order_id"]]
        order.events.append(
            Event(row["seq"], row["type"], row["effective_at"], row["data"], row["visit_id"], row["implied"])
        )
        order.said[row["seq"]] = row["body_hash"]
    for order in orders.values():
        order.left_alone = _why_not(order)
    return {order.row["external_ref"]: order for order in orders.values()}


def _why_not(order: ImportedOrder) -> str | None:
    if all(event.type != EventType.IMPORTED for event in order.events):
        return "not-imported"
    return "worked-on-here" if any(event.type not in FROM_A_RECORD for event in order.events) else None


LEFT_ALONE = {
    "not-imported": "A work order with this external id was made here, not by an import.",
    "worked-on-here": "Since its import this work order has been worked on here.",
}


def refuse_left_alone(order: ImportedOrder, row: Read, column: str, outcome: Outcome) -> bool:
    """Whether nothing may be added to this work order; then the row is refused."""
    if order.left_alone is None:
        return False
    outcome.refuse(row, order.left_alone, LEFT_ALONE[order.left_alone], column)
    return True


def refuse_unknown(row: Read, outcome: Outcome) -> None:
    outcome.refuse(row, "unknown-work-order", "There is no work order with this external id.", "work_order_ref")


def by_order(batch: Batch, given: Iterable[Read], outcome: Outcome) -> list[tuple[ImportedOrder, list[Read]]]:
    """The rows that belong to work orders, by work order; the others are refused."""
    grouped: dict[str, list[Read]] = defaultdict(list)
    for row in given:
        grouped[row.values["work_order_ref"]].append(row)
    orders = orders_by_ref(batch, grouped)
    for ref in grouped.keys() - orders.keys():
        for row in grouped[ref]:
            refuse_unknown(row, outcome)
    return [(order, grouped[ref]) for ref, order in orders.items()]


def event_record(batch: Batch, work_order_id: UUID, event: Event, said: bytes) -> Record:
    return {
        "organization_id": batch.organization_id,
        "id": uuid7(),
        "work_order_id": work_order_id,
        "seq": event.seq,
        "type": event.type,
        "visit_id": event.visit_id,
        "actor_kind": "import",
        "occurred_at": event.at,
        "effective_at": event.at,
        "recorded_at": batch.at,
        "clock_source": "record",
        "implied": False,
        "data": {**event.data, "import_id": batch.import_id},
        "body_hash": hash_text(said),
    }


def save_events(batch: Batch, orders: Iterable[ImportedOrder]) -> None:
    batch.insert(
        "events",
        [event_record(batch, order.id, event, order.said[event.seq]) for order in orders for event in order.added],
    )


def save_intervals(batch: Batch, orders: Iterable[ImportedOrder]) -> None:
    """The status intervals of new work orders."""
    batch.insert(
        "status_intervals",
        [
            {
                "organization_id": batch.organization_id,
                "id": uuid7(),
                "work_order_id": order.id,
                "seq": seq,
                "status": interval.status,
                "recorded_status": interval.recorded_status,
                "substatus": interval.substatus,
                "hold_reason": interval.hold_reason,
                "entered_at": interval.entered_at,
                "left_at": interval.left_at,
                "implied": interval.implied,
            }
            for order in orders
            for seq, interval in enumerate(history(order.events), start=1)
        ],
    )


def columns_of(state: WorkOrderState | VisitState, names: Sequence[str]) -> Record:
    return {name: getattr(state, name) for name in names}


def save(batch: Batch, orders: Iterable[ImportedOrder], changes: Mapping[UUID, Record] | None = None) -> None:
    """Store what was added to these work orders, and what follows: their columns, visits and intervals.

    `changes` are columns that do not follow from events, by work order; all with the same names.
    """
    touched = [order for order in orders if order.added]
    if not touched:
        return
    save_events(batch, touched)
    states = {order.id: fold(order.events) for order in touched}
    batch.update(
        "work_orders",
        [
            {
                "organization_id": batch.organization_id,
                "id": id_,
                **columns_of(state, ORDER_COLUMNS),
                **(changes[id_] if changes else {}),
            }
            for id_, (state, _) in states.items()
        ],
        also=", version = kept.version + 1",
    )
    batch.fetch(
        "DELETE FROM status_intervals WHERE organization_id = %(organization_id)s AND work_order_id = ANY(%(ids)s)",
        ids=list(states),
    )
    save_intervals(batch, touched)
    batch.touch(Kind.WORK_ORDER, states)


def who_went(technician: Mapping[str, Any] | None, order: ImportedOrder) -> dict[str, Any]:
    """What a visit's event says of its technician: as it is now, for the record has no more."""
    ids = {
        "technician_id": technician["id"] if technician else None,
        "team_id": technician["team_id"] if technician and technician["team_id"] else order.row["team_id"],
        "partner_id": technician["partner_id"] if technician else None,
    }
    known = {name: str(id_) for name, id_ in ids.items() if id_ is not None}
    return {**known, "employment": technician["employment"]} if technician else known


def save_visits(batch: Batch, changed: Iterable[tuple[UUID, ImportedOrder]]) -> None:
    """Store what the events of these visits say; the visits are there already."""
    changed = list(changed)
    batch.touch(Kind.WORK_ORDER, {order.id for _, order in changed})
    records = [
        {
            "organization_id": batch.organization_id,
            "id": visit_id,
            **columns_of(fold(order.events)[1][visit_id], VISIT_COLUMNS),
        }
        for visit_id, order in changed
    ]
    batch.update("visits", records, also=", version = kept.version + 1")


def link_visits(batch: Batch, refs: Sequence[str]) -> None:
    """Visits that named these technicians before they were here get them, by one more event each."""
    if not refs:
        return
    waiting = batch.fetch(
        "SELECT DISTINCT ON (e.visit_id) e.visit_id, e.seq, w.external_ref FROM events e "
        "JOIN visits v ON v.organization_id = e.organization_id AND v.id = e.visit_id AND v.technician_id IS NULL "
        "JOIN work_orders w ON w.organization_id = e.organization_id AND w.id = e.work_order_id "
        "WHERE e.organization_id = %(organization_id)s AND e.type = 'visit.imported' "
        "AND e.data ->> 'technician_ref' = ANY(%(refs)s) ORDER BY e.visit_id, e.seq DESC",
        refs=list(refs),
    )
    if not waiting:
        return
    technicians = batch.linked("technicians", refs)
    orders = orders_by_ref(batch, (row["external_ref"] for row in waiting))
    changed = []
    for row in waiting:
        order = orders[row["external_ref"]]
        event = order.events[row["seq"] - 1]
        technician = technicians.get(event.data["technician_ref"])
        if order.left_alone is not None or technician is None:
            continue
        data = {**event.data, **who_went(technician, order)}
        order.add(EventType.VISIT_IMPORTED, event.at, data, order.said[event.seq], row["visit_id"])
        changed.append((row["visit_id"], order))
    save(batch, orders.values())
    save_visits(batch, changed)
