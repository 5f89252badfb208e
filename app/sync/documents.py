"""What a device holds of a job: one document with all that is needed on site, made anew when any of it changes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from app.closure.codes import code_bundles
from app.domain.closure_policy import RuleKind
from app.domain.crew import MemberStatus, allowed_to_member
from app.domain.lifecycle import CATEGORY, CREW, VisitStatus, allowed_on_visit
from app.kit.database import rows
from app.visits.jobs import asset_of, contact_of

NOTES_SHOWN = 20

JOBS = """
SELECT v.id, v.version, v.number, v.status, v.technician_id, v.partner_id, v.scheduled_start, v.scheduled_end,
       v.window_start, v.window_end, v.dispatched_at, v.accepted_at, v.departed_at, v.arrived_at, v.started_at,
       v.ended_at, v.work_order_id, v.outcome,
       w.number AS w_number, w.title, w.description, w.type, w.work_class, w.priority, w.status AS w_status,
       w.problem_code, w.due_at, w.response_due_at, w.estimated_minutes, w.changes_requested,
       w.channel, w.territory, w.reopen_count, coalesce(t.purpose, v.purpose) AS purpose,
       s.id AS s_id, s.name AS s_name, s.address, s.postal_code, s.latitude, s.longitude, s.access_notes,
       c.id AS c_id, c.name AS c_name, c.phone, c.email,
       a.id AS a_id, a.name AS a_name, a.model, a.serial, a.warranty_until,
       t.version AS t_version, t.planned_parts, coalesce(ct.checklist, t.checklist) AS checklist,
       coalesce(ct.policy, t.closure_policy) AS closure_policy, ct.id AS terms_id, ct.policy_id, ct.policy_version,
       (SELECT coalesce(jsonb_object_agg(m.technician_id, m.status), '{}') FROM visit_members m
        WHERE m.organization_id = v.organization_id AND m.visit_id = v.id AND m.left_at IS NULL) AS crew,
       ARRAY(SELECT m.technician_id FROM visit_members m WHERE m.organization_id = v.organization_id
             AND m.visit_id = v.id AND m.left_at IS NOT NULL) AS left_crew,
       (SELECT coalesce(jsonb_agg(
            jsonb_build_object('id', o.id, 'author', o.author_name, 'text', o.text, 'at', to_char(
                o.effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
            ORDER BY o.effective_at DESC, o.id), '[]')
        FROM (SELECT * FROM notes o WHERE o.organization_id = v.organization_id
              AND o.work_order_id = v.work_order_id AND NOT o.internal
              ORDER BY o.effective_at DESC, o.id LIMIT 21) o) AS notes,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('op_id', p.id, 'kind', p.kind, 'part', p.part_number,
                                  'qty', p.quantity, 'serials', p.serials) ORDER BY p.effective_at, p.id), '[]')
        FROM part_movements p WHERE p.organization_id = v.organization_id AND p.work_order_id = v.work_order_id
             AND p.visit_id = v.id AND p.kind IN ('used', 'returned')) AS parts_used,
       (SELECT coalesce(jsonb_object_agg(r.task_id, jsonb_build_object('done', r.done, 'value', r.value)), '{}')
        FROM (SELECT DISTINCT ON (task_id) task_id, done, value FROM task_results r
              WHERE r.organization_id = v.organization_id AND r.visit_id = v.id
              ORDER BY task_id, effective_at DESC, id DESC) r) AS results,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'role', f.role, 'mime', f.mime, 'bytes', f.size_bytes,
                                  'sha256', f.sha256, 'state', f.state) ORDER BY f.recorded_at, f.id), '[]')
        FROM attachments f WHERE f.organization_id = v.organization_id AND f.visit_id = v.id) AS attachments,
       CASE WHEN w.changes_requested THEN
           (SELECT jsonb_build_object('rule_ids', e.data -> 'rule_ids', 'text', e.data -> 'text') FROM events e
            WHERE e.organization_id = v.organization_id AND e.work_order_id = v.work_order_id
                  AND e.type = 'work_order.sent_back' ORDER BY e.seq DESC LIMIT 1) END AS sent_back,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('rule_id', g.rule_id, 'role', g.role, 'reason', g.reason)
                                  ORDER BY g.granted_at, g.id), '[]')
        FROM closure_waivers g WHERE g.organization_id = v.organization_id AND g.visit_id = v.id) AS waivers,
       (SELECT x.verdict FROM closure_submissions x
        WHERE x.organization_id = v.organization_id AND x.visit_id = v.id
        ORDER BY x.recorded_at DESC, x.id DESC LIMIT 1) AS verdict,
       (SELECT coalesce(jsonb_object_agg(e.feed_id, jsonb_build_object(
                   'sha256', encode(sha256(e.document), 'hex'), 'entered_seq', e.entered_seq)), '{}')
        FROM feed_entries e WHERE e.organization_id = v.organization_id AND e.kind = 'job' AND NOT e.removed
             AND e.entity_id = v.id::text AND e.feed_id = ANY(%(feeds)s)) AS held
