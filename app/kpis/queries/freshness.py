"""How far the numbers can still change: what is under way, and who has not reported."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session

from app.kpis.queries.sql import fetch
from app.kpis.questions import Question


class Freshness(NamedTuple):
    """`revision` is the newest event; `oldest_device_at` the last report of the device that has been silent
    longest although its technician has an open visit in the period; `open_visits` are those still under way."""

    revision: Any
    oldest_device_at: datetime | None
    open_visits: int


_FRESHNESS = """
WITH open_visits AS (
    SELECT v.technician_id FROM visits v
    WHERE v.organization_id = %(organization_id)s
      AND v.status IN ('scheduled', 'dispatched', 'accepted', 'en_route', 'on_site', 'in_progress', 'paused')
      AND coalesce(v.scheduled_start, v.recorded_at) < %(until)s
      AND (%(start)s::timestamptz IS NULL OR coalesce(v.scheduled_start, v.recorded_at) >= %(start)s)
)
SELECT
    (SELECT id FROM events WHERE organization_id = %(organization_id)s ORDER BY id DESC LIMIT 1),
    (SELECT min(d.last_seen_at) FROM devices d
       JOIN people p ON p.organization_id = d.organization_id AND p.id = d.person_id
      WHERE d.organization_id = %(organization_id)s AND d.revoked_at IS NULL
        AND p.technician_id IN (SELECT technician_id FROM open_visits)),
    (SELECT count(*) FROM open_visits)
"""


def freshness(db: Session, question: Question) -> Freshness:
    until = question.at if question.end is None else question.end
    values = {"organization_id": question.organization_id, "start": question.start, "until": until}
    return Freshness(*fetch(db, _FRESHNESS, values)[0])
