"""What was done on a visit, in a few facts: the document that a customer signs, and what they are asked to confirm."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from app.kit.database import rows
from app.visits.models import Visit
from app.visits.queries import TASKS

SUMMARY = f"""
SELECT w.number, w.title, v.number AS trip, v.scheduled_start, v.arrived_at, v.ended_at, t.name AS technician,
       o.name AS company, coalesce(s.time_zone, w.time_zone, o.time_zone) AS zone,
       s.name AS site, s.address, a.name AS asset, a.model, a.serial,
       coalesce(k.language, 'en') AS language, k.name AS contact,
       coalesce(ct.checklist, tv.checklist, '[]') AS checklist, coalesce(c.body, '{{}}') AS body,
       (SELECT coalesce(jsonb_object_agg(r.task_id, coalesce(r.value, 'true')), '{{}}')
        FROM ({TASKS}) AS r WHERE r.done) AS ticked,
       (SELECT floor(coalesce(extract(epoch FROM sum(upper(span) - lower(span))), 0))::bigint
        FROM (SELECT unnest(range_agg(tstzrange(e.started_at, e.ended_at))) AS span FROM time_entries e
              WHERE e.organization_id = v.organization_id AND e.visit_id = v.id AND e.kind = 'work'
                    AND e.ended_at IS NOT NULL) AS worked) AS worked_seconds,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('number', m.part_number, 'name', m.name, 'quantity', m.quantity)
                                  ORDER BY m.part_number), '[]')
        FROM (SELECT m.part_number, max(p.name) AS name,
                     trim_scale(sum(CASE m.kind WHEN 'used' THEN m.quantity ELSE -m.quantity END)) AS quantity
              FROM part_movements m
              LEFT JOIN parts p ON p.organization_id = m.organization_id AND p.id = m.part_id
              WHERE m.organization_id = v.organization_id AND m.work_order_id = v.work_order_id AND m.visit_id = v.id
                    AND m.kind IN ('used', 'returned')
              GROUP BY m.part_number) AS m
        WHERE m.quantity > 0) AS parts
FROM visits v
JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
JOIN organizations o ON o.id = v.organization_id
LEFT JOIN technicians t ON t.organization_id = v.organization_id AND t.id = v.technician_id
LEFT JOIN sites s ON s.organization_id = w.organization_id AND s.id = w.site_id
LEFT JOIN assets a ON a.organization_id = w.organization_id AND a.id = w.asset_id
LEFT JOIN contacts k ON k.organization_id = w.organization_id AND k.id = w.contact_id
LEFT JOIN closure_terms ct ON ct.organization_id = v.organization_id AND ct.id = v.terms_id
LEFT JOIN work_type_versions tv ON tv.organization_id = v.organization_id AND tv.work_type_id = w.work_type_id
     AND tv.version = coalesce(v.work_type_version, w.work_type_version)
LEFT JOIN LATERAL (
    SELECT body FROM closure_submissions x WHERE x.organization_id = v.organization_id AND x.visit_id = v.id
    ORDER BY x.recorded_at DESC, x.id DESC LIMIT 1
) c ON true
WHERE v.organization_id = %(o)s AND v.id = %(id)s
"""


def material_of(db: Session, visit: Visit) -> dict[str, Any]:
    """The row of `SUMMARY`: the visit as it is now, with what was ticked on site and submitted last."""
    return rows(db, SUMMARY, o=visit.organization_id, id=visit.id, ids=[visit.id])[0]


def summary_from(row: Mapping[str, Any]) -> dict[str, Any]:
    """The document that a customer signs, as JSON; times in UTC."""
    body = row["body"]
    answers = {**row["ticked"], **body.get("answers", {})}
    place = {"name": row["site"], "address": row["address"]} if row["site"] else None
    asset = {"name": row["asset"], "model": row["model"], "serial": row["serial"]} if row["asset"] else None
    return {
        "number": row["number"],
        "trip": row["trip"],
        "title": row["title"],
        "company": row["company"],
        "technician": first_name(row["technician"]),
        "site": place,
        "asset": asset,
        "times": {name: row[name] for name in ("scheduled_start", "arrived_at", "ended_at")}
        | {"worked_seconds": row["worked_seconds"]},
        "done": [
            {"id": item["id"], "label": in_language(item.get("label"), row["language"]), "answer": answers[item["id"]]}
            for item in row["checklist"]
            if item["id"] in answers and item["kind"] not in ("photo", "signature")
        ],
        "parts": row["parts"],
        "resolution": {name: body.get(name) for name in ("resolution_code", "cause_code")},
    }


def first_name(name: str | None) -> str | None:
    return name.split()[0] if name and name.split() else None


def in_language(label: Any, language: str) -> str:
    """The text of a label that is one, or one by language: the language asked for, English, or any."""
    if not isinstance(label, Mapping):
        return str(label or "")
    code = language.partition("-")[0].lower()
    found = label.get(language) or label.get(code) or label.get("en") or next(iter(label.values()), "")
    return str(found)
