"""What a technician proposes and the office decides, what is found on site, and what people choose about issues."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlmodel import Session, select

from app.customers.corrections import Thing
from app.customers.schemas import CorrectionIn
from app.domain.ledger import EventType
from app.domain.lifecycle import VisitStatus
from app.identity.models import Organization
from app.kit.schemas import Code, In, Key, Line, SafeText, Time
from app.sync.models import OperationStatus
from app.sync.operations.outcome import Handler, InvalidArgs, Outcome, Sent, args_of
from app.visits.commands import planning
from app.visits.commands.assignment import field_ledger
from app.visits.commands.field_reports import propose_schedule
from app.visits.commands.findings import asset_on_site, correct_record
from app.visits.commands.resolving import resolve_issue
from app.visits.issue_schemas import ResolutionIn
from app.visits.schemas import ProposalIn, ScheduleIn
from app.work_orders.commands import InvalidTransition, actor_of, approve, create_work_order
from app.work_orders.ledger import NewEvent, open_ledger, record
from app.work_orders.models import WorkOrder, WorkType
from app.work_orders.schemas import WorkOrderIn

S = OperationStatus
PRIORITY = 3


class CorrectionArgs(CorrectionIn):
    asset_id: UUID | None = None


class ChoiceArgs(In):
    issue_id: UUID
    choice: Key


class FoundArgs(In):
    """Work that was found on site; what is not said is taken from the visit it was found on (`target`)."""

    id: UUID
    title: Line
    work_type: Key
    description: SafeText = ""
    priority: int = Field(default=PRIORITY, ge=1, le=5)
    asset_id: UUID | None = None
    problem_code: Code | None = None
    start: Time | None = None
    minutes: int = Field(default=60, ge=5, le=1440)


class VerifyArgs(In):
    method: Key
    evidence_ids: list[UUID] = Field(default_factory=list, max_length=100)


def propose(db: Session, sent: Sent) -> Outcome:
    given = args_of(sent, ProposalIn, id=sent.id)
    propose_schedule(db, sent.target, given, effective_at=sent.effective_at, by=sent.me, at=sent.at)
    return Outcome()


def correct(kind: Thing) -> Handler:
    """`asset.correct`, `site.correct`: written when it still says what the technician saw, else a suggestion."""

    def handle(db: Session, sent: Sent) -> Outcome:
        args = args_of(sent, CorrectionArgs)
        given = CorrectionIn(**args.model_dump(exclude={"asset_id"}))
        issue = correct_record(
            db,
            sent.target,
            kind,
            given,
            id=sent.id,
            asset_id=args.asset_id,
            effective_at=sent.effective_at,
            by=sent.me,
            at=sent.at,
        )
        return Outcome() if issue is None else Outcome(S.NOTED, "field_changed")

    return handle


def resolve(db: Session, sent: Sent) -> Outcome:
    args = args_of(sent, ChoiceArgs)
    _, known = resolve_issue(db, args.issue_id, ResolutionIn(choice=args.choice), by=sent.me, at=sent.at)
    return Outcome(noop=known)


def create(db: Session, sent: Sent) -> Outcome:
    """Work that was found on site becomes a work order; nobody is sent unless technicians may send themselves."""
    args = args_of(sent, FoundArgs)
    where = _where(db, sent, args)
    kind = db.exec(
        select(WorkType).where(WorkType.organization_id == sent.me.organization_id, WorkType.key == args.work_type)
    ).one_or_none()
    if kind is None:
        errors = [{"pointer": "/args/work_type", "code": "unknown", "detail": "There is no such kind of work."}]
        raise InvalidArgs("There is no such kind of work.", errors=errors)
    given = WorkOrderIn(
        id=args.id,
        title=args.title,
        work_type_id=kind.id,
        description=args.description,
        priority=args.priority,
        problem_code=args.problem_code,
        channel="technician",
        requested_at=sent.effective_at,
        **where,
    )
    order = create_work_order(db, given, by=sent.me, at=sent.at)
    more: dict[str, Any] = {"work_order": {"id": str(order.id), "number": order.number}}
    if (visit_id := _send_oneself(db, sent, args, order)) is not None:
        more["visit_id"] = str(visit_id)
    return Outcome(more=more)


def _where(db: Session, sent: Sent, args: FoundArgs) -> dict[str, UUID | None]:
    """
    Raises:
        NotFound, NotAssigned: the visit it was found on is not the technician's, or the asset stands elsewhere.
    """
    ledger = field_ledger(db, sent.target, by=sent.me, effective_at=sent.effective_at)
    row = ledger.row
    return {
        "customer_id": row["customer_id"],
        "site_id": row["site_id"],
        "contact_id": row["contact_id"],
        "asset_id": asset_on_site(db, ledger, args.asset_id).id if args.asset_id else row["asset_id"],
    }


def _send_oneself(db: Session, sent: Sent, args: FoundArgs, order: WorkOrder) -> UUID | None:
    organization = db.get_one(Organization, sent.me.organization_id)
    if args.start is None or not organization.settings.get("self_dispatch") or sent.me.technician_id is None:
        return None
    ledger = open_ledger(db, sent.me.organization_id, order.id)
    approve(db, ledger, by=sent.me, at=sent.at)
    times = ScheduleIn(
        technician_id=sent.me.technician_id,
        scheduled_start=args.start,
        scheduled_end=args.start + timedelta(minutes=args.minutes),
        force_reason="found on site",
    )
    visit_id = planning.schedule_visit(db, ledger, times, by=sent.me, at=sent.at)
    planning.dispatch_visit(db, ledger, visit_id, by=sent.me, at=sent.at)
    return visit_id


def verify(db: Session, sent: Sent) -> Outcome:
    """The customer has confirmed the work, on the spot: written down with how, once the work is completed.

    Raises:
        InvalidTransition: it is not completed.
    """
    args = args_of(sent, VerifyArgs)
    ledger = field_ledger(db, sent.target, by=sent.me, effective_at=sent.effective_at)
    status = ledger.visits[sent.target].status
    if status is not VisitStatus.COMPLETED:
        raise InvalidTransition(f"A visit that is {status} cannot be confirmed.", status_now=status.value)
    confirmed = NewEvent(
        type=EventType.CLOSURE_CONFIRMED,
        at=max(sent.effective_at, ledger.visits[sent.target].ended_at or sent.effective_at),
        data=args.model_dump(mode="json"),
        visit_id=sent.target,
        id=sent.id,
        occurred_at=sent.given.occurred_at,
        clock_source=sent.clock_source,
    )
    record(db, ledger, [confirmed], by=actor_of(sent.me), at=sent.at)
    return Outcome()
