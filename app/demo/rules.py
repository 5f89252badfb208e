"""What Nordlicht wants proven from today on: a closure policy for urgent repairs, and the form that it shares."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from app.demo.catalog import CHECKLIST, CODED, PARTS_SAID, PHOTO, SIGNED, Catalog
from app.demo.chance import Chance
from app.work_orders.models import ClosurePolicyRecord, ClosurePolicyVersion, Form, FormVersion
from app.work_orders.well_formed import check_proofs

KEY, FORM, PRIORITY = "urgent_heating", "gas_safety", 1
ITEMS: list[dict[str, Any]] = [
    {
        "id": "leak_spray",
        "label": {"en": "No bubbles with leak spray", "de": "Keine Blasen mit Lecksuchspray"},
        "kind": "yes_no",
        "required": True,
        "pass": True,
        "on_fail": {"create_work_order": {"title": "Gas connection leaks", "work_type": "emergency", "priority": 1}},
    },
    {
        "id": "ventilated",
        "label": {"en": "The room is ventilated", "de": "Der Raum ist belüftet"},
        "kind": "choice",
        "required": True,
        "choices": ["yes", "by_us", "no"],
    },
]
RULES: dict[str, Any] = {
    "id": KEY,
    "version": 1,
    "rules": [
        CHECKLIST,
        {"id": "gas-safety", "kind": "checklist", "params": {"form": FORM}},
        {"id": "near", "kind": "geo_presence", "params": {"radius_m": 300}},
        PHOTO,
        SIGNED,
        CODED,
        PARTS_SAID,
    ],
    "report": {"send": True},
}


def make_rules(chance: Chance, organization_id: UUID, catalog: Catalog, *, at: datetime) -> list[SQLModel]:
    """In force from `at` on: visits that were dispatched before are held to what their work type says."""
    check_proofs(policies={"policy": RULES}, checklists={"items": ITEMS}, forms={FORM})
    form = Form(organization_id=organization_id, id=chance.id(at), key=FORM)
    policy = ClosurePolicyRecord(
        organization_id=organization_id,
        id=chance.id(at),
        key=KEY,
        name="Urgent heating repairs",
        work_type_id=catalog.kinds["heating_repair"].id,
        priority=PRIORITY,
        created_at=at,
    )
    return [
        form,
        FormVersion(
            organization_id=organization_id,
            id=chance.id(at),
            form_id=form.id,
            version=1,
            title="Gas safety",
            items=ITEMS,
            created_at=at,
        ),
        policy,
        ClosurePolicyVersion(
            organization_id=organization_id,
            id=chance.id(at),
            policy_id=policy.id,
            version=1,
            policy=RULES,
            created_at=at,
        ),
    ]
