"""All that the books say about one work order, as a certificate hashes it: rows, their columns named one by one.

The columns belong to the format: a column that is added later is not in old certificates and must not be hashed for
them. `LEFT_OUT` says which ones are not sealed, and why; a test compares both with the tables.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from app.domain.ledger import Event
from app.kit.canonical import canonical_json
from app.kit.database import rows
from app.work_orders.ledger import write_held

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A table that a certificate speaks of; `where` picks the rows of one work order."""

    columns: tuple[str, ...]
    where: str = "work_order_id = %(id)s"


EVENTS = Source(
    ("id", "work_order_id", "seq", "type", "visit_id", "actor_kind", "actor_id", "device_id", "occurred_at",
     "effective_at", "recorded_at", "clock_source", "implied", "data", "body_hash", "answer")
)  # fmt: skip
VISITS = Source(("id", "work_order_id", "number", "territory", "purpose", "recorded_at", "terms_id"))
SUBMISSIONS = Source(
    ("id", "work_order_id", "visit_id", "submitted_by", "body", "body_hash", "policy", "terms_id", "facts", "verdict",
     "findings", "occurred_at", "effective_at", "clock_source", "recorded_at", "decided_at", "evidence_due_at",
     "review_due_at", "escalated_at", "reviewed_at", "reviewed_by", "review_text", "review_rule_ids")
)  # fmt: skip
EVIDENCE = Source(
    ("id", "work_order_id", "visit_id", "kind", "tag", "signer_name", "document_hash", "sha256", "original_sha256",
     "mime", "size_bytes", "width", "height", "captured_at", "latitude", "longitude", "reused", "uploaded_by",
     "recorded_at")
)  # fmt: skip
ANSWERS = Source(
    ("id", "visit_id", "task_id", "done", "value", "technician_id", "effective_at", "recorded_at"),
    "visit_id IN (SELECT v.id FROM visits v WHERE v.organization_id = %(o)s AND v.work_order_id = %(id)s)",
)
WAIVERS = Source(("id", "work_order_id", "visit_id", "rule_id", "role", "reason", "granted_by", "granted_at"))
CODES = Source(
    ("id", "work_order_id", "visit_id", "channel", "salt", "hash", "expires_at", "used_at", "checked", "created_at")
)  # fmt: skip
CONFIRMATIONS = Source(
    ("id", "work_order_id", "visit_id", "submission_id", "asked_at", "due_at", "answer", "comment", "answered_at")
)  # fmt: skip
MOVEMENTS = Source(
    ("id", "kind", "part_id", "part_number", "location_id", "work_order_id", "visit_id", "technician_id", "quantity",
     "delta", "serials", "unit_cost_minor", "currency", "went_negative", "occurred_at", "effective_at", "recorded_at",
     "external_ref", "body_hash")
)  # fmt: skip
TERMS = Source(
    ("id", "sha256", "policy_id", "policy_version", "work_type_id", "work_type_version", "forms", "checklist", "policy",
     "recorded_at"),
    "id IN (SELECT v.terms_id FROM visits v WHERE v.organization_id = %(o)s AND v.work_order_id = %(id)s UNION "
    "SELECT c.terms_id FROM closure_submissions c WHERE c.organization_id = %(o)s AND c.work_order_id = %(id)s)",
)  # fmt: skip
ORDERS = Source(
    ("id", "number", "title", "type", "priority", "status", "event_count", "customer_id", "site_id", "asset_id"),
    "id = %(id)s",
)

SOURCES: Mapping[str, Source] = {
    "work_orders": ORDERS,
    "events": EVENTS,
    "visits": VISITS,
    "closure_submissions": SUBMISSIONS,
    "evidence": EVIDENCE,
    "task_results": ANSWERS,
    "closure_waivers": WAIVERS,
    "customer_codes": CODES,
    "customer_confirmations": CONFIRMATIONS,
    "part_movements": MOVEMENTS,
    "closure_terms": TERMS,
}
#: Not sealed: what was tried in vain goes on, and links are forgotten in time.
LEFT_OUT: Mapping[str, frozenset[str]] = {
    "customer_codes": frozenset({"tried", "token_hash"}),
    "customer_confirmations": frozenset({"token_hash"}),
}

NAMES = """
SELECT 'names' AS source,
       jsonb_build_object('organization', n.name, 'site', s.name, 'model', a.model, 'serial', a.serial)::text AS row
FROM work_orders w
JOIN organizations n ON n.id = w.organization_id
LEFT JOIN sites s ON s.organization_id = w.organization_id AND s.id = w.site_id
LEFT JOIN assets a ON a.organization_id = w.organization_id AND a.id = w.asset_id
WHERE w.organization_id = %(o)s AND w.id = %(id)s
"""


def _one(table: str, source: Source) -> str:
    columns = ", ".join(source.columns)
    return (
        f"SELECT '{table}' AS source, to_jsonb(t)::text AS row FROM "
        f"(SELECT {columns} FROM {table} WHERE organization_id = %(o)s AND {source.where}) AS t"
    )


#: One statement, so that all of it is of one moment.
WHOLE = "\nUNION ALL\n".join([NAMES, *(_one(table, source) for table, source in SOURCES.items())])


@dataclass(slots=True)
class Material:
    """The rows of one work order by table, events by `seq` and all others by id; times are text, in UTC."""

    organization_id: UUID
    work_order_id: UUID
    names: Row = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def order(self) -> Row:
        return self.rows["work_orders"][0]

    @property
    def events(self) -> list[Row]:
        return self.rows["events"]


def read_material(db: Session, organization_id: UUID, work_order_id: UUID) -> Material:
    """What the books say of a work order now.

    Raises:
        LookupError: there is no such work order.
    """
    write_held(db)
    read = Material(organization_id, work_order_id, rows={table: [] for table in SOURCES})
    for one in rows(db, WHOLE, o=organization_id, id=work_order_id):
        row = orjson.loads(one["row"])
        if one["source"] == "names":
            read.names = row
        else:
            read.rows[one["source"]].append(row)
    if not read.rows["work_orders"]:
        raise LookupError(f"no work order {work_order_id}")
    for table, found in read.rows.items():
        found.sort(key=lambda row: row["seq"] if table == "events" else row["id"])
    return read


def event_of(row: Mapping[str, Any]) -> Event:
    """A row of the ledger as the fold takes it."""
    visit_id = UUID(row["visit_id"]) if row["visit_id"] else None
    at = datetime.fromisoformat(row["effective_at"])
    return Event(row["seq"], row["type"], at, row["data"], visit_id, row["implied"])


def digest(value: Any) -> str:
    """SHA-256, in hex, of the canonical JSON of a value; a number that has none is hashed as it is written."""
    try:
        written = canonical_json(value)
    except ValueError:
        written = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(written).hexdigest()


def head_of(events: Sequence[Mapping[str, Any]]) -> str:
    """The hash chain over these events, in hex: each link is SHA-256 of the link before and the hash of its event."""
    link = bytes(32)
    for event in events:
        link = hashlib.sha256(link + bytes.fromhex(digest(event))).digest()
    return link.hex()


def salted(id: str, text: str | None) -> str | None:
    """The hash of what somebody is called or wrote: it proves the words to who has them, and tells them to nobody."""
    return None if text is None else hashlib.sha256(f"{id}\n{text}".encode()).hexdigest()


def utc(text: str | None) -> str | None:
    """A time as certificates write it."""
    return None if text is None else text.replace("+00:00", "Z")
