"""`visit.complete` and `visit.end_incomplete`: what was physically done is never lost, whatever became of the plan.

The visit is still the sender's: the work is judged as any closure is. It was given to somebody who has not begun: it
goes back to the sender, with all that they reported meanwhile. Somebody else was there, or it had been called off: it
is noted, its hours and parts count, and the office chooses what follows.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid5

from sqlmodel import Session

from app.closure.commands.submit import MAY_TRY_AGAIN, submit_closure
from app.closure.queries import standing_verdict
from app.closure.schemas import ClosureIn
from app.domain.closure import VerdictKind
from app.domain.ledger import EventType
from app.domain.lifecycle import PLANNED, UNDERWAY, VisitStatus
from app.kit.problems import Refusal
from app.parts.field_commands import report_use
from app.parts.schemas import VisitPartIn
from app.sync.models import OperationStatus
from app.sync.operations.completion_args import CompleteArgs
from app.sync.operations.outcome import Outcome, Sent, args_of, refused, shaped
from app.sync.operations.status import in_our_words, report
from app.visits.commands.assignment import field_ledger, is_of_crew
from app.visits.commands.effects import so_already
from app.visits.commands.field_reports import add_time
from app.visits.commands.issues import TECHNICIANS_CHOICES, raise_issue, tell_both
from app.visits.commands.noted import note
from app.visits.commands.reports import Sent as Reporting
from app.visits.commands.reports import read_report
from app.visits.commands.returning import return_visit
from app.visits.issue_texts import IssueCode
from app.visits.models import Owner, Severity, Visit
from app.visits.schemas import StatusUpdateIn, TimeIn
from app.work_orders.commands import actor_of, happen
from app.work_orders.ledger import NewEvent, OpenLedger

S = OperationStatus
V = VisitStatus


def complete(db: Session, sent: Sent) -> Outcome:
    """The work is done, says the technician."""
    args = args_of(sent, CompleteArgs)
    _keep_facts(db, sent, args)
    ledger = field_ledger(db, sent.target, by=sent.me, effective_at=sent.effective_at)

    def close(opened: OpenLedger) -> Outcome:
        return _submit(db, sent, opened, args)

    return _end(db, sent, ledger, "complete", close)


def end_incomplete(db: Session, sent: Sent) -> Outcome:
    """It could not be done, says the technician, and why."""
    ledger = field_ledger(db, sent.target, by=sent.me, effective_at=sent.effective_at)
    as_usual = report("end_incomplete")
    if is_of_crew(ledger, sent.target, sent.me.technician_id):
        return as_usual(db, sent)
    return _end(db, sent, ledger, "end_incomplete", lambda _: as_usual(db, sent))


def _keep_facts(db: Session, sent: Sent, args: CompleteArgs) -> None:
    """Parts and hours are what they are, whoever was to go; each gets an id of its own out of the operation's."""
    for n, one in enumerate(args.parts):
        use = VisitPartIn.model_validate(
            {
                **sent.report,
                "id": uuid5(sent.id, f"part {n}"),
                "kind": one.kind,
                "part_number": one.part,
                "quantity": one.qty,
                "serials": one.serials,
            }
        )
        report_use(db, sent.target, use, effective_at=sent.effective_at, by=sent.me, at=sent.at)
    for n, hours in enumerate(args.labour):
        when = {name: sent.put_right(getattr(hours, name)) for name in ("started_at", "ended_at")}
        given = TimeIn(id=uuid5(sent.id, f"labour {n}"), **{**hours.model_dump(), **when})
        add_time(db, sent.target, given, effective_at=sent.effective_at, by=sent.me, at=sent.at)


