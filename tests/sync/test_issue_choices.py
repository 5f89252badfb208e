"""What operations put on the board "field reality against plan": each choice that an issue offers can be made."""

from collections.abc import Callable
from typing import Any

import pytest

from app.identity.models import Organization
from app.kit.runtime import Runtime
from app.parts.models import Part
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.stories import V, bring, cancel, give_to, holding, issue, technician_id

Trouble = Callable[[Scene, Phone, Somebody], dict[str, Any]]


def reassigned_to(status: V, type_: str, **args: Any) -> Trouble:
    """It was given to the other, who brought it into this status; then the first one reports."""

    def happen(scene: Scene, phone: Phone, other: Somebody) -> dict[str, Any]:
        visit = scene.dispatched(phone.who)
        give_to(scene, visit["id"], other)
        bring(scene, visit["id"], other, status)
        phone.do(type_, visit["id"], **args)
        return visit

    return happen


def on_site(type_: str, **args: Any) -> Trouble:
    def happen(scene: Scene, phone: Phone, other: Somebody) -> dict[str, Any]:
        visit = scene.dispatched(phone.who)
        phone.do(type_, visit["id"], **args)
        return visit

    return happen


def called_off(scene: Scene, phone: Phone, other: Somebody) -> dict[str, Any]:
    visit = scene.dispatched(phone.who)
    cancel(scene, visit["id"])
    phone.do("visit.end_incomplete", visit["id"], reason="skill")
    return visit


#: Owner and code → how it comes about, and what is offered.
TROUBLES: dict[tuple[str, str], tuple[Trouble, list[str]]] = {
    ("dispatcher", "double_work"): (reassigned_to(V.IN_PROGRESS, "visit.complete"), ["ok", "bill", "waive"]),
    ("dispatcher", "completed_after_reassign"): (reassigned_to(V.ACCEPTED, "visit.complete"), ["ok"]),
    ("dispatcher", "already_done_by_other"): (
        reassigned_to(V.INCOMPLETE, "visit.end_incomplete", reason="skill"),
        ["attach", "new_visit", "discard"],
    ),
    ("dispatcher", "job_cancelled"): (called_off, ["attach", "new_visit", "discard"]),
    ("dispatcher", "completion_rejected"): (on_site("visit.complete", resolution=1), ["ok"]),
    ("stores", "stock_negative"): (on_site("part.use", part="P-1", qty=1), ["done", "dismiss"]),
    ("stores", "unknown_part"): (on_site("part.use", part="X", qty=1), ["done", "dismiss"]),
}


@pytest.fixture
def _pump(runtime: Runtime, organization: Organization) -> None:
    with runtime.transaction(organization.id) as db:
        db.add(Part(organization_id=organization.id, number="P-1", name="Pump"))


@pytest.mark.usefixtures("_pump")
@pytest.mark.parametrize(("owner", "code"), TROUBLES)
def test_each_choice_can_be_made(scene: Scene, ana: Somebody, ben: Somebody, owner: str, code: str) -> None:
    (phone,) = holding(scene, ana)
    happen, offered = TROUBLES[owner, code]
    for choice in offered:
        visit = happen(scene, phone, ben)
        shown = issue(scene, code, owner)
        assert shown["choices"] == offered
        more: dict[str, Any] = {"reason": "as agreed"}
        if choice == "attach":
            more["visit_id"] = another(scene, visit, ana)
        if choice == "new_visit":
            times = {name: scene.at.replace(hour=h).isoformat() for name, h in
                     (("scheduled_start", 8), ("scheduled_end", 9))}  # fmt: skip
            more["visit"] = {"technician_id": technician_id(ana), "force_reason": "again", **times}

        resolved = scene.post(f"/v1/issues/{shown['id']}/resolution", {"choice": choice, **more})

        assert (resolved["state"], resolved["choice"], resolved["resolved_by_name"]) == ("resolved", choice, "Dana")
        visits = scene.get("/v1/visits", work_order_id=visit["work_order_id"])["items"]
        if choice == "attach":
            assert (visits[0]["status"], visits[0]["incomplete_reason"]) == ("incomplete", "skill")
        assert len(visits) == (2 if choice in ("attach", "new_visit") else 1)


def another(scene: Scene, visit: dict[str, Any], who: Somebody) -> str:
    """A second trip of the same work order, under way."""
    second = scene.schedule(scene.order(visit["work_order_id"]), who)
    bring(scene, second["id"], who, V.IN_PROGRESS)
    return str(second["id"])
