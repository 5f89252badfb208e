"""What belongs in a feed: jobs, the stock of the van, issues, who I am, and where to look things up."""

from collections.abc import Collection, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.domain.lifecycle import VisitStatus
from app.domain.replica import CONTACT_IS_KEPT, DONE_IS_KEPT, FIRST, Removal, first_wanted, why_it_leaves
from app.kit.database import rows
from app.kit.ids import uuid7
from app.parts.queries import van_levels
from app.sync.documents import dumps, job_document, jobs_of
from app.sync.entries import Held, held_of, put, remove
from app.visits.jobs import contact_shown


def put_jobs(db: Session, o: UUID, orders: set[UUID], feeds: Mapping[UUID, Held], *, at: datetime) -> None:
    if not orders:
        return
    for row in jobs_of(db, o, orders, list(feeds)):
        concerned = {row["technician_id"], *map(UUID, row["crew"]), *map(UUID, row["held"])}
        for feed_id in concerned & feeds.keys():
            _put_job(feeds[feed_id], row, row["held"].get(str(feed_id)), at=at)


def _put_job(feed: Held, row: dict[str, Any], before: Mapping[str, Any] | None, *, at: datetime) -> None:
    """What has changed for this feed about one visit: its new document, its removal, or nothing."""
    status, visit_id, ended_at = VisitStatus(row["status"]), str(row["id"]), row["ended_at"]
    reason = why_it_leaves(
        status,
        ended_at,
        is_lead=row["technician_id"] == feed.id,
        is_member=str(feed.id) in row["crew"],
        was_member=feed.id in row["left_crew"],
        at=at,
    )
    if reason is not None:
        remove(feed, "job", visit_id, before, reason=reason, work_order_id=row["work_order_id"])
        return
    due_at = None
    if ended_at is not None:
        due_at = ended_at + (CONTACT_IS_KEPT if contact_shown(row, at=at) else DONE_IS_KEPT)
    put(
        feed,
        "job",
        visit_id,
        job_document(row, feed.id, at=at),
        before,
        sort_key=first_wanted(status, row["scheduled_start"], ended_at),
        work_order_id=row["work_order_id"],
        due_at=due_at,
    )


def put_stock(db: Session, o: UUID, technicians: Collection[UUID], feeds: Mapping[UUID, Held]) -> None:
    """The levels of their vans; a part that ran out stays, with none."""
    if not technicians:
        return
    held = held_of(db, o, "stock", technicians)
    for level in van_levels(db, o, sorted(technicians)):
        feed_id, part = level["technician_id"], level["part_number"]
        document = dumps({"part": part, "name": level["part_name"], "qty": float(level["quantity"])})
        put(feeds[feed_id], "stock", part, document, held.get((feed_id, part)))


ISSUES = """
SELECT id, technician_id, owner, severity, code, op_id, visit_id, params, choices, state FROM issues
WHERE organization_id = %(o)s AND id = ANY(%(ids)s)
"""


def put_issues(db: Session, o: UUID, ids: Collection[UUID], feeds: Mapping[UUID, Held]) -> None:
    """Open issues of a technician; one that is resolved leaves."""
    if not ids:
        return
    held = held_of(db, o, "issue", feeds)
    for issue in rows(db, ISSUES, o=o, ids=list(ids)):
        feed = feeds.get(issue["technician_id"])
        if feed is None or issue["owner"] != "technician":
            continue
        before = held.get((feed.id, str(issue["id"])))
        if issue["state"] == "open":
            put(feed, "issue", str(issue["id"]), issue_document(issue), before)
        else:
            remove(feed, "issue", str(issue["id"]), before, reason=Removal.DELETED)


def issue_document(issue: Mapping[str, Any]) -> bytes:
    return dumps(
        {
            "id": issue["id"],
            "severity": issue["severity"],
            "code": issue["code"],
            "op_id": issue["op_id"],
            "target": issue["visit_id"],
            "for": issue["owner"],
            "text": {"key": issue["code"], "params": issue["params"]},
            "choices": issue["choices"],
            "state": issue["state"],
        }
    )


PEOPLE = """
SELECT t.id, t.name, t.time_zone, t.skills, o.name AS organization, o.currency, o.time_zone AS organization_time_zone
FROM technicians t JOIN organizations o ON o.id = t.organization_id
WHERE t.organization_id = %(o)s AND t.id = ANY(%(ids)s)
"""


def put_people(db: Session, o: UUID, technicians: Collection[UUID], feeds: Mapping[UUID, Held]) -> None:
    """Who the technician is, for the app's first page."""
    if not technicians:
        return
    held = held_of(db, o, "me", technicians)
    for row in rows(db, PEOPLE, o=o, ids=list(technicians)):
        document = dumps(
            {
                "id": row["id"],
                "name": row["name"],
                "skills": row["skills"],
                "tz": row["time_zone"] or row["organization_time_zone"],
                "organization": {"name": row["organization"], "currency": row["currency"]},
            }
        )
        before = held.get((row["id"], str(row["id"])))
        put(feeds[row["id"]], "me", str(row["id"]), document, before, sort_key=FIRST)


CATALOGS = {
    "parts": "SELECT number, name, serialized FROM parts WHERE organization_id = %(o)s ORDER BY number",
    "work_types": """
        SELECT k.key, v.name, v.version, v.checklist, v.closure_policy, v.planned_parts
        FROM work_types k
        JOIN work_type_versions v ON v.organization_id = k.organization_id AND v.work_type_id = k.id
             AND v.version = k.current_version
        WHERE k.organization_id = %(o)s ORDER BY k.key""",
}
KEEP = """
INSERT INTO manifests (organization_id, id, name, sha256, body, made_at)
VALUES (%(o)s, %(i)s, %(name)s, %(sha)s, %(body)s, %(at)s) ON CONFLICT (organization_id, name, sha256) DO NOTHING
"""


def put_manifests(db: Session, o: UUID, feeds: Mapping[UUID, Held], *, at: datetime, store: bool) -> None:
    """Where to look things up: what does not belong to one job is fetched once, by the hash of what it says."""
    held = held_of(db, o, "manifest", feeds)
    for name, query in CATALOGS.items():
        body = dumps({"name": name, "items": rows(db, query, o=o)})
        sha = sha256(body).hexdigest()
        if store:
            rows(db, KEEP, o=o, i=uuid7(), name=name, sha=sha, body=body, at=at)
        document = dumps({"name": name, "url": f"/v1/sync/manifests/{sha}", "sha256": sha, "bytes": len(body)})
        for feed in feeds.values():
            put(feed, "manifest", name, document, held.get((feed.id, name)), sort_key=FIRST)
