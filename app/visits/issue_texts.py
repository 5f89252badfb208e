"""What an issue says: a key with its params for the apps, and the same as an English sentence."""

from collections.abc import Mapping
from enum import StrEnum
from string import Formatter
from typing import Any

from app.domain.lifecycle import VisitStatus


class IssueCode(StrEnum):
    """How the field differs from the plan. An app looks its own text up by this key; new ones may be added."""

    REASSIGNED = "reassigned"
    JOB_CANCELLED = "job_cancelled"
    VISIT_COMPLETED = "visit_completed"
    VISIT_INCOMPLETE = "visit_incomplete"
    VISIT_DECLINED = "visit_declined"
    VISIT_NO_SHOW = "visit_no_show"
    VISIT_MOVED_ON = "visit_moved_on"
    ALREADY_DONE_BY_OTHER = "already_done_by_other"
    COMPLETED_AFTER_REASSIGN = "completed_after_reassign"
    DOUBLE_WORK = "double_work"
    STOCK_NEGATIVE = "stock_negative"
    UNKNOWN_PART = "unknown_part"
    FIELD_CHANGED = "field_changed"
    SCHEDULE_PROPOSED = "schedule_proposed"
    CLOSURE_UNMET = "closure_unmet"
    ATTACHMENT_MISSING = "attachment_missing"
    QUARANTINED = "quarantined"
    COMPLETION_REJECTED = "completion_rejected"
    EVIDENCE_OVERDUE = "evidence_overdue"
    REVIEW_OVERDUE = "review_overdue"


C, V = IssueCode, VisitStatus

#: What became of the visit while a report about it was under way.
OVERTAKEN_BY: Mapping[VisitStatus, IssueCode] = {
    V.CANCELED: C.JOB_CANCELLED,
    V.COMPLETED: C.VISIT_COMPLETED,
    V.INCOMPLETE: C.VISIT_INCOMPLETE,
    V.DECLINED: C.VISIT_DECLINED,
    V.NO_SHOW: C.VISIT_NO_SHOW,
}

TEXTS: Mapping[IssueCode, str] = {
    C.REASSIGNED: "{action} by {by} was recorded, but the visit had been given to {other}.",
    C.JOB_CANCELLED: "{action} by {by} was recorded, but the visit had been canceled.",
    C.VISIT_COMPLETED: "{action} by {by} was recorded, but the visit had been completed already.",
    C.VISIT_INCOMPLETE: "{action} by {by} was recorded, but the visit had ended without a solution.",
    C.VISIT_DECLINED: "{action} by {by} was recorded, but the visit had been declined.",
    C.VISIT_NO_SHOW: "{action} by {by} was recorded, but the visit counts as a no-show.",
    C.VISIT_MOVED_ON: "{action} by {by} was recorded, but the visit is {status} now.",
    C.ALREADY_DONE_BY_OTHER: "{by} reports the work as done, but {other} had done it already.",
    C.COMPLETED_AFTER_REASSIGN: "{by} completed the visit after it had been given to {other}.",
    C.DOUBLE_WORK: "{by} and {other} both worked on this visit.",
    C.STOCK_NEGATIVE: "By our books there was less than {quantity} of {part} in the van of {by}.",
    C.UNKNOWN_PART: "{by} used {quantity} of {part}, which is not in the catalog.",
    C.FIELD_CHANGED: "{by} proposes {new} for {field} of {thing}; it says {current} now.",
    C.SCHEDULE_PROPOSED: "{by} proposes another time: {start} to {end}.",
    C.CLOSURE_UNMET: "The proof that {by} sent does not meet the closure policy.",
    C.ATTACHMENT_MISSING: "A file that {by} announced has not arrived.",
    C.COMPLETION_REJECTED: "{by} reports the end of the work, but it could not be recorded ({why}).",
    C.EVIDENCE_OVERDUE: "{number}: {missing} photos or signatures that {by} promised have not arrived in time.",
    C.REVIEW_OVERDUE: "{number}: the closure of {by} waits for a supervisor for too long.",
    C.QUARANTINED: "A report of {by} could not be worked off; it is kept and being looked at.",
}

#: What a sentence says of something that nobody told.
UNTOLD = {"action": "A report", "by": "somebody", "other": "somebody else", "current": "nothing", "new": "nothing"}


class _Params(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return UNTOLD.get(name, "something")


def _said(value: Any) -> Any:
    return f"{value:g}" if isinstance(value, float) else value


def sentence(code: str, params: Mapping[str, Any]) -> str:
    """The text of an issue in English; a param that is missing or null is said in general words."""
    if code not in list(IssueCode):
        return f"Something is not as planned ({code})."
    told = _Params({name: _said(value) for name, value in params.items() if value is not None})
    text = Formatter().vformat(TEXTS[IssueCode(code)], (), told)
    return text[0].upper() + text[1:].replace("_", " ")
