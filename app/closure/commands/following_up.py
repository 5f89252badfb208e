"""What was found on site is kept: what meters showed, and the work that a bad answer asks for."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid5

from sqlmodel import Session

from app.closure.material import Known
from app.closure.models import ClosureSubmission
from app.closure.schemas import ClosureIn
from app.customers.commands import record_reading
from app.customers.models import Asset
from app.customers.schemas import ReadingIn
from app.domain.checklist import follow_ups, items_of
from app.work_orders.follow_ups import Found, open_follow_up
from app.work_orders.ledger import Actor, OpenLedger

SIX_PLACES = Decimal("0.000001")


def keep_readings(
    db: Session, ledger: OpenLedger, submission: ClosureSubmission, given: ClosureIn, *, at: datetime
) -> None:
    """What the submission says the meters of the asset showed; work without an asset has no meters."""
    if not given.readings or ledger.row["asset_id"] is None:
        return
    asset = db.get_one(Asset, (ledger.organization_id, ledger.row["asset_id"]))
    for n, one in enumerate(given.readings):
        value = Decimal(str(one.value)).quantize(SIX_PLACES).normalize()
        reading = ReadingIn(id=uuid5(submission.id, f"reading {n}"), label=one.label, value=value, unit=one.unit)
        record_reading(
            db,
            asset,
            reading,
            work_order_id=ledger.id,
            visit_id=submission.visit_id,
            technician_id=ledger.visits[submission.visit_id].technician_id,
            effective_at=submission.effective_at,
            at=at,
        )


def open_follow_ups(
    db: Session, ledger: OpenLedger, visit_id: UUID, known: Known, *, found_at: datetime, by: Actor, at: datetime
) -> None:
    """A work order for each bad answer whose item wants one, once for a visit whatever is sent again."""
    facts, said = known.facts, known.said
    values, evidence = facts.values_with(said), {one.id: one.kind for one in facts.evidence}
    for wanted in follow_ups(items_of(facts.checklist), said.answers, values, evidence):
        found = Found(
            id=uuid5(visit_id, f"on_fail {wanted.item_id}"),
            visit_id=visit_id,
            item=wanted.item_id,
            answer=said.answers.get(wanted.item_id),
            title=wanted.title,
            work_type=wanted.work_type,
            priority=wanted.priority,
            problem_code=wanted.problem_code,
            at=found_at,
        )
        open_follow_up(db, ledger, found, by=by, at=at)
