"""Writing to the ledger: lock the work order, let events take effect, store events and caches in one statement.

A work order and its visits are one thing to the lock and to the fold, so this module reads and writes the rows of
both. Three statements: lock, read the visits, write. A late event costs one more, since the intervals and time
entries that lie after it are made anew.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from app.domain.history import history
from app.domain.ledger import Event, EventType, VisitState, WorkOrderState, apply
from app.domain.lifecycle import UNDERWAY, Outcome, VisitStatus, WorkOrderStatus
from app.domain.time_rule import ClockSource
from app.domain.timesheet import time_effect, timesheet, typed_entry
from app.kit.changes import Kind, touch
from app.kit.database import rows
from app.kit.ids import uuid7
from app.kit.problems import NotFound

ORDER_COLUMNS = tuple(one.name for one in fields(WorkOrderState))
VISIT_COLUMNS = tuple(one.name for one in fields(VisitState))


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did it, and how we know when."""

    kind: str = "system"
    id: UUID | None = None
    device_id: UUID | None = None


SYSTEM = Actor()


@dataclass(slots=True)
class OpenLedger:
    """One work order, locked until the transaction ends: its row, its state, its visits, and what is new."""

    organization_id: UUID
    id: UUID
    row: dict[str, Any]
    order: WorkOrderState
    visits: dict[UUID, VisitState] = field(default_factory=dict)
    visit_rows: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    repeat: dict[str, Any] | None = None
    held: bool = False
    """What takes effect is stored later, with what else does: see `hold_ledgers`."""
    pending: "Writing | None" = None

    @property
    def version(self) -> int:
        return int(self.row["version"])


@dataclass(slots=True)
class Writing:
    """What one call of `record` adds to the database."""

    events: list[dict[str, Any]] = field(default_factory=list)
    intervals: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    time_ends: list[dict[str, Any]] = field(default_factory=list)
    interval_ends_at: datetime | None = None
    touched: set[UUID] = field(default_factory=set)
    """The visits whose rows have changed."""


LOCK = "SELECT * FROM work_orders WHERE organization_id = %(o)s AND id = %(id)s FOR UPDATE"

VISITS = """
SELECT v.*, ARRAY(SELECT m.technician_id FROM visit_members m
                  WHERE m.organization_id = v.organization_id AND m.visit_id = v.id AND m.left_at IS NULL) AS members,
       to_jsonb(r) AS repeat
FROM (SELECT 1) AS one
LEFT JOIN visits v ON v.organization_id = %(o)s AND v.work_order_id = %(id)s
LEFT JOIN events r ON r.organization_id = %(o)s AND r.id = %(repeat)s
ORDER BY v.number
"""


def open_ledger(
    db: Session, organization_id: UUID, work_order_id: UUID, *, repeat_of: UUID | None = None
) -> OpenLedger:
    """Lock the work order and read where it stands; `repeat_of` also looks up an event that may be there already.

    Raises:
        NotFound: there is no such work order in the organization.
    """
    found = rows(db, LOCK, o=organization_id, id=work_order_id)
    if not found:
        raise NotFound("There is no such work order.", work_order_id=str(work_order_id))
    return opened(db, organization_id, found[0], repeat_of=repeat_of)


def opened(db: Session, organization_id: UUID, row: dict[str, Any], *, repeat_of: UUID | None = None) -> OpenLedger:
    """The same, for a row that is locked already."""
    ledger = OpenLedger(organization_id, row["id"], row, order_state(row))
    for visit in rows(db, VISITS, o=organization_id, id=row["id"], repeat=repeat_of):
        ledger.repeat = visit.pop("repeat")
        if visit["id"] is not None:
            ledger.visit_rows[visit["id"]] = visit
            ledger.visits[visit["id"]] = visit_state(visit)
    return ledger


