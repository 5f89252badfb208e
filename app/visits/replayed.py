"""What the caches of one work order say otherwise than its events do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.crew import MemberState, crew_of
from app.domain.history import history
from app.domain.ledger import Event, StatusInterval, fold
from app.domain.timesheet import timesheet
from app.kit.database import rows
from app.work_orders.ledger import ORDER_COLUMNS, VISIT_COLUMNS, events_of, order_state, visit_state

Crew = dict[tuple[UUID, UUID], tuple[str, datetime | None]]
"""From visit and technician to where somebody of the crew stands, and when they left."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A cache that does not say what the events say."""

    organization_id: UUID
    work_order_id: UUID
    where: str
    cached: Any
    replayed: Any


def differences(db: Session, organization_id: UUID, work_order_id: UUID) -> Iterator[Difference]:
    """What the caches of one work order say otherwise than its events."""

    def differ(where: str, cached: Any, replayed: Any) -> Iterator[Difference]:
        if cached != replayed:
            yield Difference(organization_id, work_order_id, where, cached, replayed)

    key = {"o": organization_id, "id": work_order_id}
    events = events_of(db, organization_id, work_order_id)
    if not events:
        yield Difference(organization_id, work_order_id, "events", "none", "at least one")
        return
    order, visits = fold(events)
    [cached] = rows(db, "SELECT * FROM work_orders WHERE organization_id = %(o)s AND id = %(id)s", **key)
    stored = order_state(cached)
    for name in ORDER_COLUMNS:
        yield from differ(f"work_order.{name}", getattr(stored, name), getattr(order, name))
    known = rows(db, "SELECT * FROM visits WHERE organization_id = %(o)s AND work_order_id = %(id)s", **key)
    yield from differ("visits", {row["id"] for row in known}, set(visits))
    for row in known:
        cached_visit = visit_state(row)
        for name in VISIT_COLUMNS if row["id"] in visits else ():
            where = f"visit {row['number']}.{name}"
            yield from differ(where, getattr(cached_visit, name), getattr(visits[row["id"]], name))
    yield from differ("status_intervals", cached_intervals(db, key), history(events))
    told = {
        (visit_id, entry.technician_id, str(entry.kind), entry.started_at, entry.ended_at)
        for visit_id in visits
        for entry in timesheet(event for event in events if event.visit_id == visit_id)
    }
    yield from differ("time_entries", cached_entries(db, key), told)
    yield from differ("visit_members", cached_crew(db, key), crew_by_events(events))


def cached_intervals(db: Session, key: dict[str, UUID]) -> list[StatusInterval]:
    names = ", ".join(one.name for one in fields(StatusInterval))
    found = rows(
        db,
        f"SELECT {names} FROM status_intervals WHERE organization_id = %(o)s AND work_order_id = %(id)s ORDER BY seq",
        **key,
    )
    return [StatusInterval(**row) for row in found]


def cached_entries(db: Session, key: dict[str, UUID]) -> set[tuple[Any, ...]]:
    found = rows(
        db,
        "SELECT visit_id, technician_id, kind, started_at, ended_at FROM time_entries "
        "WHERE organization_id = %(o)s AND work_order_id = %(id)s AND (ended_at IS NULL OR ended_at > started_at)",
        **key,
    )
    return {tuple(row.values()) for row in found}


def crews_by_events(events: Sequence[Event]) -> dict[UUID, dict[UUID, MemberState]]:
    """From visit to technician to where they stand."""
    visit_ids = {event.visit_id for event in events if event.visit_id is not None}
    return {visit_id: crew_of(event for event in events if event.visit_id == visit_id) for visit_id in visit_ids}


def crew_by_events(events: Sequence[Event]) -> Crew:
    return {
        (visit_id, technician_id): (member.status.value, member.left_at)
        for visit_id, crew in crews_by_events(events).items()
        for technician_id, member in crew.items()
    }


def cached_crew(db: Session, key: dict[str, UUID]) -> Crew:
    found = rows(
        db,
        "SELECT m.visit_id, m.technician_id, m.status, m.left_at FROM visit_members m "
        "JOIN visits v ON v.organization_id = m.organization_id AND v.id = m.visit_id "
        "WHERE m.organization_id = %(o)s AND v.work_order_id = %(id)s",
        **key,
    )
    return {(row["visit_id"], row["technician_id"]): (row["status"], row["left_at"]) for row in found}