def _end(db: Session, sent: Sent, ledger: OpenLedger, action: str, close: Callable[[OpenLedger], Outcome]) -> Outcome:
    """What becomes of an end by what became of the visit meanwhile."""
    visit = ledger.visits[sent.target]
    mine = is_of_crew(ledger, sent.target, sent.me.technician_id)
    if visit.status is V.CANCELED:
        return _noted(db, sent, ledger, action, IssueCode.JOB_CANCELLED)
    if mine:
        return _my_end(db, sent, ledger, action, close)
    if visit.status in PLANNED:
        other = visit.technician_id
        return_visit(db, ledger, sent.target, sent.me, at=sent.at)
        outcome = close(ledger)
        about = _about(sent, ledger, other_id=str(other))
        code = IssueCode.COMPLETED_AFTER_REASSIGN
        tell_both(db, ledger.organization_id, code, severity=Severity.HIGH, choices=("ok",), **about)
        outcome.code = outcome.code or code.value
        return outcome
    is_done = visit.status in (V.COMPLETED, V.INCOMPLETE)
    outcome = _noted(db, sent, ledger, action, IssueCode.ALREADY_DONE_BY_OTHER if is_done else IssueCode.REASSIGNED)
    if is_done or visit.status in UNDERWAY:
        raise_issue(
            db,
            ledger.organization_id,
            IssueCode.DOUBLE_WORK,
            owner=Owner.DISPATCHER,
            severity=Severity.HIGH,
            choices=("ok", "bill", "waive"),
            **_about(sent, ledger),
        )
    return outcome


def _my_end(
    db: Session, sent: Sent, ledger: OpenLedger, action: str, close: Callable[[OpenLedger], Outcome]
) -> Outcome:
    visit = ledger.visits[sent.target]
    if visit.status in PLANNED | UNDERWAY:
        return close(ledger)
    if visit.status is V.COMPLETED:
        if standing_verdict(db, ledger.organization_id, sent.target) in MAY_TRY_AGAIN:
            return close(ledger)
        so_already(_reporting(db, sent, ledger, action))
        return Outcome(noop=True)
    codes = {V.INCOMPLETE: IssueCode.VISIT_INCOMPLETE, V.NO_SHOW: IssueCode.VISIT_NO_SHOW}
    return _noted(db, sent, ledger, action, codes.get(visit.status, IssueCode.VISIT_DECLINED))


def _submit(db: Session, sent: Sent, ledger: OpenLedger, args: CompleteArgs) -> Outcome:
    """The closure, judged by the policy that the visit is pinned to; what was not met stays open, and is said."""
    _reach_the_site(db, sent, ledger)
    signature = args.signature
    promised = [one.model_dump() for one in args.closure.evidence]
    if signature is not None:
        promised.append(
            {
                "id": signature.attachment_id,
                "kind": "signature",
                "tag": signature.role,
                "signer_name": signature.name,
                "document_hash": signature.document_hash,
                "strokes": signature.strokes,
            }
        )
    given = ClosureIn.model_validate(
        {
            **sent.report,
            "resolution_code": args.resolution,
            "cause_code": args.cause,
            "answers": args.checklist,
            **args.closure.model_dump(),
            "evidence": promised,
        }
    )
    visit = db.get_one(Visit, (sent.me.organization_id, sent.target), populate_existing=True)
    submission, _ = submit_closure(db, visit, given, by=sent.me, at=sent.at, offline=True)
    if submission.verdict != VerdictKind.UNMET:
        return Outcome()
    findings = [one for one in submission.findings if one["met"] == "no" and _is_to_be_mended(one)]
    more = {"closure": {"verdict": submission.verdict, "findings": findings}}
    raise_issue(
        db,
        ledger.organization_id,
        IssueCode.CLOSURE_UNMET,
        owner=Owner.TECHNICIAN,
        severity=Severity.WARNING,
        choices=TECHNICIANS_CHOICES,
        **_about(sent, ledger, findings=[one["how_to_fix"] for one in findings]),
    )
    return Outcome(S.NOTED, IssueCode.CLOSURE_UNMET.value, more=more)


