"""`visit.accept`, `depart`, `arrive` …: the reports of the status-update route, by the rules of an outbox."""

import re
from typing import Any

from sqlmodel import Session

from app.sync.models import OperationStatus
from app.sync.operations.outcome import Handler, Outcome, Sent, shaped
from app.visits.commands.reporting import report_status
from app.visits.schemas import StatusUpdateIn

ACTIONS = (
    "accept", "decline", "depart", "arrive", "start", "pause", "resume", "end_incomplete", "no_access", "leave",
    "correct_time",
)  # fmt: skip


A_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


def report(action: str) -> Handler:
    """The handler of `visit.<action>`."""

    def handle(db: Session, sent: Sent) -> Outcome:
        words = in_our_words(action, sent.given.args)
        given = shaped(StatusUpdateIn, **{**words, "action": action, **sent.report})
        return told(report_status(db, sent.target, given, by=sent.me, at=sent.at))

    return handle


def told(answer: dict[str, Any]) -> Outcome:
    """The answer of a status update as an outcome; what the visit is now, the changes in the same answer say."""
    status = OperationStatus(answer["result"])
    return Outcome(status, answer["code"], noop=answer["noop"])


def in_our_words(action: str, args: dict[str, Any]) -> dict[str, Any]:
    """Where it was may be said flat; what must be done again, as a yes; why it is declined, in any words."""
    words = dict(args)
    if "lat" in words and "lng" in words:
        words["location"] = {"lat": words.pop("lat"), "lng": words.pop("lng"), "accuracy_m": words.pop("acc_m", None)}
    if (revisit := words.pop("revisit", None)) is not None and revisit is not False:
        words.setdefault("next_visit_wish", "a revisit is needed" if revisit is True else revisit)
    if action == "decline" and "reason" in words:
        words.setdefault("reason_code", words["reason"] if A_CODE.fullmatch(str(words["reason"])) else "other")
    return words
