"""My jobs: one statement, from the driver's rows straight to the bytes of the answer.

This is the hottest read: each phone asks for it many times a day. It therefore does without ORM objects and
response models; a test holds what it says against the schema.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from app.domain.crew import MemberStatus
from app.domain.lifecycle import CATEGORY, VisitStatus
from app.domain.replica import CONTACT_IS_KEPT
from app.identity.access import Caller
from app.kit.database import rows
from app.kit.problems import NotFound
from app.visits.queries import actions_of_member, actions_on_visit

WINDOW = timedelta(days=14)
BEFORE_DISPATCH = frozenset({VisitStatus.SCHEDULED, VisitStatus.DECLINED, VisitStatus.NO_SHOW, VisitStatus.CANCELED})

JOBS = """
SELECT v.id, v.version, v.number, v.status, v.technician_id, v.scheduled_start, v.scheduled_end, v.window_start,
       v.window_end, v.departed_at, v.arrived_at, v.started_at, v.ended_at,
       w.id AS w_id, w.number AS w_number, w.title, w.description, w.type, w.work_class, w.priority,
       w.status AS w_status, w.problem_code, w.due_at, w.estimated_minutes, w.changes_requested,
       s.id AS s_id, s.name AS s_name, s.address, s.postal_code, s.latitude, s.longitude, s.access_notes,
       c.name AS c_name, c.phone, c.email, c.id AS c_id,
       a.id AS a_id, a.name AS a_name, a.model, a.serial, a.warranty_until,
       coalesce(t.planned_parts, '[]')::text AS planned_parts,
       coalesce(ct.checklist, t.checklist, '[]')::text AS checklist,
       coalesce(ct.policy, t.closure_policy) AS closure_policy,
       coalesce(ct.policy_version, t.version) AS policy_version,
       (SELECT m.status FROM visit_members m
        WHERE m.organization_id = v.organization_id AND m.visit_id = v.id AND m.technician_id = %(t)s
          AND m.left_at IS NULL) AS member_status,
       CASE WHEN a.id IS NOT NULL THEN (
           SELECT coalesce(json_agg(h), '[]')::text FROM (
               SELECT p.number, p.title, p.type, p.outcome, p.resolution_code,
                      to_char(p.closed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS closed_at
               FROM work_orders p
               WHERE p.organization_id = v.organization_id AND p.asset_id = a.id AND p.id <> w.id
               ORDER BY p.requested_at DESC LIMIT 5) h) END AS history,
       (SELECT coalesce(json_agg(n), '[]')::text FROM (
           SELECT o.id, o.author_name, o.text,
                  to_char(o.effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS effective_at
           FROM notes o
           WHERE o.organization_id = v.organization_id AND o.work_order_id = w.id AND NOT o.internal
           ORDER BY o.effective_at DESC LIMIT 20) n) AS notes
FROM visits v
JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
LEFT JOIN sites s ON s.organization_id = w.organization_id AND s.id = w.site_id
LEFT JOIN contacts c ON c.organization_id = w.organization_id AND c.id = w.contact_id
LEFT JOIN assets a ON a.organization_id = w.organization_id AND a.id = w.asset_id
LEFT JOIN work_type_versions t ON t.organization_id = w.organization_id AND t.work_type_id = w.work_type_id
     AND t.version = coalesce(v.work_type_version, w.work_type_version)
LEFT JOIN closure_terms ct ON ct.organization_id = v.organization_id AND ct.id = v.terms_id
WHERE v.organization_id = %(o)s
  AND (v.technician_id = %(t)s OR EXISTS (
      SELECT FROM visit_members m WHERE m.organization_id = v.organization_id AND m.technician_id = %(t)s
                                    AND m.visit_id = v.id AND m.left_at IS NULL))
"""

IN_WINDOW = """
  AND v.scheduled_start >= %(from)s AND v.scheduled_start < %(to)s
  AND (%(statuses)s::text[] IS NULL OR v.status = ANY(%(statuses)s))
ORDER BY v.scheduled_start, v.id LIMIT 500
"""


def my_jobs(
    db: Session,
    caller: Caller,
    *,
    at: datetime,
    from_: datetime | None = None,
    to: datetime | None = None,
    statuses: Sequence[VisitStatus] = (),
) -> bytes:
    """The jobs of the caller in a window of scheduled starts (two weeks each way), as the JSON of the answer."""
    found = rows(
        db,
        JOBS + IN_WINDOW,
        **{
            "o": caller.organization_id,
            "t": caller.technician_id,
            "from": from_ or at - WINDOW,
            "to": to or at + WINDOW,
            "statuses": list(statuses) or None,
        },
    )
    return dumps({"items": [document(row, caller, at=at) for row in found]})


def my_job(db: Session, caller: Caller, visit_id: UUID, *, at: datetime) -> bytes:
    """One of the caller's jobs, as the JSON of the answer.

    Raises:
        NotFound: it is not on the caller's list.
    """
    found = rows(db, JOBS + " AND v.id = %(v)s", o=caller.organization_id, t=caller.technician_id, v=visit_id)
    if not found:
        raise NotFound("There is no such job on your list.", visit_id=str(visit_id))
    return dumps(document(found[0], caller, at=at))


def dumps(document: Any) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def document(row: dict[str, Any], caller: Caller, *, at: datetime) -> dict[str, Any]:
    """One job as it is sent, from one row of the statement; what is JSON in the database passes through unread."""
    status = VisitStatus(row["status"])
    policy = row["closure_policy"] or {}
    return {
        **{name: row[name] for name in VISIT_FIELDS},
        "category": CATEGORY[status],
        "role": "lead" if row["technician_id"] == caller.technician_id else "member",
        "work_order": {
            "id": row["w_id"],
            "number": row["w_number"],
            "status": row["w_status"],
            **{name: row[name] for name in WORK_FIELDS},
        },
        "site": _site(row) if row["s_id"] else None,
        "contact": contact_of(row, at=at),
        "asset": {**asset_of(row), "history": orjson.Fragment(row["history"])} if row["a_id"] else None,
        "planned_parts": orjson.Fragment(row["planned_parts"]),
        "checklist": orjson.Fragment(row["checklist"]),
        "closure": {
            "version": row["policy_version"],
            "rules": policy.get("rules", []),
            "auto_close": policy.get("auto_close", True),
            "changes_requested": row["changes_requested"],
        },
        "notes": orjson.Fragment(row["notes"]),
        "allowed_actions": actions_on_visit(status, caller.roles)
        if row["technician_id"] == caller.technician_id
        else actions_of_member(status, MemberStatus(row["member_status"])),
    }


VISIT_FIELDS = (
    "id", "version", "number", "status", "scheduled_start", "scheduled_end", "window_start", "window_end",
    "departed_at", "arrived_at", "started_at", "ended_at",
)  # fmt: skip
WORK_FIELDS = (
    "title", "description", "type", "work_class", "priority", "problem_code", "due_at", "estimated_minutes",
)  # fmt: skip


def _site(row: dict[str, Any]) -> dict[str, Any]:
    where = {"lat": row["latitude"], "lng": row["longitude"]}
    return {
        "id": row["s_id"],
        "name": row["s_name"],
        "address": row["address"],
        "postal_code": row["postal_code"],
        "coordinates": where if None not in where.values() else None,
        "access_notes": row["access_notes"],
    }


def contact_shown(row: dict[str, Any], *, at: datetime) -> bool:
    """Whom to call is known from the dispatch until a day after the end."""
    if row["c_id"] is None or VisitStatus(row["status"]) in BEFORE_DISPATCH:
        return False
    return row["ended_at"] is None or at - row["ended_at"] < CONTACT_IS_KEPT


def contact_of(row: dict[str, Any], *, at: datetime) -> dict[str, Any] | None:
    if not contact_shown(row, at=at):
        return None
    return {"name": row["c_name"], "phone": row["phone"], "email": row["email"]}


def asset_of(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["a_id"],
        "name": row["a_name"],
        "model": row["model"],
        "serial": row["serial"],
        "warranty_until": row["warranty_until"],
    }