def order_state(row: Mapping[str, Any]) -> WorkOrderState:
    known = {name: row[name] for name in ORDER_COLUMNS}
    known["status"] = WorkOrderStatus(known["status"])
    known["ended_as"] = WorkOrderStatus(known["ended_as"]) if known["ended_as"] else None
    known["outcome"] = Outcome(known["outcome"]) if known["outcome"] else None
    return WorkOrderState(**known)


def visit_state(row: Mapping[str, Any]) -> VisitState:
    known = {name: row[name] for name in VISIT_COLUMNS}
    known["status"] = VisitStatus(known["status"])
    known["paused_from"] = VisitStatus(known["paused_from"]) if known["paused_from"] else None
    known["outcome"] = Outcome(known["outcome"]) if known["outcome"] else None
    return VisitState(**known)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event to be recorded. Only what a device made has an `id` of its own and another `occurred_at`."""

    type: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    visit_id: UUID | None = None
    implied: bool = False
    id: UUID | None = None
    occurred_at: datetime | None = None
    clock_source: ClockSource = ClockSource.SERVER
    body_hash: bytes | None = None


def take_effect(ledger: OpenLedger, new: Iterable[NewEvent], *, by: Actor, recorded_at: datetime) -> Writing:
    """Number the events and let them take effect on the ledger's state; nothing is written yet."""
    writing = ledger.pending or Writing()
    for one in new:
        at = possible_time(ledger, one.type, one.visit_id, one.at)
        event = Event(ledger.order.event_count + 1, one.type, at, _json(one.data), one.visit_id, one.implied)
        before = (ledger.order.status, ledger.order.hold_reason)
        if one.visit_id is not None and one.visit_id in ledger.visits:
            _note_time(writing, ledger, event)
        apply(ledger.order, ledger.visits, event)
        after = (ledger.order.status, ledger.order.hold_reason)
        if before != after or event.seq == 1:
            _note_interval(writing, ledger, event)
        if one.visit_id is not None:
            writing.touched.add(one.visit_id)
        writing.events.append(_event_row(ledger, event, one, by=by, recorded_at=recorded_at))
    return writing


def possible_time(ledger: OpenLedger, type_: str, visit_id: UUID | None, at: datetime) -> datetime:
    """`at`, put right where a clock says what cannot be.

    Nothing was done before it was asked for, and what moves a visit on did not happen before what brought it where
    it is. A time that is reported late, when the visit is further on, is taken as it is.
    """
    known = [at, ledger.order.requested_at]
    visit = ledger.visits.get(visit_id) if visit_id is not None else None
    if visit is not None and visit.status in COMES_AFTER.get(type_, ()):
        known += [visit.departed_at, visit.arrived_at, visit.started_at]
    return max(moment for moment in known if moment is not None)


COMES_AFTER: Mapping[str, frozenset[VisitStatus]] = {
    EventType.VISIT_ARRIVED: frozenset({VisitStatus.EN_ROUTE}),
    EventType.VISIT_STARTED: frozenset({VisitStatus.EN_ROUTE, VisitStatus.ON_SITE}),
    EventType.VISIT_PAUSED: UNDERWAY,
    EventType.VISIT_RESUMED: UNDERWAY,
    EventType.VISIT_COMPLETED: UNDERWAY,
    EventType.VISIT_ENDED_INCOMPLETE: UNDERWAY,
    EventType.VISIT_NO_ACCESS: UNDERWAY,
    EventType.VISIT_CANCELED: UNDERWAY,
}


def _note_interval(writing: Writing, ledger: OpenLedger, event: Event) -> None:
    if writing.intervals:
        writing.intervals[-1]["left_at"] = event.at
    else:
        writing.interval_ends_at = event.at
    writing.intervals.append(
        {
            "organization_id": ledger.organization_id,
            "id": uuid7(),
            "work_order_id": ledger.id,
            "seq": len(writing.intervals) + 1,
            "status": ledger.order.status,
            "hold_reason": ledger.order.hold_reason,
            "entered_at": event.at,
            "implied": False,
        }
    )