FROM visits v
JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
LEFT JOIN sites s ON s.organization_id = w.organization_id AND s.id = w.site_id
LEFT JOIN contacts c ON c.organization_id = w.organization_id AND c.id = w.contact_id
LEFT JOIN assets a ON a.organization_id = w.organization_id AND a.id = w.asset_id
LEFT JOIN work_type_versions t ON t.organization_id = w.organization_id AND t.work_type_id = w.work_type_id
     AND t.version = coalesce(v.work_type_version, w.work_type_version)
LEFT JOIN closure_terms ct ON ct.organization_id = v.organization_id AND ct.id = v.terms_id
WHERE v.organization_id = %(o)s AND v.work_order_id = ANY(%(orders)s)
"""


def jobs_of(
    db: Session, organization_id: UUID, work_orders: Iterable[UUID], feeds: Sequence[UUID]
) -> list[dict[str, Any]]:
    """The visits of these work orders with all that their documents say; `held`: feed → what its devices hold of it."""
    found = rows(db, JOBS, o=organization_id, orders=sorted(work_orders), feeds=list(feeds))
    with_code = [row["id"] for row in found if asks_for_code(row["closure_policy"] or {})]
    codes = code_bundles(db, organization_id, with_code) if with_code else {}
    return [{**row, "code": codes.get(row["id"])} for row in found]


def asks_for_code(policy: dict[str, Any]) -> bool:
    return any(rule.get("kind") == RuleKind.CUSTOMER_CODE for rule in policy.get("rules") or ())


def job_document(row: dict[str, Any], technician_id: UUID, *, at: datetime) -> bytes:
    """The job as this technician's devices hold it (rep 1): JSON of 64 KiB at most."""
    status = VisitStatus(row["status"])
    is_lead = row["technician_id"] == technician_id
    policy = row["closure_policy"] or {}
    notes = row["notes"]
    document = {
        "id": row["id"],
        "no": row["w_number"],
        "version": row["version"],
        "trip": row["number"],
        "status": status,
        "category": CATEGORY[status],
        "priority": row["priority"],
        "type": row["type"],
        "class": row["work_class"],
        "summary": row["title"],
        "description": row["description"][:DESCRIPTION_SHOWN],
        "problem_code": row["problem_code"],
        "estimated_minutes": row["estimated_minutes"],
        "scheduled": {"start": row["scheduled_start"], "end": row["scheduled_end"]},
        "window": {"start": row["window_start"], "end": row["window_end"]} if row["window_start"] else None,
        "times": {name: row[name] for name in TIMES},
        "sla": {"respond_by": row["response_due_at"], "resolve_by": row["due_at"]},
        "work_order": {
            "id": row["work_order_id"],
            "status": row["w_status"],
            **{name: row[name] for name in SAID_OF if row[name] is not None},
        },
        "assignment": {
            "role": "lead" if is_lead else "member",
            "state": status if is_lead else row["crew"].get(str(technician_id)),
            "since": row["dispatched_at"],
            "crew": sorted({str(row["technician_id"]), *row["crew"]} - {"None"}),
        },
        "site": _site(row) if row["s_id"] else None,
        "contact": contact_of(row, at=at),
        "asset": asset_of(row) if row["a_id"] else None,
        "tasks": [_task(one, row["results"]) for one in row["checklist"] or ()],
        "parts_planned": [_part(one) for one in row["planned_parts"] or ()],
        "parts_used": row["parts_used"],
        "closure": _closure(row, policy),
        "attachments": row["attachments"],
        "notes": notes[:NOTES_SHOWN],
        "more": {"notes": len(notes) > NOTES_SHOWN},
        "allowed": allowed_operations(status, is_lead, row["crew"].get(str(technician_id))),
    }
    return _fitted(document)


