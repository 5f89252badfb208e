"""What is known of a job and may be told to its customer. What is internal is not even read: costs, phones, notes."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.kit.database import rows
from app.visits.queries import TASKS

#: More of anything is no report any more; what is left out is said where it would be missed.
MOST_PICTURES = 200
MOST_LINES = 500

ORDER = """
SELECT w.number, w.title, w.status, w.external_ref, w.requested_at,
       coalesce(w.resolved_at, w.first_completed_at) AS resolved_at,
       o.name AS company, o.currency, coalesce(s.time_zone, w.time_zone, o.time_zone) AS zone,
       c.name AS customer, s.name AS site, s.address, s.postal_code, a.name AS asset, a.model, a.serial, k.language
FROM work_orders w
JOIN organizations o ON o.id = w.organization_id
LEFT JOIN customers c ON c.organization_id = w.organization_id AND c.id = w.customer_id
LEFT JOIN sites s ON s.organization_id = w.organization_id AND s.id = w.site_id
LEFT JOIN assets a ON a.organization_id = w.organization_id AND a.id = w.asset_id
LEFT JOIN contacts k ON k.organization_id = w.organization_id AND k.id = w.contact_id
WHERE w.organization_id = %(o)s AND w.id = %(id)s
"""

#: Trips on which somebody was there, with the last submission that is more than a draft.
VISITS = """
SELECT v.id, v.number, v.technician_id, v.status, v.outcome, v.incomplete_reason, v.resolution_code,
       v.scheduled_start, v.arrived_at, v.started_at, v.ended_at,
       coalesce(ct.checklist, tv.checklist, '[]') AS checklist,
       coalesce(c.body, '{}') AS body, coalesce(c.findings, '[]') AS findings, coalesce(c.facts, '{}') AS facts,
       (SELECT max(code.used_at) FROM customer_codes code
        WHERE code.organization_id = v.organization_id AND code.visit_id = v.id) AS code_used_at,
       (SELECT max(said.answered_at) FROM customer_confirmations said
        WHERE said.organization_id = v.organization_id AND said.visit_id = v.id AND said.answer = 'yes') AS confirmed_at
FROM visits v
JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
LEFT JOIN closure_terms ct ON ct.organization_id = v.organization_id AND ct.id = v.terms_id
LEFT JOIN work_type_versions tv ON tv.organization_id = v.organization_id AND tv.work_type_id = w.work_type_id
     AND tv.version = coalesce(v.work_type_version, w.work_type_version)
LEFT JOIN LATERAL (
    SELECT body, findings, facts FROM closure_submissions s
    WHERE s.organization_id = v.organization_id AND s.visit_id = v.id AND s.verdict NOT IN ('unmet', 'rejected')
    ORDER BY s.recorded_at DESC, s.id DESC LIMIT 1
) c ON true
WHERE v.organization_id = %(o)s AND v.work_order_id = %(id)s AND v.status <> 'canceled'
      AND (v.arrived_at IS NOT NULL OR v.status = 'completed')
ORDER BY v.number
"""

#: Who was at work there, the lead first.
CREW = """
SELECT v.id AS visit_id, t.name
FROM visits v
JOIN technicians t ON t.organization_id = v.organization_id AND (t.id = v.technician_id OR EXISTS (
    SELECT FROM time_entries e WHERE e.organization_id = v.organization_id AND e.visit_id = v.id
    AND e.technician_id = t.id AND e.kind = 'work'))
WHERE v.organization_id = %(o)s AND v.id = ANY(%(ids)s)
ORDER BY v.id, t.id = v.technician_id DESC, t.name
"""

TIMES = """
SELECT visit_id, started_at, ended_at FROM time_entries
WHERE organization_id = %(o)s AND visit_id = ANY(%(ids)s) AND kind = 'work' AND ended_at IS NOT NULL
"""

NOTES = """
SELECT visit_id, text, effective_at FROM notes
WHERE organization_id = %(o)s AND work_order_id = %(id)s AND NOT internal
ORDER BY effective_at, id LIMIT %(most)s
"""

PARTS = """
SELECT m.visit_id, m.part_number, max(p.name) AS name,
       sum(CASE m.kind WHEN 'used' THEN m.quantity ELSE -m.quantity END) AS quantity,
       coalesce(array_agg(s.serial ORDER BY s.serial) FILTER (WHERE s.serial IS NOT NULL), '{}') AS serials
FROM part_movements m
LEFT JOIN parts p ON p.organization_id = m.organization_id AND p.id = m.part_id
LEFT JOIN LATERAL (SELECT string_agg(one, ', ') AS serial FROM unnest(m.serials) AS one WHERE m.kind = 'used') s ON true
WHERE m.organization_id = %(o)s AND m.work_order_id = %(id)s AND m.kind IN ('used', 'returned')
GROUP BY m.visit_id, m.part_number
HAVING sum(CASE m.kind WHEN 'used' THEN m.quantity ELSE -m.quantity END) > 0
ORDER BY min(m.effective_at), m.part_number LIMIT %(most)s
"""

READINGS = """
SELECT visit_id, label, value, unit FROM asset_readings
WHERE organization_id = %(o)s AND work_order_id = %(id)s ORDER BY effective_at, id LIMIT %(most)s
"""

#: A picture that was sent twice is one picture.
EVIDENCE = """
SELECT * FROM (
    SELECT DISTINCT ON (visit_id, kind, tag, sha256) id, visit_id, kind, tag, signer_name, sha256, mime, width, height,
           captured_at, recorded_at
    FROM evidence WHERE organization_id = %(o)s AND work_order_id = %(id)s
    ORDER BY visit_id, kind, tag, sha256, recorded_at, id
) AS once
ORDER BY coalesce(captured_at, recorded_at), id LIMIT %(most)s
"""

FOLLOW_UPS = """
SELECT number, title FROM work_orders
WHERE organization_id = %(o)s AND follow_up_of = %(id)s AND status <> 'canceled' ORDER BY id LIMIT %(most)s
"""

AMENDMENTS = """
SELECT effective_at, data FROM events
WHERE organization_id = %(o)s AND work_order_id = %(id)s AND type = 'closure.amended' ORDER BY seq LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Rows as the statements above name their columns; each list in the order in which it is told."""

    order: dict[str, Any]
    visits: list[dict[str, Any]]
    crew: list[dict[str, Any]]
    times: list[dict[str, Any]]
    ticked: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    parts: list[dict[str, Any]]
    readings: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    follow_ups: list[dict[str, Any]]
    amendments: list[dict[str, Any]]


def facts_of(db: Session, organization_id: UUID, work_order_id: UUID) -> Facts:
    """All that a report tells of the work order, which exists; a dozen statements, however long the report."""
    db.flush()
    about: dict[str, Any] = {"o": organization_id, "id": work_order_id}
    [order] = rows(db, ORDER, **about)
    visits = rows(db, VISITS, **about)
    of_visits = {"o": organization_id, "ids": [visit["id"] for visit in visits]}
    lines = {**about, "most": MOST_LINES}
    return Facts(
        order=order,
        visits=visits,
        crew=rows(db, CREW, **of_visits),
        times=rows(db, TIMES, **of_visits),
        ticked=[row for row in rows(db, TASKS, **of_visits) if row["done"]],
        notes=rows(db, NOTES, **lines),
        parts=rows(db, PARTS, **lines),
        readings=rows(db, READINGS, **lines),
        evidence=rows(db, EVIDENCE, **about, most=MOST_PICTURES),
        follow_ups=rows(db, FOLLOW_UPS, **lines),
        amendments=rows(db, AMENDMENTS, **lines),
    )
