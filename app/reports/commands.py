"""Make a report's link, once, and see that the customer gets it."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from app.kit.tokens import fingerprint
from app.messages.commands import send_message
from app.reports import queries
from app.reports.models import ServiceReport

#: The kind of the message.
SERVICE_REPORT = "service_report"
LINK_LIVES = timedelta(days=400)


def make_report(db: Session, organization_id: UUID, work_order_id: UUID, *, at: datetime) -> ServiceReport | None:
    """The link of the work order's report, when its closing says that the customer gets one; None when not.

    There is one for life, unless the secret that it was made with is lost: closing the work again only makes it live
    longer.
    """
    if not queries.wishes_for(db, organization_id, work_order_id)["wanted"]:
        return None
    report = queries.report_of(db, organization_id, work_order_id)
    if report is None or queries.token_of(db, report) is None:
        known = fingerprint(queries.new_token(db, organization_id, work_order_id))
        report = report or ServiceReport(
            organization_id=organization_id,
            work_order_id=work_order_id,
            token_hash=known,
            created_at=at,
            expires_at=at + LINK_LIVES,
        )
        report.token_hash = known
        db.add(report)
    report.expires_at = at + LINK_LIVES
    db.flush()
    return report


def send_report(db: Session, organization_id: UUID, work_order_id: UUID, *, at: datetime) -> None:
    """Send the link in a message of its own, once for each work order, when there is a link and somebody to tell."""
    report = queries.report_of(db, organization_id, work_order_id)
    if report is None:
        return
    send_message(
        db,
        organization_id=organization_id,
        work_order_id=work_order_id,
        visit_id=queries.wishes_for(db, organization_id, work_order_id)["visit_id"],
        kind=SERVICE_REPORT,
        subject_id=report.id,
        data={},
        at=at,
    )