def _closure(row: dict[str, Any], policy: dict[str, Any]) -> dict[str, Any]:
    """What must be proven and where that stands: with the tasks, all that a device needs to judge it by itself.

    What is nothing is left out: a hundred jobs fit into one page.
    """
    policy_id, version = row["policy_id"] or policy.get("id"), row["policy_version"] or policy.get("version")
    named = {"id": policy_id, "version": version, "terms_id": row["terms_id"]}
    more = {
        "sent_back": row["sent_back"],
        "policy": {name: value for name, value in named.items() if value is not None},
        "review": policy.get("review"),
        "evidence_within_hours": policy.get("evidence_within_hours"),
        "waivers": row["waivers"],
        "code": row["code"],
    }
    return {
        "required": required_by(policy),
        "state": row["verdict"] or "open",
        "changes_requested": row["changes_requested"],
        "version": row["t_version"],
        "rules": policy.get("rules") or [],
        "auto_close": policy.get("auto_close") is not False,
        **{name: value for name, value in more.items() if value},
    }


def _fitted(document: dict[str, Any]) -> bytes:
    """As long as it is too large, the oldest of its notes stay away; at last most of the description and rules' texts.

    A device has texts of its own for the rules.
    """
    made = dumps(document)
    while len(made) > MOST_BYTES and document["notes"]:
        document |= {"notes": document["notes"][:-1], "more": {"notes": True}}
        made = dumps(document)
    if len(made) > MOST_BYTES:
        rules = [{name: one[name] for name in one if name != "message"} for one in document["closure"]["rules"]]
        closure = {**document["closure"], "rules": rules}
        made = dumps({**document, "description": document["description"][:LITTLE_SHOWN], "closure": closure})
    return made


MOST_BYTES = 65_536
TIMES = ("accepted_at", "departed_at", "arrived_at", "started_at", "ended_at")
#: So that there is room for its tasks and notes.
DESCRIPTION_SHOWN = 4000
LITTLE_SHOWN = 500
#: What conditions of policies and checklists may speak of beside what the document says anyway.
SAID_OF = ("purpose", "channel", "territory", "reopen_count")
ALWAYS = ("note.add", "part.use", "part.return", "time.add", "task.set", "attachment.add", "part.request")
HIDDEN = frozenset({"correct_time"})
USUAL_SEVERITY = {RuleKind.GEO_PRESENCE.value: "warn"}


def allowed_operations(status: VisitStatus, is_lead: bool, member: str | None) -> list[str]:
    """A hint for the buttons, from the tables that the server enforces."""
    moves = allowed_on_visit(status, CREW) if is_lead else allowed_to_member(status, MemberStatus(member or "left"))
    return [*(f"visit.{move.action}" for move in moves if move.action not in HIDDEN), *ALWAYS]


def required_by(policy: dict[str, Any]) -> list[str]:
    """What has to be there for the closure, in a word each; the rules themselves are beside it."""
    words = []
    for rule in policy.get("rules") or ():
        if (rule.get("severity") or USUAL_SEVERITY.get(rule["kind"], "block")) != "block":
            continue
        detail = (rule.get("params") or {}).get("tag" if rule["kind"] == "photo" else "role")
        words.append(f"{rule['kind']}:{detail}" if detail else rule["kind"])
    return list(dict.fromkeys(words))


def _part(planned: dict[str, Any]) -> dict[str, Any]:
    """Quantities of work types are kept as decimal words; on the device they are numbers."""
    return {"part": planned["part_number"], "qty": float(planned["quantity"])}


def _site(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["s_id"],
        "name": row["s_name"],
        "address": row["address"],
        "postal_code": row["postal_code"],
        "lat": row["latitude"],
        "lng": row["longitude"],
        "access_notes": row["access_notes"],
    }


def _task(item: dict[str, Any], results: dict[str, Any]) -> dict[str, Any]:
    """An item of the pinned checklist, with what was answered so far."""
    return {**item, **results.get(item["id"], {"done": False, "value": None})}


def dumps(document: Any) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)
