"""What technicians find on site: what meters show, and what is not as our records say."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.customers.commands import record_reading
from app.customers.corrections import Correction, Thing, correct_field
from app.customers.models import Asset, AssetReading
from app.customers.schemas import CorrectionIn, ReadingIn
from app.identity.access import Caller
from app.kit.problems import NotFound
from app.visits.commands.assignment import field_ledger
from app.visits.commands.issues import raise_issue
from app.visits.issue_texts import IssueCode
from app.visits.models import Issue, Owner, Severity
from app.work_orders.ledger import OpenLedger


def report_reading(
    db: Session,
    visit_id: UUID,
    given: ReadingIn,
    *,
    asset_id: UUID | None = None,
    effective_at: datetime,
    by: Caller,
    at: datetime,
) -> AssetReading:
    """What a meter showed: of the asset of the work order, or of the one named, which stands at the same site.

    Raises:
        NotFound: the visit never was the technician's, or there is no such asset at its site.
        NotAssigned: it was not theirs yet.
        ReadingIdReused: the id came earlier with something else.
    """
    ledger = field_ledger(db, visit_id, by=by, effective_at=effective_at)
    asset = asset_on_site(db, ledger, asset_id)
    where = {"work_order_id": ledger.id, "visit_id": visit_id}
    who = by.technician_id
    return record_reading(db, asset, given, **where, technician_id=who, effective_at=effective_at, at=at)


def asset_on_site(db: Session, ledger: OpenLedger, asset_id: UUID | None) -> Asset:
    """The asset of the work order, or the one named.

    Raises:
        NotFound: there is none, or it stands somewhere else.
    """
    wanted = asset_id or ledger.row["asset_id"]
    asset = db.get(Asset, (ledger.organization_id, wanted)) if wanted is not None else None
    is_here = asset is not None and (
        asset.id == ledger.row["asset_id"] or (asset.site_id is not None and asset.site_id == ledger.row["site_id"])
    )
    if asset is None or not is_here:
        raise NotFound("There is no such asset at this site.", asset_id=str(wanted))
    return asset


def correct_record(
    db: Session,
    visit_id: UUID,
    kind: Thing,
    given: CorrectionIn,
    *,
    id: UUID,
    asset_id: UUID | None = None,
    effective_at: datetime,
    by: Caller,
    at: datetime,
) -> Issue | None:
    """Put a field of the visit's asset or site right; None when it says so now.

    Where somebody else changed it meanwhile, or the field is the office's own, it becomes an issue of the dispatcher,
    who takes it over or not.

    Raises:
        NotFound, NotAssigned: see `report_reading`.
        NotCorrectable: there is no such field to correct, or it cannot have this value.
    """
    ledger = field_ledger(db, visit_id, by=by, effective_at=effective_at)
    thing_id = asset_on_site(db, ledger, asset_id).id if kind == "asset" else _site_of(ledger)
    result = correct_field(db, ledger.organization_id, kind, thing_id, given)
    if result.written:
        return None
    return raise_issue(
        db,
        ledger.organization_id,
        IssueCode.FIELD_CHANGED,
        owner=Owner.DISPATCHER,
        severity=Severity.INFO,
        choices=("accept", "keep"),
        at=at,
        effective_at=effective_at,
        op_id=id,
        technician_id=by.technician_id,
        work_order_id=ledger.id,
        visit_id=visit_id,
        params=_said(kind, thing_id, given, result, by),
    )


def _site_of(ledger: OpenLedger) -> UUID:
    site_id: UUID | None = ledger.row["site_id"]
    if site_id is None:
        raise NotFound("This work has no site.", work_order_id=str(ledger.id))
    return site_id


def _said(kind: Thing, thing_id: UUID, given: CorrectionIn, result: Correction, by: Caller) -> dict[str, Any]:
    values = {"field": given.field, "old": given.old, "new": given.new, "current": result.current}
    return {"kind": kind, "id": str(thing_id), "thing": result.thing, "by": by.name, **values}