def _note_time(writing: Writing, ledger: OpenLedger, event: Event) -> None:
    assert event.visit_id is not None
    if (typed := typed_entry(event)) is not None:
        writing.entries.append({"id": uuid7(), "visit_id": event.visit_id, **asdict(typed)})
        return
    effect = time_effect(event, ledger.visits[event.visit_id])
    if effect is None:
        return
    for entry in writing.entries:
        if entry.get("ended_at") is None and effect.technician_id in (None, entry["technician_id"]):
            entry["ended_at"] = event.at
    ends = {"visit_id": event.visit_id, "technician_id": effect.technician_id, "at": event.at}
    if not any(_ends_before(one, ends) for one in writing.time_ends):
        writing.time_ends.append(ends)
    if effect.opens is not None:
        writing.entries.append(
            {
                "id": uuid7(),
                "visit_id": event.visit_id,
                "technician_id": effect.technician_id,
                "kind": effect.opens,
                "reason": effect.reason,
                "started_at": event.at,
            }
        )


def _ends_before(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether what was running then has ended with `one` already."""
    return one["visit_id"] == other["visit_id"] and one["technician_id"] in (None, other["technician_id"])


def _event_row(ledger: OpenLedger, event: Event, one: NewEvent, *, by: Actor, recorded_at: datetime) -> dict[str, Any]:
    return {
        "organization_id": ledger.organization_id,
        "id": one.id or uuid7(),
        "work_order_id": ledger.id,
        "seq": event.seq,
        "type": one.type,
        "visit_id": one.visit_id,
        "actor_kind": by.kind,
        "actor_id": by.id,
        "device_id": by.device_id,
        "occurred_at": one.occurred_at or event.at,
        "effective_at": event.at,
        "recorded_at": recorded_at,
        "clock_source": one.clock_source,
        "implied": one.implied,
        "data": event.data,
        "body_hash": "\\x" + one.body_hash.hex() if one.body_hash else None,
        "answer": None,
    }


ORDER_SET = ", ".join(f"{name} = p.{name}" for name in ORDER_COLUMNS)
VISIT_SET = ", ".join(f"{name} = excluded.{name}" for name in (*VISIT_COLUMNS, "version") if name != "id")

WRITE = f"""
WITH new_events AS (
    INSERT INTO events SELECT * FROM jsonb_populate_recordset(NULL::events, %(events)s)
), new_visits AS (
    INSERT INTO visits SELECT * FROM jsonb_populate_recordset(NULL::visits, %(visits)s)
    ON CONFLICT (organization_id, id) DO UPDATE SET {VISIT_SET}
), left_interval AS (
    UPDATE status_intervals SET left_at = greatest(%(interval_ends_at)s, entered_at)
    WHERE organization_id = %(o)s AND work_order_id = %(id)s AND left_at IS NULL
      AND %(interval_ends_at)s::timestamptz IS NOT NULL
), new_intervals AS (
    INSERT INTO status_intervals (organization_id, id, work_order_id, seq, status, recorded_status, substatus,
                                  hold_reason, entered_at, left_at, implied)
    SELECT i.organization_id, i.id, i.work_order_id,
           i.seq + (SELECT coalesce(max(s.seq), 0) FROM status_intervals s
                                                WHERE s.organization_id = %(o)s AND s.work_order_id = %(id)s),
           i.status, i.recorded_status, i.substatus, i.hold_reason, i.entered_at, i.left_at, i.implied
    FROM jsonb_populate_recordset(NULL::status_intervals, %(intervals)s) i
), ended AS (
    UPDATE time_entries t SET ended_at = greatest(e.at, t.started_at)
    FROM (SELECT r.id, min(e.at) AS at
          FROM jsonb_to_recordset(%(time_ends)s) AS e(visit_id uuid, technician_id uuid, at timestamptz)
          JOIN time_entries r ON r.organization_id = %(o)s AND r.visit_id = e.visit_id AND r.ended_at IS NULL
               AND (e.technician_id IS NULL OR e.technician_id = r.technician_id)
          GROUP BY r.id) e
    WHERE t.organization_id = %(o)s AND t.id = e.id
), begun AS (
    INSERT INTO time_entries (organization_id, id, work_order_id, visit_id, technician_id, kind, reason,
                              started_at, ended_at, rate_minor, currency)
    SELECT %(o)s, n.id, %(id)s, n.visit_id, n.technician_id, n.kind, n.reason, n.started_at, n.ended_at,
           w.hourly_rate_minor, w.currency
    FROM jsonb_populate_recordset(NULL::time_entries, %(entries)s) n
    JOIN technicians w ON w.organization_id = %(o)s AND w.id = n.technician_id
)
UPDATE work_orders w SET {ORDER_SET}, version = w.version + 1
FROM jsonb_populate_record(NULL::work_orders, %(order)s) p
WHERE w.organization_id = %(o)s AND w.id = %(id)s
"""


def write(db: Session, ledger: OpenLedger, writing: Writing) -> None:
    """Store what took effect. Late events make the intervals and time entries anew from all events."""
    visits = []
    for visit_id in writing.touched & ledger.visits.keys():
        row = ledger.visit_rows[visit_id]
        row.update({name: getattr(ledger.visits[visit_id], name) for name in VISIT_COLUMNS})
        row["version"] = row.get("version", 0) + 1
        visits.append({name: value for name, value in row.items() if name != "members"})
    rows(
        db,
        WRITE,
        o=ledger.organization_id,
        id=ledger.id,
        events=_dumps(writing.events),
        visits=_dumps(visits),
        intervals=_dumps(writing.intervals),
        interval_ends_at=writing.interval_ends_at,
        time_ends=_dumps(writing.time_ends),
        entries=_dumps(writing.entries),
        order=_dumps(ledger.order),
    )
    ledger.row["version"] = ledger.version + 1
    touch(db, ledger.organization_id, Kind.WORK_ORDER, ledger.id)
    if ledger.order.late_events:
        rebuild_caches(db, ledger.organization_id, ledger.id)


def record(
    db: Session,
    ledger: OpenLedger,
    new: Iterable[NewEvent],
    *,
    by: Actor = SYSTEM,
    at: datetime,
    answer: Callable[[], dict[str, Any]] | None = None,
) -> None:
    """Let these events happen: on the state, in the ledger, in every cache.

    `answer` is asked once they have taken effect; what it says is stored with the event that a device made.
    """
    known = len(ledger.pending.events) if ledger.pending is not None else 0
    writing = take_effect(ledger, new, by=by, recorded_at=at)
    if answer is not None:
        reported = next(event for event in writing.events[known:] if event["body_hash"] is not None)
        reported["answer"] = answer()
    if ledger.held:
        ledger.pending = writing
    else:
        write(db, ledger, writing)


def hold_ledgers(db: Session) -> None:
    """From here on, reports about one work order share its lock, its reading and its writing, until `let_go`.

    Only for what a batch of reports does: whatever else reads these rows in the database calls `write_held` first.
    """
    db.info["held_ledgers"] = {}


def is_holding(db: Session) -> bool:
    return "held_ledgers" in db.info


def held_ledger(db: Session, visit_id: UUID) -> OpenLedger | None:
    """The work order of this visit, when it was opened for this batch already; else what is held is stored first."""
    held: dict[UUID, OpenLedger] = db.info.get("held_ledgers", {})
    if visit_id not in held:
        write_held(db)
        return None
    held[visit_id].repeat = None
    return held[visit_id]


def hold(db: Session, visit_id: UUID, ledger: OpenLedger) -> None:
    """Keep it open for the rest of the batch, if there is one; what was read before of the same work order is old."""
    held: dict[UUID, OpenLedger] | None = db.info.get("held_ledgers")
    if held is not None:
        for other in [known for known, one in held.items() if one.id == ledger.id]:
            held.pop(other).held = False
        ledger.held = True
        held[visit_id] = ledger


def write_held(db: Session) -> None:
    """Store all that has taken effect so far."""
    for ledger in db.info.get("held_ledgers", {}).values():
        pending, ledger.pending = ledger.pending, None
        if pending is not None:
            write(db, ledger, pending)


def let_go(db: Session, *, store: bool = True) -> None:
    """Nothing is held any more; what was is stored, unless the transaction is undone anyway."""
    if store:
        write_held(db)
    for ledger in db.info.pop("held_ledgers", {}).values():
        ledger.held = False
    db.info.pop("first_assigned", None)


EVENTS = """
SELECT seq, type, effective_at, data, visit_id, implied FROM events
WHERE organization_id = %(o)s AND work_order_id = %(id)s ORDER BY seq
"""


def events_of(db: Session, organization_id: UUID, work_order_id: UUID) -> list[Event]:
    """All events of a work order in the order in which they were recorded."""
    write_held(db)
    return [
        Event(row["seq"], row["type"], row["effective_at"], row["data"], row["visit_id"], row["implied"])
        for row in rows(db, EVENTS, o=organization_id, id=work_order_id)
    ]


REBUILD = """
WITH gone AS (
    DELETE FROM status_intervals WHERE organization_id = %(o)s AND work_order_id = %(id)s AND seq > %(count)s
), intervals AS (
    INSERT INTO status_intervals SELECT * FROM jsonb_populate_recordset(NULL::status_intervals, %(intervals)s)
    ON CONFLICT (organization_id, work_order_id, seq) DO UPDATE
    SET status = excluded.status, recorded_status = excluded.recorded_status, substatus = excluded.substatus,
        hold_reason = excluded.hold_reason, entered_at = excluded.entered_at, left_at = excluded.left_at,
        implied = excluded.implied
), before AS MATERIALIZED (
    SELECT visit_id, technician_id, started_at, rate_minor, currency FROM time_entries
    WHERE organization_id = %(o)s AND work_order_id = %(id)s
), dropped AS (
    DELETE FROM time_entries WHERE organization_id = %(o)s AND work_order_id = %(id)s
)
INSERT INTO time_entries (organization_id, id, work_order_id, visit_id, technician_id, kind, reason,
                          started_at, ended_at, rate_minor, currency)
SELECT %(o)s, n.id, %(id)s, n.visit_id, n.technician_id, n.kind, n.reason, n.started_at, n.ended_at,
       coalesce(b.rate_minor, w.hourly_rate_minor), coalesce(b.currency, w.currency)
FROM jsonb_populate_recordset(NULL::time_entries, %(entries)s) n
JOIN technicians w ON w.organization_id = %(o)s AND w.id = n.technician_id
LEFT JOIN LATERAL (
    SELECT rate_minor, currency FROM before
    WHERE before.technician_id = n.technician_id AND before.visit_id = n.visit_id
    ORDER BY abs(extract(epoch FROM before.started_at - n.started_at)) LIMIT 1) b ON true
"""


def rebuild_caches(db: Session, organization_id: UUID, work_order_id: UUID) -> None:
    """Make status intervals and time entries anew from the events; a rate that was written down is kept."""
    events = events_of(db, organization_id, work_order_id)
    intervals = [
        {
            "organization_id": organization_id,
            "id": uuid7(),
            "work_order_id": work_order_id,
            "seq": number,
            **asdict(interval),
        }
        for number, interval in enumerate(history(events), start=1)
    ]
    visit_ids = {event.visit_id for event in events if event.visit_id is not None}
    entries = [
        {"id": uuid7(), "visit_id": visit_id, **asdict(entry)}
        for visit_id in sorted(visit_ids)
        for entry in timesheet(event for event in events if event.visit_id == visit_id)
    ]
    rows(
        db,
        REBUILD,
        o=organization_id,
        id=work_order_id,
        count=len(intervals),
        intervals=_dumps(intervals),
        entries=_dumps(entries),
    )


def _dumps(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def _json(data: Mapping[str, Any]) -> dict[str, Any]:
    """An event's data as it will be read back: plain JSON."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(dict(data), default=str))
    return plain
