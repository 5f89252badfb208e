"""Shapes of the routes of parts and stock."""

from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, PlainSerializer, model_validator

from app.identity.access import Caller
from app.kit.schemas import Currency, In, Line, Minor, Out, Quantity, SafeText, Time, UtcTime
from app.parts.models import LocationKind, MovementKind, Part, PartMovement, RequestState
from app.visits.schemas import Reported

#: Exact: a quantity has four decimals and ten digits at most, which a JSON number keeps.
QuantityOut = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
Serials = Annotated[list[Line], Field(max_length=200)]
PartNumber = Annotated[Line, Field(max_length=64)]


class VisitPartIn(Reported):
    """Parts used on a visit, or unused ones put back: one part, by its number or by its id.

    Without `location_id` the technician's own van is meant.
    """

    kind: Literal[MovementKind.USED, MovementKind.RETURNED] = MovementKind.USED
    part_number: Line | None = None
    part_id: UUID | None = None
    quantity: Quantity
    serials: Serials = Field(default_factory=list)
    location_id: UUID | None = None

    @model_validator(mode="after")
    def _one_part_and_as_many_serials(self) -> Self:
        if (self.part_number is None) is (self.part_id is None):
            raise ValueError("name the part either by part_number or by part_id")
        if self.serials and len(self.serials) != self.quantity:
            raise ValueError("there must be as many serials as parts")
        return self


class MoneyOut(Out):
    amount_minor: int
    currency: str

    @classmethod
    def shown(cls, amount_minor: int | None, currency: str | None, caller: Caller) -> Self | None:
        """What the caller may see of a cost."""
        if amount_minor is None or currency is None or not caller.sees_costs:
            return None
        return cls(amount_minor=amount_minor, currency=currency)


class PartMovementOut(Out):
    """One movement of a part.

    `part_id` is null when the number is not in the catalog. `unit_cost` is what one part cost on that day: null when
    nobody knew, or when the caller may not see costs. `went_negative`: by what we knew, there was less than that.
    """

    id: UUID
    work_order_id: UUID | None
    visit_id: UUID | None
    technician_id: UUID | None
    kind: MovementKind
    part_id: UUID | None
    part_number: str
    quantity: QuantityOut
    serials: list[str]
    location_id: UUID | None
    unit_cost: MoneyOut | None
    went_negative: bool
    occurred_at: UtcTime
    effective_at: UtcTime
    recorded_at: UtcTime

    @classmethod
    def of(cls, movement: PartMovement, caller: Caller) -> Self:
        cost = MoneyOut.shown(movement.unit_cost_minor, movement.currency, caller)
        same = {name: getattr(movement, name) for name in cls.model_fields if name != "unit_cost"}
        return cls(unit_cost=cost, **same)


class PartMovementsOut(Out):
    items: list[PartMovementOut]


class PartIn(In):
    """A part of the catalog; `unit_cost_minor` is what one costs now."""

    number: PartNumber
    name: Line
    unit_cost_minor: Minor | None = None
    currency: Currency | None = None
    serialized: bool = False

    @model_validator(mode="after")
    def _a_cost_has_a_currency(self) -> Self:
        if (self.unit_cost_minor is None) is not (self.currency is None):
            raise ValueError("a cost and its currency come together")
        return self


class PartPatch(In):
    """What to change; a new cost holds from now on, what was used keeps the cost of its day."""

    name: Line | None = None
    unit_cost_minor: Minor | None = None
    currency: Currency | None = None
    serialized: bool | None = None

    @model_validator(mode="after")
    def _only_a_cost_may_be_unknown(self) -> Self:
        if ("unit_cost_minor" in self.model_fields_set) is not ("currency" in self.model_fields_set):
            raise ValueError("a cost and its currency come together")
        if (self.unit_cost_minor is None) is not (self.currency is None):
            raise ValueError("a cost and its currency come together")
        if any(getattr(self, name) is None for name in self.model_fields_set & {"name", "serialized"}):
            raise ValueError("only a cost may be null")
        return self


class PartOut(Out):
    """A part of the catalog; `unit_cost` is null when unknown, or when the caller may not see costs."""

    id: UUID
    number: str
    name: str
    unit_cost: MoneyOut | None
    serialized: bool

    @classmethod
    def of(cls, part: Part, caller: Caller) -> Self:
        return cls(
            id=part.id,
            number=part.number,
            name=part.name,
            unit_cost=MoneyOut.shown(part.unit_cost_minor, part.currency, caller),
            serialized=part.serialized,
        )


class StockLocationIn(In):
    """A depot, or the van of one technician."""

    name: Line
    kind: LocationKind = LocationKind.DEPOT
    technician_id: UUID | None = None

    @model_validator(mode="after")
    def _a_van_has_a_technician(self) -> Self:
        if (self.kind is LocationKind.VAN) is (self.technician_id is None):
            raise ValueError("a van belongs to a technician, a depot to nobody")
        return self


class StockLocationOut(Out):
    id: UUID
    name: str
    kind: LocationKind
    technician_id: UUID | None


class StockLocationsOut(Out):
    items: list[StockLocationOut]


class StockMovementIn(In):
    """What the store did. `counted` says how many there are, maybe none; `transferred` needs `to_location_id`."""

    id: UUID
    kind: Literal["received", "transferred", "counted"]
    part_id: UUID
    quantity: Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=12, decimal_places=4, allow_inf_nan=False)]
    location_id: UUID
    to_location_id: UUID | None = None
    serials: Serials = Field(default_factory=list)
    occurred_at: Time

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind != "counted" and self.quantity == 0:
            raise ValueError("only a count may be of none")
        if (self.kind == "transferred") is (self.to_location_id is None):
            raise ValueError("to_location_id goes with a transfer, and only with one")
        if self.to_location_id == self.location_id:
            raise ValueError("a transfer goes to another location")
        return self


class StockLevelOut(Out):
    """How many of a part lie at a location, from the last count and all that moved since; it may be negative."""

    location_id: UUID
    part_id: UUID
    part_number: str
    part_name: str
    quantity: QuantityOut
    counted_at: UtcTime | None


class StockCountIn(In):
    """How many of a part were counted in the own van, maybe none."""

    id: UUID
    part_number: PartNumber
    quantity: Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=12, decimal_places=4, allow_inf_nan=False)]


class PartRequestIn(In):
    """Parts that are needed for a work order."""

    id: UUID
    part_number: PartNumber
    quantity: Quantity
    note: Annotated[SafeText, Field(max_length=2000)] = ""


class PartRequestPatch(In):
    state: RequestState


class PartRequestOut(Out):
    """Parts that the field asked for; `part_id` is null when the number is not in the catalog."""

    id: UUID
    version: int
    work_order_id: UUID
    visit_id: UUID | None
    technician_id: UUID | None
    part_id: UUID | None
    part_number: str
    quantity: QuantityOut
    note: str
    state: RequestState
    effective_at: UtcTime
    recorded_at: UtcTime
    changed_by: UUID | None
    changed_at: UtcTime | None
