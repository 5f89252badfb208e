"""What is added and never taken back: notes, parts, hours, readings, ticks. Each counts whatever became of the plan."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from sqlmodel import Session

from app.customers.schemas import ReadingIn
from app.kit.schemas import In, Line
from app.parts.field_commands import count_own_stock, report_use, request_part
from app.parts.models import MovementKind
from app.parts.schemas import PartRequestIn, StockCountIn, VisitPartIn
from app.sync.models import OperationStatus
from app.sync.operations.outcome import Handler, Outcome, Sent, args_of, shaped
from app.visits.commands.assignment import field_ledger, is_of_crew
from app.visits.commands.field_reports import add_time, mark_seen, set_task
from app.visits.commands.findings import report_reading
from app.visits.commands.noting import add_note
from app.visits.issue_texts import IssueCode
from app.visits.models import Issue
from app.visits.schemas import NoteIn, TaskIn, TimeIn

S = OperationStatus


class PartArgs(In):
    """Parts taken from the van; `from` may name a depot instead."""

    part: Line
    qty: Annotated[Decimal, Field(gt=0)]
    serial: Line | None = None
    serials: list[Line] = Field(default_factory=list)
    source: Literal["van"] | UUID = Field(default="van", alias="from")


class AssetArg(In):
    asset_id: UUID | None = None


class CountArgs(In):
    part: Line
    counted: Decimal


class RequestArgs(In):
    part: Line
    qty: Decimal
    note: str = ""


def _noted_when_not_mine(db: Session, sent: Sent) -> Outcome:
    """What somebody else's visit is told of is written down there all the same; its sender is told that it was."""
    ledger = field_ledger(db, sent.target, by=sent.me, effective_at=sent.effective_at)
    if is_of_crew(ledger, sent.target, sent.me.technician_id):
        return Outcome()
    return Outcome(S.NOTED, IssueCode.REASSIGNED.value)


def seen(db: Session, sent: Sent) -> Outcome:
    known = mark_seen(db, sent.target, id=sent.id, effective_at=sent.effective_at, by=sent.me, at=sent.at)
    return Outcome(noop=known)


def note(db: Session, sent: Sent) -> Outcome:
    given = args_of(sent, NoteIn, **sent.report)
    outcome = _noted_when_not_mine(db, sent)
    add_note(db, sent.target, given, by=sent.me, at=sent.at, effective_at=sent.effective_at)
    return outcome


def part(kind: MovementKind) -> Handler:
    """`part.use` and `part.return`: a change, never a level."""

    def handle(db: Session, sent: Sent) -> Outcome:
        args = args_of(sent, PartArgs)
        given = shaped(
            VisitPartIn,
            **sent.report,
            kind=kind,
            part_number=args.part,
            quantity=args.qty,
            serials=args.serials or ([args.serial] if args.serial else []),
            location_id=None if args.source == "van" else args.source,
        )
        _, issue = report_use(db, sent.target, given, effective_at=sent.effective_at, by=sent.me, at=sent.at)
        return _with(issue)

    return handle


def _with(issue: Issue | None) -> Outcome:
    return Outcome(code=str(issue.code) if issue is not None else None)


def count(db: Session, sent: Sent) -> Outcome:
    args = args_of(sent, CountArgs)
    given = shaped(StockCountIn, id=sent.id, part_number=args.part, quantity=args.counted)
    _, issue = count_own_stock(db, given, effective_at=sent.effective_at, by=sent.me, at=sent.at)
    return _with(issue)


def request(db: Session, sent: Sent) -> Outcome:
    args = args_of(sent, RequestArgs)
    outcome = _noted_when_not_mine(db, sent)
    given = shaped(PartRequestIn, id=sent.id, part_number=args.part, quantity=args.qty, note=args.note)
    request_part(db, sent.target, given, effective_at=sent.effective_at, by=sent.me, at=sent.at)
    return outcome


def hours(db: Session, sent: Sent) -> Outcome:
    given = args_of(sent, TimeIn, id=sent.id)
    when = {name: sent.put_right(getattr(given, name)) for name in ("started_at", "ended_at")}
    given = given.model_copy(update=when)
    outcome = _noted_when_not_mine(db, sent)
    add_time(db, sent.target, given, effective_at=sent.effective_at, by=sent.me, at=sent.at)
    return outcome


def task(db: Session, sent: Sent) -> Outcome:
    """The last answer by effective time counts; one to an item that the pinned checklist has not is noted."""
    given = args_of(sent, TaskIn, id=sent.id)
    is_known = set_task(db, sent.target, given, effective_at=sent.effective_at, by=sent.me, at=sent.at)
    return Outcome() if is_known else Outcome(S.NOTED, "unknown_task")


def reading(db: Session, sent: Sent) -> Outcome:
    args = dict(sent.given.args)
    asset_id = shaped(AssetArg, asset_id=args.pop("asset_id", None)).asset_id
    given = shaped(ReadingIn, **{**args, "id": sent.id})
    outcome = _noted_when_not_mine(db, sent)
    report_reading(db, sent.target, given, asset_id=asset_id, effective_at=sent.effective_at, by=sent.me, at=sent.at)
    return outcome
