"""What was used: parts, where they lie, and each movement of them."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.kit.database import Table, belongs_to, index, one_of, time_field


class LocationKind(StrEnum):
    VAN = "van"
    DEPOT = "depot"


class MovementKind(StrEnum):
    RECEIVED = "received"
    USED = "used"
    RETURNED = "returned"
    TRANSFERRED_IN = "transferred_in"
    TRANSFERRED_OUT = "transferred_out"
    COUNTED = "counted"


class Part(Table, table=True):
    __tablename__ = "parts"
    __table_args__ = (index("number", unique=True, name="uq_parts_number"),)

    number: str
    name: str
    unit_cost_minor: int | None = Field(default=None, sa_type=sa.BigInteger)
    currency: str | None = None
    serialized: bool = False


class StockLocation(Table, table=True):
    """A depot, or the van of one technician."""

    __tablename__ = "stock_locations"
    __table_args__ = (
        belongs_to("technicians", "technician_id"),
        one_of(LocationKind, "kind"),
        index(
            "technician_id",
            unique=True,
            where="technician_id IS NOT NULL",
            name="uq_stock_locations_technician_id",
        ),
    )

    name: str
    kind: LocationKind = Field(sa_type=sa.Text)
    technician_id: UUID | None = None


class PartMovement(Table, table=True):
    """One movement; rows are added, never changed. `delta` is what it did to the stock of its location."""

    __tablename__ = "part_movements"
    __table_args__ = (
        belongs_to("parts", "part_id"),
        belongs_to("stock_locations", "location_id"),
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        one_of(MovementKind, "kind"),
        sa.CheckConstraint("quantity > 0 OR kind = 'counted'", name="quantity"),
        index("work_order_id", name="ix_part_movements_work_order_id"),
        index("location_id", "part_id", name="ix_part_movements_location_id_part_id"),
        index("kind", "effective_at", name="ix_part_movements_kind_effective_at"),
    )

    kind: MovementKind = Field(sa_type=sa.Text)
    part_id: UUID | None = None
    part_number: str
    location_id: UUID | None = None
    work_order_id: UUID | None = None
    visit_id: UUID | None = None
    technician_id: UUID | None = None
    quantity: Decimal = Field(sa_type=sa.Numeric)
    delta: Decimal = Field(sa_type=sa.Numeric)
    serials: list[str] = Field(default_factory=list, sa_type=ARRAY(sa.Text), nullable=False)
    unit_cost_minor: int | None = Field(default=None, sa_type=sa.BigInteger)
    """What the part cost on that day; null when nobody knew."""
    currency: str | None = None
    went_negative: bool = False
    occurred_at: datetime = Field(sa_type=UtcDateTime)
    effective_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    external_ref: str | None = None
    body_hash: bytes | None = None


class RequestState(StrEnum):
    OPEN = "open"
    ORDERED = "ordered"
    FULFILLED = "fulfilled"
    CANCELED = "canceled"


class PartRequest(Table, table=True):
    """Parts that somebody in the field needs for a work order, and how far the store has come with them."""

    __tablename__ = "part_requests"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        belongs_to("visits", "visit_id"),
        belongs_to("technicians", "technician_id"),
        belongs_to("parts", "part_id"),
        one_of(RequestState, "state"),
        sa.CheckConstraint("quantity > 0", name="quantity"),
        index("state", "id", name="ix_part_requests_state_id"),
        index("work_order_id", name="ix_part_requests_work_order_id"),
    )

    version: int = 1
    work_order_id: UUID
    visit_id: UUID | None = None
    technician_id: UUID | None = None
    part_id: UUID | None = None
    """None when the number is not in the catalog."""
    part_number: str
    quantity: Decimal = Field(sa_type=sa.Numeric)
    note: str = ""
    state: RequestState = Field(default=RequestState.OPEN, sa_type=sa.Text)
    effective_at: datetime = Field(sa_type=UtcDateTime)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    changed_by: UUID | None = None
    changed_at: datetime | None = time_field()
