"""What a certificate says about closed work: made from the rows when it is sealed, and again when it is checked.

Each list is of things with an `id`. What somebody wrote, answered or is called is a hash: the certificate proves it to
who has the words, and tells nobody.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from app.certificates.material import Material, Row, digest, event_of, head_of, salted, utc
from app.domain.ledger import VisitState, WorkOrderState, fold
from app.domain.timesheet import timesheet

Entry = dict[str, Any]

#: What a review, or bytes that come later, may change in a submission as long as the work is not closed.
JUDGED = ("verdict", "findings", "facts", "policy", "terms_id", "review", "escalated_at")
REVIEW = ("reviewed_at", "reviewed_by", "review_text", "review_rule_ids", "decided_at", "evidence_due_at",
          "review_due_at")  # fmt: skip
GROUPED = frozenset(
    {"body", "body_hash", "policy", "terms_id", "facts", "verdict", "findings", "escalated_at", *REVIEW}
)


def content_of(material: Material, *, count: int | None = None) -> Entry:
    """What a certificate says, with the ledger as it was after its first `count` events; None: as it is.

    Raises:
        ValueError, KeyError, TypeError: the events cannot be read.
    """
    events = [row for row in material.events if count is None or row["seq"] <= count]
    order, visits = fold(map(event_of, events))
    return {
        "work_order": {**_order_row(material), **_order_state(order)},
        "subject": _subject(material),
        "visits": _visits(material, visits, events),
        **{part: [make(row) for row in material.rows[table]] for part, (table, make) in LISTS.items()},
        "signatures": _signatures(material),
        "ledger": {"count": len(events), "sha256": head_of(events)},
    }


ORDER_ROW = ("id", "number", "title", "type", "priority")
ORDER_STATE = ("requested_at", "first_completed_at", "closed_at", "outcome", "resolution_code", "reopen_count")
VISIT_STATE = ("status", "technician_id", "partner_id", "arrived_at", "started_at", "ended_at", "outcome",
               "resolution_code", "verification", "work_type_version")  # fmt: skip


def _order_row(material: Material) -> Entry:
    return {name: material.order[name] for name in ORDER_ROW}


def _order_state(order: WorkOrderState) -> Entry:
    return {name: getattr(order, name) for name in ORDER_STATE}


def _subject(material: Material) -> Entry:
    """What the work was done on."""
    order, names = material.order, material.names
    return {
        "customer_id": order["customer_id"],
        "site": {"id": order["site_id"], "name": names["site"]},
        "asset": {"id": order["asset_id"], "model": names["model"], "serial": names["serial"]},
    }


def _visits(material: Material, visits: Mapping[Any, VisitState], events: list[Row]) -> list[Entry]:
    """The visits that there were, each with what it was held to and the hash of its time sheet."""
    known = {row["id"]: row for row in material.rows["visits"]}
    terms = {row["id"]: row for row in material.rows["closure_terms"]}
    told = [event_of(row) for row in events]
    made = []
    for visit_id, visit in visits.items():
        row = known.get(str(visit_id), {})
        held_to = terms.get(str(visit.terms_id), {})
        hours = [asdict(entry) for entry in timesheet(event for event in told if event.visit_id == visit_id)]
        made.append(
            {
                "id": str(visit_id),
                "number": row.get("number"),
                "row": digest({name: value for name, value in row.items() if name != "terms_id"}),
                **{name: getattr(visit, name) for name in VISIT_STATE},
                "terms": {
                    "id": str(visit.terms_id) if visit.terms_id else None,
                    "sha256": _hex(held_to.get("sha256")),
                    "policy_version": held_to.get("policy_version"),
                },
                "time": {"entries": len(hours), "sha256": digest(hours)},
            }
        )
    return sorted(made, key=lambda visit: visit["id"])


def _hex(bytea: str | None) -> str | None:
    """Bytes as the database writes them, in plain hex."""
    return None if bytea is None else bytea.removeprefix("\\x")


def _closure(row: Row) -> Entry:
    body = row["body"]
    return {
        "id": row["id"],
        "visit_id": row["visit_id"],
        "verdict": row["verdict"],
        "body": digest([body, row["body_hash"]]),
        "answers": digest(body.get("answers")) if isinstance(body, dict) else None,
        "terms_id": row["terms_id"],
        "policy": digest(row["policy"]),
        "facts": digest(row["facts"]),
        "findings": digest(row["findings"]),
        "review": digest({name: row[name] for name in REVIEW}),
        "escalated_at": utc(row["escalated_at"]),
        "row": digest({name: value for name, value in row.items() if name not in GROUPED}),
    }


def _evidence(row: Row) -> Entry:
    shown = ("id", "visit_id", "kind", "tag", "mime", "size_bytes", "sha256", "document_hash")
    personal = ("signer_name", "latitude", "longitude")
    place = None if row["latitude"] is None else f"{row['latitude']},{row['longitude']}"
    return {
        **{name: row[name] for name in shown},
        "captured_at": utc(row["captured_at"]),
        "signer": salted(row["id"], row["signer_name"]),
        "place": salted(row["id"], place),
        "row": digest({name: value for name, value in row.items() if name not in personal}),
    }


def _signatures(material: Material) -> list[Entry]:
    """Who signed what, and who would not: the name as a hash with the id of the evidence."""
    given = [
        {
            "id": row["id"],
            "role": row["tag"],
            "signer": salted(row["id"], row["signer_name"]),
            "document_hash": row["document_hash"],
            "refused": None,
        }
        for row in material.rows["evidence"]
        if row["kind"] == "signature"
    ]
    for row in material.rows["closure_submissions"]:
        refused = row["body"].get("refused_signatures") if isinstance(row["body"], dict) else None
        for one in refused or ():
            name = f"{row['id']} {one.get('role')}"
            why = salted(name, str(one.get("reason")))
            given.append({"id": name, "role": one.get("role"), "signer": None, "document_hash": None, "refused": why})
    return given


def _waiver(row: Row) -> Entry:
    return {
        **{name: row[name] for name in ("id", "visit_id", "rule_id", "role")},
        "granted_at": utc(row["granted_at"]),
        "reason": salted(row["id"], row["reason"]),
        "row": digest(row),
    }


def _code(row: Row) -> Entry:
    return {
        **{name: row[name] for name in ("id", "visit_id", "channel", "checked")},
        "used_at": utc(row["used_at"]),
        "row": digest({name: value for name, value in row.items() if name not in ("used_at", "checked")}),
    }


def _confirmation(row: Row) -> Entry:
    may_change = ("submission_id", "due_at", "answer", "comment", "answered_at")
    return {
        **{name: row[name] for name in ("id", "visit_id", "submission_id", "answer")},
        "due_at": utc(row["due_at"]),
        "answered_at": utc(row["answered_at"]),
        "comment": salted(row["id"], row["comment"]),
        "row": digest({name: value for name, value in row.items() if name not in may_change}),
    }


def _terms(row: Row) -> Entry:
    return {"id": row["id"], "sha256": _hex(row["sha256"]), "row": digest(row)}


def _hashed(row: Row) -> Entry:
    return {"id": row["id"], "row": digest(row)}


#: From part to its table and how a row of it is told.
LISTS: Mapping[str, tuple[str, Callable[[Row], Entry]]] = {
    "closures": ("closure_submissions", _closure),
    "answers": ("task_results", _hashed),
    "evidence": ("evidence", _evidence),
    "waivers": ("closure_waivers", _waiver),
    "codes": ("customer_codes", _code),
    "confirmations": ("customer_confirmations", _confirmation),
    "movements": ("part_movements", _hashed),
    "terms": ("closure_terms", _terms),
}