def _is_to_be_mended(finding: Mapping[str, Any]) -> bool:
    """What only warns stands in nobody's way; but a waiver that does not count is said."""
    return bool(finding["severity"] == "block" or finding["kind"] == "waiver_refused")


def _reach_the_site(db: Session, sent: Sent, ledger: OpenLedger) -> None:
    """Who completes was there: steps that were left out are implied, and count for no travel."""
    status = ledger.visits[sent.target].status
    if status not in PLANNED | {V.EN_ROUTE}:
        return
    skipped = [EventType.VISIT_DEPARTED] if status in PLANNED else []
    implied = [
        NewEvent(type=kind, at=sent.effective_at, visit_id=sent.target, implied=True)
        for kind in (*skipped, EventType.VISIT_ARRIVED, EventType.VISIT_STARTED)
    ]
    happen(db, ledger, implied, by=actor_of(sent.me), at=sent.at)


def _reporting(db: Session, sent: Sent, ledger: OpenLedger, action: str) -> Reporting:
    args = sent.given.args
    words = {"resolution_code": args.get("resolution")} if action == "complete" else in_our_words(action, args)
    given = shaped(StatusUpdateIn, **{**words, "action": action, **sent.report})
    said = read_report(given, sent.target, by=sent.me, at=sent.at, not_before=ledger.order.requested_at)
    return Reporting(
        db=db, ledger=ledger, visit_id=sent.target, given=given, report=said, by=sent.me, at=sent.at, offline=True
    )


def _noted(db: Session, sent: Sent, ledger: OpenLedger, action: str, code: IssueCode) -> Outcome:
    note(_reporting(db, sent, ledger, action), code)
    return Outcome(S.NOTED, code.value)


def _about(sent: Sent, ledger: OpenLedger, **params: Any) -> dict[str, Any]:
    """What every issue about this end of work says."""
    return {
        "at": sent.at,
        "effective_at": sent.effective_at,
        "op_id": sent.id,
        "technician_id": sent.me.technician_id,
        "work_order_id": ledger.id,
        "visit_id": sent.target,
        "params": {"by": sent.me.name, "number": ledger.row["number"], **params},
    }


def with_issue(handle: Callable[[Session, Sent], Outcome]) -> Callable[[Session, Sent], Outcome]:
    """An end of work that is refused after all is still shown to people: the technician, and the dispatcher."""

    def kept(db: Session, sent: Sent) -> Outcome:
        try:
            with db.begin_nested():
                return handle(db, sent)
        except Refusal as refusal:
            return shown(db, sent, refused(refusal))

    return kept


ENDS = frozenset({"visit.complete", "visit.end_incomplete"})


def shown(db: Session, sent: Sent, outcome: Outcome) -> Outcome:
    """The outcome; an end of work that is refused is shown to people, whatever it was refused for."""
    if outcome.status is S.REJECTED and sent.given.type in ENDS:
        _tell_people(db, sent, outcome)
    return outcome


def _tell_people(db: Session, sent: Sent, outcome: Outcome) -> None:
    found = db.get(Visit, (sent.me.organization_id, sent.given.target)) if sent.given.target else None
    for owner, severity in ((Owner.DISPATCHER, Severity.HIGH), (Owner.TECHNICIAN, Severity.WARNING)):
        is_told_of = owner is Owner.DISPATCHER or outcome.code != "target_not_found"
        visit = found if is_told_of else None
        raise_issue(
            db,
            sent.me.organization_id,
            IssueCode.COMPLETION_REJECTED,
            owner=owner,
            severity=severity,
            choices=("ok",) if owner is Owner.DISPATCHER else TECHNICIANS_CHOICES,
            at=sent.at,
            effective_at=sent.effective_at,
            op_id=sent.id,
            technician_id=sent.me.technician_id,
            work_order_id=visit.work_order_id if visit else None,
            visit_id=visit.id if visit else None,
            params={"by": sent.me.name, "why": outcome.code},
            report=sent.given.model_dump(mode="json"),
        )
