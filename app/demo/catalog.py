"""What Nordlicht Service does and what it takes: kinds of work with their proofs, parts, vans and the depot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from app.demo.cast import CURRENCY, Worker
from app.demo.chance import Chance
from app.domain.stock import change_of
from app.parts.models import LocationKind, MovementKind, Part, PartMovement, StockLocation
from app.work_orders.models import WorkType, WorkTypeVersion
from app.work_orders.schemas import WorkTypeVersionIn
from app.work_orders.well_formed import check_proofs

#: Number, name, cost in cents.
PARTS: Sequence[tuple[str, str, int]] = (
    ("BRN-200", "Burner nozzle", 2490),
    ("CRC-010", "Circulation pump", 18900),
    ("EXP-018", "Expansion vessel 18 l", 5600),
    ("FLT-310", "Ventilation filter F7", 1850),
    ("FLT-320", "Water filter", 1290),
    ("GSK-004", "Gasket set", 640),
    ("HPU-800", "Heat pump outdoor unit 8 kW", 389_000),
    ("IGN-044", "Ignition electrode", 3150),
    ("PCB-450", "Control board", 23_800),
    ("RAD-022", "Radiator valve", 1720),
    ("SNS-007", "Flue gas sensor", 4480),
    ("THM-100", "Smart thermostat", 6900),
    ("TNK-300", "Buffer tank 300 l", 74_500),
    ("VAL-033", "Gas valve", 15_600),
)
#: Too big for a van: they are used from the depot.
BIG = frozenset({"HPU-800", "TNK-300"})

CODES = ["replaced-part", "repaired", "adjusted", "cleaned", "no-fault-found"]
CAUSES = ["wear", "calcification", "electrical", "installation-fault", "user-error"]
GAS_CHECK = [
    {"id": "gas_tight", "label": "Gas connection is tight", "kind": "yes_no", "required": True, "pass": True},
    {"id": "co_ppm", "label": "CO in flue gas (ppm)", "kind": "measurement", "required": True, "min": 0, "max": 100},
    {"id": "remarks", "label": "Remarks", "kind": "text"},
]
SERVICE_CHECK = [
    {"id": "cleaned", "label": "Heat exchanger cleaned", "kind": "yes_no", "required": True, "pass": True},
    {
        "id": "pressure_bar",
        "label": "System pressure (bar)",
        "kind": "measurement",
        "required": True,
        "min": 1,
        "max": 2.5,
    },
    {"id": "filter", "label": "Filter", "kind": "choice", "required": True, "choices": ["fine", "replaced"]},
]
PHOTO = {"id": "photo-after", "kind": "photo", "params": {"tag": "after", "min": 1}, "waivable_by": "technician"}
SIGNED = {
    "id": "customer-signs",
    "kind": "signature",
    "params": {"role": "customer", "name_required": True, "refusal_allowed": True},
}
CHECKLIST = {"id": "checklist", "kind": "checklist"}
CODED = {"id": "codes", "kind": "resolution_codes", "params": {"codes": CODES, "cause_codes": CAUSES}}
PARTS_SAID = {"id": "parts", "kind": "parts_declared"}
DAY = 24 * 60

WORK_TYPES: Mapping[str, dict[str, Any]] = {
    "heating_repair": {
        "name": "Heating repair",
        "estimated_minutes": 150,
        "skills": ["heating", "gas"],
        "planned_parts": [{"part_number": "IGN-044", "quantity": 1}, {"part_number": "GSK-004", "quantity": 1}],
        "checklist": GAS_CHECK,
        "closure_policy": {"id": "repair", "version": 1, "rules": [CHECKLIST, PHOTO, SIGNED, CODED, PARTS_SAID]},
        "sla": {"response_minutes": 8 * 60, "resolution_minutes": 4 * DAY, "pause_reasons": ["parts", "customer"]},
    },
    "emergency": {
        "name": "Emergency: no heat, leak",
        "estimated_minutes": 120,
        "skills": ["heating"],
        "checklist": GAS_CHECK[:1],
        "closure_policy": {"id": "emergency", "version": 1, "rules": [CHECKLIST, PHOTO, CODED]},
        "sla": {"response_minutes": 2 * 60, "resolution_minutes": 2 * DAY},
    },
    "boiler_service": {
        "name": "Yearly boiler service",
        "estimated_minutes": 105,
        "skills": ["heating", "gas"],
        "planned_parts": [{"part_number": "FLT-320", "quantity": 1}],
        "checklist": SERVICE_CHECK,
        "closure_policy": {"id": "service", "version": 1, "rules": [CHECKLIST, SIGNED]},
        "sla": {"resolution_minutes": 30 * DAY},
    },
    "heat_pump_installation": {
        "name": "Heat pump installation",
        "purpose": "installation",
        "estimated_minutes": 400,
        "skills": ["heating", "electrics", "heat-pump"],
        "planned_parts": [{"part_number": "HPU-800", "quantity": 1}, {"part_number": "TNK-300", "quantity": 1}],
        "checklist": [
            {"id": "flushed", "label": "System flushed", "kind": "yes_no", "required": True, "pass": True},
            {"id": "serial", "label": "Serial number of the unit", "kind": "text", "required": True},
        ],
        "closure_policy": {
            "id": "installation",
            "version": 1,
            "rules": [CHECKLIST, PHOTO, SIGNED],
            "review": {"always": True},
        },
        "sla": {"resolution_minutes": 30 * DAY},
        "overhead_minor": 12_000,
    },
    "ventilation_check": {
        "name": "Ventilation check",
        "estimated_minutes": 90,
        "skills": ["ventilation"],
        "planned_parts": [{"part_number": "FLT-310", "quantity": 2}],
        "checklist": [SERVICE_CHECK[2]],
        "closure_policy": {"id": "check", "version": 1, "rules": [CHECKLIST]},
        "sla": {"resolution_minutes": 14 * DAY},
    },
    "thermostat": {
        "name": "Thermostat replacement",
        "estimated_minutes": 60,
        "skills": ["heating"],
        "planned_parts": [{"part_number": "THM-100", "quantity": 1}],
        "sla": {"resolution_minutes": 7 * DAY},
    },
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work: its row, what its only version says, and its id."""

    id: UUID
    key: str
    version: WorkTypeVersion


