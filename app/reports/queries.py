"""Service reports: whose link it is, and what it shows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from app.kit.database import enter, rows
from app.kit.runtime import runtime_of
from app.kit.tokens import derive, derived_again, fingerprint, organization_of
from app.reports.models import ServiceReport

REPORT = "r"


def new_token(db: Session, organization_id: UUID, work_order_id: UUID) -> str:
    return derive(REPORT, organization_id, runtime_of(db).secret, work_order_id)


def token_of(db: Session, report: ServiceReport) -> str | None:
    """The token of its link, under this or an earlier secret of the program; None when that is lost."""
    secrets = runtime_of(db).secrets
    return derived_again(REPORT, report.organization_id, secrets, report.work_order_id, report.token_hash)


def report_of(db: Session, organization_id: UUID, work_order_id: UUID) -> ServiceReport | None:
    query = select(ServiceReport).where(
        ServiceReport.organization_id == organization_id, ServiceReport.work_order_id == work_order_id
    )
    return db.exec(query).one_or_none()


def report_link(
    db: Session, organization_id: UUID, work_order_id: UUID, *, made_by: datetime | None = None
) -> str | None:
    """Where the customer finds the report of this work order; None when it has no link.

    Args:
        made_by: a link that was made later does not count, so that a message says the same whenever it is made anew.
    """
    report = report_of(db, organization_id, work_order_id)
    if report is None or (made_by is not None and report.created_at > made_by):
        return None
    token = token_of(db, report)
    return f"{runtime_of(db).settings.base_url}/r/{token}" if token else None


def find_report(db: Session, token: str) -> ServiceReport | None:
    """The report of this link, in a transaction that cannot write."""
    organization_id = organization_of(token, REPORT)
    if organization_id is None:
        return None
    enter(db, organization_id, read_only=True)
    return db.exec(
        select(ServiceReport).where(
            ServiceReport.organization_id == organization_id, ServiceReport.token_hash == fingerprint(token)
        )
    ).one_or_none()


PICTURES = """
SELECT e.id, e.sha256, e.mime FROM evidence e
JOIN visits v ON v.organization_id = e.organization_id AND v.id = e.visit_id AND v.status <> 'canceled'
     AND (v.arrived_at IS NOT NULL OR v.status = 'completed')
WHERE e.organization_id = %(o)s AND e.work_order_id = %(w)s AND e.id = ANY(%(ids)s)
"""


def pictures(db: Session, organization_id: UUID, work_order_id: UUID, ids: list[UUID]) -> dict[str, dict[str, Any]]:
    """Of those ids that are pictures of a trip of this work order: id → its id, sha256 and media type."""
    found = rows(db, PICTURES, o=organization_id, w=work_order_id, ids=ids)
    return {str(row["id"]): row for row in found}


def title_of(db: Session, organization_id: UUID, work_order_id: UUID) -> str:
    [row] = rows(
        db,
        "SELECT title FROM work_orders WHERE organization_id = %(o)s AND id = %(id)s",
        o=organization_id,
        id=work_order_id,
    )
    return str(row["title"])


#: The policy that the closing visit was held to, and whether anybody should be told.
WISHES = """
SELECT coalesce(ct.policy, tv.closure_policy) #> '{report,send}' = 'true' AS wanted, w.is_test, v.id AS visit_id
FROM work_orders w
LEFT JOIN LATERAL (
    SELECT id, terms_id, work_type_version FROM visits v
    WHERE v.organization_id = w.organization_id AND v.work_order_id = w.id
    ORDER BY (v.status = 'completed') DESC, v.ended_at DESC NULLS LAST, v.number DESC LIMIT 1
) v ON true
LEFT JOIN closure_terms ct ON ct.organization_id = w.organization_id AND ct.id = v.terms_id
LEFT JOIN work_type_versions tv ON tv.organization_id = w.organization_id AND tv.work_type_id = w.work_type_id
     AND tv.version = coalesce(v.work_type_version, w.work_type_version)
WHERE w.organization_id = %(o)s AND w.id = %(id)s
"""


def wishes_for(db: Session, organization_id: UUID, work_order_id: UUID) -> dict[str, Any]:
    """`wanted`: the customer is to get the report; `is_test`; `visit_id`: of the visit that closed it, or None."""
    return rows(db, WISHES, o=organization_id, id=work_order_id)[0]
