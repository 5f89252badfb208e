"""What technicians find to be otherwise on site: put right where it is theirs to say, proposed where it is not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from pydantic import ValidationError
from sqlmodel import Session

from app.customers.commands import update_asset, update_site
from app.customers.models import Asset, Site
from app.customers.schemas import AssetChanges, CorrectionIn, SiteChanges
from app.kit.problems import NotFound, Unprocessable

Thing = Literal["asset", "site"]

#: What a technician may write; everything else of a site or asset is the office's.
OF_THE_FIELD: Mapping[Thing, frozenset[str]] = {
    "asset": frozenset({"name", "model", "serial"}),
    "site": frozenset({"access_notes", "coordinates"}),
}
#: What a technician may only propose.
OF_THE_OFFICE: Mapping[Thing, frozenset[str]] = {"asset": frozenset(), "site": frozenset({"name", "address"})}


class NotCorrectable(Unprocessable):
    """There is no such field to correct, or it cannot have this value."""

    code = "not-correctable"


@dataclass(frozen=True, slots=True)
class Correction:
    """What became of it: written, or left as `current` for the office to decide. `thing`: what it is called."""

    written: bool
    current: Any
    thing: str


def correct_field(db: Session, organization_id: UUID, kind: Thing, thing_id: UUID, given: CorrectionIn) -> Correction:
    """Write the new value where the field is the technician's and still says `old`, else leave it.

    Raises:
        NotFound: the organization has no such thing.
        NotCorrectable: see there.
    """
    row = _locked(db, organization_id, kind, thing_id)
    if given.field not in OF_THE_FIELD[kind] | OF_THE_OFFICE[kind]:
        raise not_correctable(given.field, "cannot be corrected from the field")
    new = _checked(kind, given.field, given.new)
    current = value_of(row, given.field)
    if current == new:
        return Correction(True, current, row.name)
    if given.field in OF_THE_OFFICE[kind] or (current or None) != (given.old or None):
        return Correction(False, current, row.name)
    _write(db, row, {given.field: new})
    return Correction(True, new, row.name)


def write_field(db: Session, organization_id: UUID, kind: Thing, thing_id: UUID, field: str, new: Any) -> None:
    """The office takes a proposal over.

    Raises:
        NotFound: the organization has no such thing.
    """
    _write(db, _locked(db, organization_id, kind, thing_id), {field: new})


def value_of(row: Asset | Site, field: str) -> Any:
    """As plain JSON; a place is `{lat, lng}`, or None when it is not known."""
    if field != "coordinates":
        return getattr(row, field)
    assert isinstance(row, Site)
    known = row.latitude is not None and row.longitude is not None
    return {"lat": row.latitude, "lng": row.longitude} if known else None


def _locked(db: Session, organization_id: UUID, kind: Thing, thing_id: UUID) -> Asset | Site:
    key = (organization_id, thing_id)
    row: Asset | Site | None
    if kind == "asset":
        row = db.get(Asset, key, with_for_update=True, populate_existing=True)
    else:
        row = db.get(Site, key, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound(f"There is no such {kind}.", id=str(thing_id))
    return row


def _checked(kind: Thing, field: str, value: Any) -> Any:
    """
    Raises:
        NotCorrectable: the office could not write this value either.
    """
    changes: type[AssetChanges] | type[SiteChanges] = AssetChanges if kind == "asset" else SiteChanges
    try:
        return changes.model_validate({field: value}).model_dump(exclude_unset=True)[field]
    except ValidationError as flaw:
        raise not_correctable("new", flaw.errors()[0]["msg"]) from None


def _write(db: Session, row: Asset | Site, values: dict[str, Any]) -> None:
    if isinstance(row, Asset):
        update_asset(db, row, AssetChanges.model_validate(values))
    else:
        update_site(db, row, SiteChanges.model_validate(values))


def not_correctable(pointer: str, why: str) -> NotCorrectable:
    error = {"pointer": f"/body/{pointer}", "code": NotCorrectable.code, "detail": why}
    return NotCorrectable(f"{pointer}: {why}.", errors=[error])
