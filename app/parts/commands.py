"""Changing parts: recording what was used and put back, what the store did, and the catalog."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from app.domain.lifecycle import WorkOrderStatus
from app.domain.stock import change_of
from app.domain.time_rule import effective_time
from app.identity.access import Caller
from app.kit.changes import Kind, touch
from app.kit.ids import uuid7
from app.kit.problems import NotFound, RuleBroken
from app.kit.repeats import fingerprint_of
from app.kit.schemas import changes
from app.parts import queries
from app.parts.models import LocationKind, MovementKind, Part, PartMovement, StockLocation
from app.parts.schemas import PartIn, PartPatch, StockLocationIn, StockMovementIn, VisitPartIn
from app.visits.models import Visit
from app.work_orders.commands import IdReused


class NotArrived(RuleBroken):
    """Parts are used where the customer is: nobody of the visit has arrived yet."""

    code = "not-arrived"


class WorkOrderClosed(RuleBroken):
    """The work order was closed before these parts were used."""

    code = "work-order-closed"


class PartNumberTaken(RuleBroken):
    code = "part-number-taken"


class VanTaken(RuleBroken):
    """The technician has a van already."""

    code = "van-taken"


def record_use(
    db: Session,
    visit: Visit,
    given: VisitPartIn,
    *,
    by: Caller,
    at: datetime,
    as_fact: bool = False,
    effective_at: datetime | None = None,
) -> tuple[PartMovement, bool]:
    """Record parts as used or put back; and whether that was known already.

    A physical fact is not refused: a number that is not in the catalog is kept, and the stock may go negative.
    `as_fact`: it waited on a device and is taken whatever has become of the visit and its work order meanwhile;
    `effective_at`: when that was, where it has been found out before.

    Raises:
        NotArrived: nobody of the visit has arrived.
        WorkOrderClosed: it happened after the work order was closed.
        IdReused: the id belongs to something else.
        NotFound: no such part id, or no such location for this caller.
    """
    use = queries.use_on(db, visit, given.id, part_id=given.part_id, part_number=given.part_number)
    said = fingerprint_of(given)
    if use.earlier is not None:
        return _same(use.earlier, visit.id, said), True
    if given.part_id is not None and use.part is None:
        raise NotFound("There is no such part.", part_id=str(given.part_id))
    if effective_at is None:
        effective_at, _ = effective_time(given.occurred_at, sent_at=given.sent_at, age_ms=given.age_ms, received_at=at)
    if not as_fact:
        _check_open(visit, use, effective_at)
    technician_id = by.technician_id or visit.technician_id
    place = own_or_named_location(db, by, technician_id, given.location_id)
    values = values_of(
        use.part,
        organization_id=visit.organization_id,
        id=given.id,
        kind=given.kind,
        part_number=given.part_number,
        location_id=place.id if place else None,
        work_order_id=visit.work_order_id,
        visit_id=visit.id,
        technician_id=technician_id,
        quantity=given.quantity,
        serials=given.serials,
        occurred_at=given.occurred_at,
        effective_at=effective_at,
        recorded_at=at,
        body_hash=said,
    )
    touch(db, visit.organization_id, Kind.WORK_ORDER, visit.work_order_id)
    touch_van(db, place)
    return add_movement(db, values, subject_id=visit.id)


def touch_van(db: Session, place: StockLocation | None) -> None:
    if place is not None and place.technician_id is not None:
        touch(db, place.organization_id, Kind.STOCK, place.technician_id)


def _check_open(visit: Visit, use: queries.Use, happened_at: datetime) -> None:
    if not visit.attended:
        raise NotArrived("Arrive first: parts are recorded where they are used.", visit_status=visit.status)
    if use.work_order_status is WorkOrderStatus.CLOSED and use.closed_at and happened_at > use.closed_at:
        raise WorkOrderClosed("The work order is closed.", closed_at=use.closed_at.isoformat())


def own_or_named_location(
    db: Session, by: Caller, technician_id: UUID | None, location_id: UUID | None
) -> StockLocation | None:
    """A technician who has no van in the books yet gets one."""
    found = queries.location_of_use(db, by, technician_id, location_id)
    if found is not None or technician_id is None:
        return found
    made = (
        insert(StockLocation)
        .values(
            organization_id=by.organization_id,
            id=uuid7(),
            name="Van",
            kind=LocationKind.VAN,
            technician_id=technician_id,
        )
        .on_conflict_do_update(
            index_elements=["organization_id", "technician_id"],
            index_where=sa.text("technician_id IS NOT NULL"),
            set_={"kind": LocationKind.VAN},
        )
        .returning(StockLocation)
    )
    return db.scalars(made).one()


def record_stock_movement(
    db: Session, given: StockMovementIn, *, by: Caller, at: datetime
) -> tuple[list[PartMovement], bool]:
    """Record what the store did: one movement, for a transfer the one out and the one in; and whether it was known.

    Raises:
        IdReused: the id belongs to something else.
        NotFound: no such part or location.
    """
    said = fingerprint_of(given)
    ids = [given.id, uuid5(given.id, "in")] if given.kind == "transferred" else [given.id]
    if (earlier := queries.movement_of(db, by, given.id)) is not None:
        _same(earlier, None, said)
        return [found for one in ids if (found := queries.movement_of(db, by, one)) is not None], True
    part = queries.part_for(db, by, given.part_id)
    for named in filter(None, (given.location_id, given.to_location_id)):
        touch_van(db, queries.location_for(db, by, named))
    kinds = {
        "received": [MovementKind.RECEIVED],
        "counted": [MovementKind.COUNTED],
        "transferred": [MovementKind.TRANSFERRED_OUT, MovementKind.TRANSFERRED_IN],
    }[given.kind]
    places = [given.location_id, given.to_location_id]
    made = []
    for movement_id, kind, location_id in zip(ids, kinds, places, strict=False):
        values = values_of(
            part,
            organization_id=by.organization_id,
            id=movement_id,
            kind=kind,
            location_id=location_id,
            quantity=given.quantity,
            serials=given.serials,
            occurred_at=given.occurred_at,
            effective_at=min(given.occurred_at, at),
            recorded_at=at,
            body_hash=said,
        )
        made.append(add_movement(db, values, subject_id=None)[0])
    return made, False


def values_of(part: Part | None, **given: Any) -> dict[str, Any]:
    """The columns of a movement, with what the part costs at this moment."""
    values = {
        **given,
        "part_id": part.id if part else None,
        "part_number": part.number if part else given.get("part_number"),
        "delta": change_of(given["kind"], given["quantity"]),
        "unit_cost_minor": part.unit_cost_minor if part else None,
        "currency": part.currency if part else None,
    }
    for name in ("work_order_id", "visit_id", "technician_id"):
        values.setdefault(name, None)
    return values


#: The level after this movement; what happened before the last count is in the count already.
WENT_NEGATIVE = """
SELECT coalesce(counted.quantity, 0) + coalesce((
           SELECT sum(m.delta) FROM part_movements m
           WHERE m.organization_id = :level_o AND m.location_id = :level_l AND m.part_id = :level_p
                 AND m.kind <> 'counted' AND (counted.at IS NULL OR m.effective_at > counted.at)), 0)
       + CASE WHEN counted.at IS NULL OR :level_at > counted.at THEN :level_delta ELSE 0 END < 0
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (
    SELECT quantity, effective_at AS at FROM part_movements
    WHERE organization_id = :level_o AND location_id = :level_l AND part_id = :level_p AND kind = 'counted'
    ORDER BY effective_at DESC, id DESC LIMIT 1
) AS counted ON true
"""


def add_movement(db: Session, values: dict[str, Any], *, subject_id: UUID | None) -> tuple[PartMovement, bool]:
    """Add the row, judging the level in the same statement; a twin that was faster wins, and is the answer."""
    takes_from_stock = values["delta"] < 0 and values["part_id"] and values["location_id"]
    went_negative: Any = False
    if takes_from_stock:
        went_negative = (
            sa.text(WENT_NEGATIVE)
            .bindparams(
                sa.bindparam("level_o", values["organization_id"], sa.Uuid),
                sa.bindparam("level_l", values["location_id"], sa.Uuid),
                sa.bindparam("level_p", values["part_id"], sa.Uuid),
                sa.bindparam("level_at", values["effective_at"], sa.DateTime(timezone=True)),
                sa.bindparam("level_delta", values["delta"], sa.Numeric),
            )
            .columns(sa.column("went_negative", sa.Boolean))
            .scalar_subquery()
        )
    adding = (
        insert(PartMovement)
        .values(**values, went_negative=went_negative)
        .on_conflict_do_nothing()
        .returning(PartMovement)
    )
    made = db.scalars(adding).one_or_none()
    if made is not None:
        return made, False
    earlier = db.get_one(PartMovement, (values["organization_id"], values["id"]))
    return _same(earlier, subject_id, values["body_hash"]), True


def _same(earlier: PartMovement, visit_id: UUID | None, said: bytes) -> PartMovement:
    if (earlier.visit_id, earlier.body_hash) != (visit_id, said):
        raise IdReused("This id came earlier with something else.", id=str(earlier.id))
    return earlier


def create_part(db: Session, given: PartIn, *, by: Caller) -> Part:
    """
    Raises:
        PartNumberTaken: the catalog has a part of that number.
    """
    values = {"organization_id": by.organization_id, "id": uuid7(), **given.model_dump()}
    made = db.scalars(insert(Part).values(values).on_conflict_do_nothing().returning(Part)).one_or_none()
    if made is None:
        raise PartNumberTaken("The catalog has a part of that number already.", number=given.number)
    touch(db, by.organization_id, Kind.CATALOG, by.organization_id)
    return made


def change_part(db: Session, part: Part, given: PartPatch) -> Part:
    """What was used keeps the cost of its day; the new one holds from now on."""
    for name, value in changes(given).items():
        setattr(part, name, value)
    db.add(part)
    touch(db, part.organization_id, Kind.CATALOG, part.organization_id)
    touch(db, part.organization_id, Kind.STOCK, *queries.technicians_with(db, part))
    return part


def create_location(db: Session, given: StockLocationIn, *, by: Caller) -> StockLocation:
    """
    Raises:
        VanTaken: the technician has a van already.
        NotFound: there is no such technician.
    """
    if given.technician_id is not None:
        queries.check_technician(db, by, given.technician_id)
    values = {"organization_id": by.organization_id, "id": uuid7(), **given.model_dump()}
    made = db.scalars(
        insert(StockLocation).values(values).on_conflict_do_nothing().returning(StockLocation)
    ).one_or_none()
    if made is None:
        raise VanTaken("The technician has a van already.", technician_id=str(given.technician_id))
    return made