@dataclass(frozen=True, slots=True)
class Catalog:
    """`vans` from technician to the id of their van; `rows` in the order in which they can be added."""

    kinds: Mapping[str, Kind]
    parts: Mapping[str, Part]
    depot_id: UUID
    vans: Mapping[UUID, UUID]
    rows: Sequence[SQLModel]


def make_catalog(chance: Chance, organization_id: UUID, workers: Sequence[Worker], *, at: datetime) -> Catalog:
    """Everything in its place at `at`: the depot full, the vans loaded an hour later."""
    kinds = {key: _kind(chance, organization_id, key, at) for key in WORK_TYPES}
    parts = {
        number: Part(
            organization_id=organization_id,
            id=chance.id(at),
            number=number,
            name=name,
            unit_cost_minor=cost,
            currency=CURRENCY,
        )
        for number, name, cost in PARTS
    }
    depot = StockLocation(organization_id=organization_id, id=chance.id(at), name="Depot", kind=LocationKind.DEPOT)
    vans = [
        StockLocation(
            organization_id=organization_id,
            id=chance.id(at),
            name=f"Van of {one.technician.name.split()[0]}",
            kind=LocationKind.VAN,
            technician_id=one.technician.id,
        )
        for one in workers
    ]

    def moved(part: Part, kind: MovementKind, place: StockLocation, quantity: int, when: datetime) -> PartMovement:
        amount = Decimal(quantity)
        return PartMovement(
            organization_id=organization_id,
            id=chance.id(when),
            kind=kind,
            part_id=part.id,
            part_number=part.number,
            location_id=place.id,
            quantity=amount,
            delta=change_of(kind, amount),
            unit_cost_minor=part.unit_cost_minor,
            currency=CURRENCY,
            occurred_at=when,
            effective_at=when,
            recorded_at=when,
        )

    loaded_at = at + timedelta(hours=1)
    movements = [moved(part, MovementKind.RECEIVED, depot, 400, at) for part in parts.values()]
    for part in parts.values():
        for van in vans if part.number not in BIG else ():
            loaded = 12 + chance.randrange(12)
            movements.append(moved(part, MovementKind.TRANSFERRED_OUT, depot, loaded, loaded_at))
            movements.append(moved(part, MovementKind.TRANSFERRED_IN, van, loaded, loaded_at))
    work_types = [
        WorkType(organization_id=organization_id, id=kind.id, key=kind.key, current_version=1)
        for kind in kinds.values()
    ]
    rows = [*work_types, *(kind.version for kind in kinds.values()), *parts.values(), depot, *vans, *movements]
    by_technician = {van.technician_id: van.id for van in vans if van.technician_id is not None}
    return Catalog(kinds, parts, depot.id, by_technician, rows)


def _kind(chance: Chance, organization_id: UUID, key: str, at: datetime) -> Kind:
    given = WorkTypeVersionIn.model_validate(WORK_TYPES[key])
    check_proofs(checklists={"checklist": given.checklist}, policies={"closure_policy": given.closure_policy})
    kind_id = chance.id(at)
    version = WorkTypeVersion(
        organization_id=organization_id,
        id=chance.id(at),
        work_type_id=kind_id,
        version=1,
        created_at=at,
        **given.model_dump(mode="json"),
    )
    return Kind(kind_id, key, version)
