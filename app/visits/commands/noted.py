"""What becomes of a report that the plan has overtaken: it is kept, and those whom it concerns are told."""

from collections.abc import Mapping
from typing import Any

from app.domain.ledger import EventType
from app.domain.lifecycle import VisitStatus
from app.identity.queries import technician_name
from app.visits.commands.issues import tell_both
from app.visits.commands.reports import Sent, answer_of, own_id, reported
from app.visits.issue_texts import OVERTAKEN_BY, IssueCode
from app.visits.models import Issue, Severity
from app.work_orders.commands import actor_of
from app.work_orders.ledger import record

DISPATCHERS_CHOICES = ("attach", "new_visit", "discard")
#: The work was done although nobody wanted it any more.
WORK_FOR_NOTHING = ("bill", "reopen", "waive")
GRAVE = frozenset({IssueCode.REASSIGNED, IssueCode.JOB_CANCELLED})


def overtaken_by(sent: Sent) -> IssueCode:
    """Why the report of somebody who is to go changes nothing: what became of the visit."""
    return OVERTAKEN_BY.get(sent.visit.status, IssueCode.VISIT_MOVED_ON)


def no_longer_theirs(sent: Sent) -> IssueCode:
    """Why the report of somebody who is not to go any more changes nothing."""
    is_canceled = sent.visit.status is VisitStatus.CANCELED
    return IssueCode.JOB_CANCELLED if is_canceled else IssueCode.REASSIGNED


def note(sent: Sent, code: IssueCode) -> dict[str, Any]:
    """Keep a report that changes nothing any more; the technician and the dispatcher get an issue each."""
    body = sent.given.model_dump(mode="json", exclude_none=True)
    told = _tell(sent, code, body)
    answer = answer_of(sent, code=code, issue_id=told.id if told else None)
    data = {"report": body, "code": code.value}
    orphaned = reported(EventType.ORPHANED, sent.visit_id, sent.report, data)
    with own_id(sent.report):
        record(sent.db, sent.ledger, [orphaned], by=actor_of(sent.by), at=sent.at, answer=lambda: answer)
    return answer


def _tell(sent: Sent, code: IssueCode, body: Mapping[str, Any]) -> Issue | None:
    """The issue of the sender, when a technician sent it."""
    lead = sent.visit.technician_id
    other = technician_name(sent.db, sent.ledger.organization_id, lead) if lead and not sent.is_lead else None
    about: dict[str, Any] = {
        "at": sent.at,
        "effective_at": sent.report.effective_at,
        "op_id": sent.report.given.id,
        "technician_id": sent.by.technician_id,
        "work_order_id": sent.ledger.id,
        "visit_id": sent.visit_id,
        "report": body,
        "params": {
            "action": sent.given.action,
            "by": sent.by.name,
            "other": other,
            "status": sent.visit.status.value,
            "number": sent.ledger.row["number"],
        },
    }
    in_vain = sent.given.action == "complete" and code is IssueCode.JOB_CANCELLED
    return tell_both(
        sent.db,
        sent.ledger.organization_id,
        code,
        severity=Severity.HIGH if code in GRAVE else Severity.WARNING,
        choices=[*(WORK_FOR_NOTHING if in_vain else ()), *DISPATCHERS_CHOICES],
        **about,
    )
