"""Somebody has chosen what to do about an issue: it is done, and the issue is resolved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.customers.corrections import write_field
from app.domain.ledger import EventType, instant
from app.domain.lifecycle import RequestedBy
from app.domain.roles import Scope
from app.identity.access import Caller
from app.kit.events import publish
from app.kit.ids import uuid7
from app.kit.problems import NotFound, RuleBroken
from app.visits.commands import planning
from app.visits.commands.checks import MissingData
from app.visits.commands.issues import settle
from app.visits.commands.reporting import attach_report
from app.visits.events import ChoiceMade
from app.visits.issue_schemas import ResolutionIn
from app.visits.issue_texts import IssueCode
from app.visits.models import Issue, IssueState, Owner
from app.visits.schemas import RescheduleIn, StatusUpdateIn
from app.work_orders.commands import actor_of, reopen
from app.work_orders.ledger import NewEvent, OpenLedger, open_ledger, record


class IssueResolved(RuleBroken):
    """Somebody chose what to do about this issue before."""

    code = "issue-resolved"


class ChoiceNotOffered(RuleBroken):
    """The issue does not offer this choice; `choices` says which it does."""

    code = "choice-not-offered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    db: Session
    issue: Issue
    ledger: OpenLedger | None
    given: ResolutionIn
    by: Caller
    at: datetime

    def need(self, name: str) -> Any:
        """
        Raises:
            MissingData: the choice cannot do without it.
        """
        if (value := getattr(self.given, name)) is None:
            error = {"pointer": f"/body/{name}", "code": "missing", "detail": f"{self.given.choice} needs it"}
            raise MissingData(f"{self.given.choice} needs more data.", errors=[error])
        return value

    @property
    def work(self) -> OpenLedger:
        """The work order that it is about, locked."""
        assert self.ledger is not None, "only what is about a visit offers this choice"
        return self.ledger


def resolve_issue(db: Session, issue_id: UUID, given: ResolutionIn, *, by: Caller, at: datetime) -> tuple[Issue, bool]:
    """Do what was chosen; and whether the issue had been resolved already, which only its technician may meet.

    Raises:
        NotFound: there is no such issue, it is not the technician's own, or a visit is not of its work order.
        IssueResolved: somebody of the office resolved it before.
        ChoiceNotOffered, MissingData
        InvalidTransition, ClosureRequired, ReopenWindowPassed, TechnicianNotAvailable: it cannot be done.
    """
    issue = db.get(Issue, (by.organization_id, issue_id), with_for_update=True, populate_existing=True)
    if issue is None or not _is_for(issue, by):
        raise NotFound("There is no such issue.", issue_id=str(issue_id))
    if issue.state != IssueState.OPEN:
        if by.scope is Scope.OWN:
            return issue, True
        raise IssueResolved("This issue has been resolved.", choice=issue.choice)
    if given.choice not in issue.choices:
        raise ChoiceNotOffered(f"This issue does not offer {given.choice}.", choices=issue.choices)
    is_planned = issue.owner == Owner.DISPATCHER and issue.work_order_id is not None
    ledger = open_ledger(db, by.organization_id, issue.work_order_id) if is_planned else None  # type: ignore[arg-type]
    chosen = Chosen(db=db, issue=issue, ledger=ledger, given=given, by=by, at=at)
    if (act := EFFECTS.get((IssueCode(issue.code), given.choice)) or EFFECTS.get((None, given.choice))) is not None:
        act(chosen)
    settle(db, issue, given.choice, reason=given.reason, by_id=by.id, at=at)
    if ledger is not None:
        _remember(chosen)
    _tell(db, issue, given.choice, by=by, at=at)
    return issue, False


def _tell(db: Session, issue: Issue, choice: str, *, by: Caller, at: datetime) -> None:
    made = ChoiceMade(
        organization_id=issue.organization_id,
        at=at,
        issue_id=issue.id,
        code=issue.code,
        choice=choice,
        op_id=issue.op_id,
        by_id=by.id,
    )
    publish(db, made)


def _is_for(issue: Issue, by: Caller) -> bool:
    if by.scope is Scope.ALL:
        return True
    is_own = by.technician_id is not None and issue.technician_id == by.technician_id
    return is_own and issue.owner == Owner.TECHNICIAN


def _remember(chosen: Chosen) -> None:
    issue = chosen.issue
    data = {"issue_id": issue.id, "code": issue.code, "choice": issue.choice, "reason": issue.reason}
    more = {"report": issue.report} if issue.report is not None else {}
    decided = NewEvent(type=EventType.NOTE_ADDED, at=chosen.at, data={**data, **more}, visit_id=issue.visit_id)
    now = open_ledger(chosen.db, chosen.by.organization_id, chosen.work.id)  # what was chosen may have closed the work
    record(chosen.db, now, [decided], by=actor_of(chosen.by), at=chosen.at)


def _attach(chosen: Chosen) -> None:
    """Let the report take effect on a visit of the same work order, at its own time."""
    visit_id = chosen.given.visit_id or chosen.issue.visit_id
    if visit_id not in chosen.work.visits or chosen.issue.report is None:
        raise NotFound("There is no such visit of this work order.", visit_id=str(visit_id))
    told = StatusUpdateIn.model_validate({**chosen.issue.report, "id": uuid7()})
    when = {"effective_at": chosen.issue.effective_at, "at": chosen.at}
    attach_report(chosen.db, chosen.work, visit_id, told, by=chosen.by, **when)


def _new_visit(chosen: Chosen) -> None:
    wanted = chosen.need("visit")
    planning.schedule_visit(chosen.db, chosen.work, wanted, by=chosen.by, at=chosen.at)


def _discard(chosen: Chosen) -> None:
    chosen.need("reason")


def _reopen(chosen: Chosen) -> None:
    reason = chosen.given.reason or "completed before it was known to be canceled"
    reopen(chosen.db, chosen.work, reason=reason, by=chosen.by, at=chosen.at, also_canceled=True)


def _write_field(chosen: Chosen) -> None:
    told = chosen.issue.params
    write_field(chosen.db, chosen.by.organization_id, told["kind"], UUID(told["id"]), told["field"], told["new"])


def _reschedule(chosen: Chosen) -> None:
    told, visit_id = chosen.issue.params, chosen.issue.visit_id
    assert visit_id is not None
    wanted = RescheduleIn(
        scheduled_start=instant(told["start"]),
        scheduled_end=instant(told["end"]),
        reason_code="technician_proposal",
        requested_by=RequestedBy.US,
        force_reason=chosen.given.reason,
    )
    planning.reschedule_visit(chosen.db, chosen.work, visit_id, wanted, by=chosen.by, at=chosen.at)


#: What a choice does; one that is not listed only resolves the issue.
EFFECTS: Mapping[tuple[IssueCode | None, str], Callable[[Chosen], None]] = {
    (None, "attach"): _attach,
    (None, "new_visit"): _new_visit,
    (None, "discard"): _discard,
    (None, "reopen"): _reopen,
    (IssueCode.FIELD_CHANGED, "accept"): _write_field,
    (IssueCode.SCHEDULE_PROPOSED, "accept"): _reschedule,
}
