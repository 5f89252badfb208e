"""What dispatchers do all day, as requests: by chance, on what there is. Much of it is refused, as in life."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.kit.database import utc_iso
from tests.sim.inside import Ask
from tests.sim.world import World, asking

Act = Callable[[World, dict[str, str]], Ask | None]
PLANNED = "status IN ('scheduled', 'dispatched', 'accepted')"
OPEN = "status IN ('scheduled', 'dispatched', 'accepted', 'en_route', 'on_site', 'in_progress', 'paused')"


def a_request(world: World) -> Ask | None:
    """What one of the dispatchers does next; None when there is nothing to do it on."""
    act = world.chance.choices(list(ACTS), weights=list(ACTS.values()))[0]
    return act(world, world.chance.choice(world.offices))


def acts(world: World) -> None:
    request = a_request(world)
    if request is not None:
        reply = world.heard(world.server.ask(request), request.path)
        world.count(f"office {'ok' if reply.status < 300 else 'refused'}")


def brings_work(world: World) -> None:
    """A work order is asked for, approved, planned and, mostly, sent out."""
    who = world.chance.choice(world.offices)
    body = {
        "title": f"Work {world.counts.get('work orders', 0)}",
        "description": "It drips " * world.chance.randrange(20),
        "work_type_id": _one(world, "work_types"),
        "customer_id": _one(world, "customers"),
        "site_id": _one(world, "sites"),
        "asset_id": _one(world, "assets"),
        "contact_id": _one(world, "contacts") if world.maybe(0.9) else None,
    }
    order = world.need(who, "POST", "/v1/work-orders", body)
    world.count("work orders")
    world.need(who, "POST", f"/v1/work-orders/{order['id']}/approval", **_match(order["version"]))
    visit = world.need(who, "POST", f"/v1/work-orders/{order['id']}/visits", _plan(world))
    if world.maybe(0.8):
        world.need(who, "POST", f"/v1/visits/{visit['id']}/dispatch", **_match(visit["version"]))


def _plan(world: World) -> dict[str, Any]:
    start = world.now + timedelta(minutes=world.chance.randrange(30, 3000))
    lead, *others = world.chance.sample(world.technicians, 3)
    return {
        "technician_id": str(lead),
        "scheduled_start": utc_iso(start),
        "scheduled_end": utc_iso(start + timedelta(hours=2)),
        "crew": [str(one) for one in others] if world.maybe(0.3) else [],
        "force_reason": "the simulation says so",
    }


def _one(world: World, kind: str) -> str:
    return str(world.chance.choice(world.places[kind]))


def _match(version: Any) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


def _visit(world: World, where: str) -> dict[str, Any] | None:
    return world.some(
        f"SELECT id, version, technician_id FROM visits WHERE organization_id = %(o)s AND {where} "
        "ORDER BY (SELECT number FROM work_orders w WHERE w.organization_id = visits.organization_id "
        "AND w.id = work_order_id), number"
    )


def _on_visit(noun: str, where: str, body: Callable[[World, dict[str, Any]], Any] = lambda world, visit: None) -> Act:
    def act(world: World, who: dict[str, str]) -> Ask | None:
        visit = _visit(world, where)
        if visit is None:
            return None
        version = visit["version"] - (1 if world.maybe(0.05) else 0)
        return asking(who, "POST", f"/v1/visits/{visit['id']}/{noun}", body(world, visit), **_match(version))

    return act


def _reassigned(world: World, visit: dict[str, Any]) -> dict[str, Any]:
    others = [one for one in world.technicians if one != visit["technician_id"]]
    return {"technician_id": str(world.chance.choice(others)), "reason_code": "closer", "force_reason": "closer"}


def _rescheduled(world: World, visit: dict[str, Any]) -> dict[str, Any]:
    times = _plan(world)
    kept = {name: times[name] for name in ("scheduled_start", "scheduled_end", "force_reason")}
    return {**kept, "reason_code": "customer_asked", "requested_by": "customer"}


def _drop_crew(world: World, who: dict[str, str]) -> Ask | None:
    member = world.some(
        "SELECT m.visit_id, m.technician_id, v.version FROM visit_members m "
        "JOIN visits v ON v.organization_id = m.organization_id AND v.id = m.visit_id "
        "WHERE m.organization_id = %(o)s AND m.left_at IS NULL ORDER BY m.joined_at, m.technician_id"
    )
    if member is None:
        return None
    path = f"/v1/visits/{member['visit_id']}/crew/{member['technician_id']}"
    return asking(who, "DELETE", path, **_match(member["version"]))


def _order(world: World, where: str) -> dict[str, Any] | None:
    return world.some(
        f"SELECT id, version FROM work_orders WHERE organization_id = %(o)s AND {where} ORDER BY length(number), number"
    )


def _on_order(noun: str, where: str, body: Any, *, boss: bool = False) -> Act:
    def act(world: World, who: dict[str, str]) -> Ask | None:
        order = _order(world, where)
        if order is None:
            return None
        path = f"/v1/work-orders/{order['id']}/{noun}"
        return asking(world.boss if boss else who, "POST", path, body, **_match(order["version"]))

    return act


def _edit_order(world: World, who: dict[str, str]) -> Ask | None:
    order = _order(world, "status NOT IN ('closed', 'canceled')")
    if order is None:
        return None
    body: dict[str, Any] = {"description": f"It drips, said at {world.now}", "priority": world.chance.randint(1, 5)}
    if world.maybe(0.3):
        body["contact_id"] = _one(world, "contacts")
    return asking(who, "PATCH", f"/v1/work-orders/{order['id']}", body, **_match(order["version"]))


def _edit(kind: str, body: Callable[[World], dict[str, Any]]) -> Act:
    """Something that is embedded in many jobs says something else."""

    def act(world: World, who: dict[str, str]) -> Ask | None:
        id_ = world.chance.choice(world.places[kind])
        version = world.sql(f"SELECT version FROM {kind} WHERE organization_id = %(o)s AND id = %(i)s", i=id_)
        return asking(who, "PATCH", f"/v1/{kind}/{id_}", body(world), **_match(version[0]["version"]))

    return act


def _stock(world: World, who: dict[str, str]) -> Ask:
    body: dict[str, Any] = {
        "id": str(UUID(int=world.chance.getrandbits(128))),
        "part_id": _one(world, "parts"),
        "quantity": world.chance.randint(1, 9),
        "occurred_at": utc_iso(world.now),
    }
    kind = world.chance.choice(("received", "transferred", "counted"))
    body |= {"kind": kind, "location_id": _one(world, "depots" if kind == "transferred" else "vans")}
    if kind == "transferred":
        body["to_location_id"] = _one(world, "vans")
    return asking(who, "POST", "/v1/stock/movements", body)


def _catalog(world: World, who: dict[str, str]) -> Ask:
    number = f"NEW-{world.chance.randrange(10**9)}"
    return asking(who, "POST", "/v1/parts", {"number": number, "name": "A new part"})


def _note(world: World, who: dict[str, str]) -> Ask | None:
    visit = _visit(world, "true")
    if visit is None:
        return None
    body = {
        "id": str(UUID(int=world.chance.getrandbits(128))),
        "occurred_at": utc_iso(world.now),
        "text": "said the office",
        "internal": world.maybe(0.3),
    }
    return asking(who, "POST", f"/v1/visits/{visit['id']}/notes", body)


def _resolve(world: World, who: dict[str, str]) -> Ask | None:
    issue = world.some(
        "SELECT id, choices FROM issues WHERE organization_id = %(o)s AND state = 'open' AND owner <> 'technician' "
        "ORDER BY recorded_at, code, op_id, owner"
    )
    if issue is None or not issue["choices"]:
        return None
    body: dict[str, Any] = {"choice": world.chance.choice(issue["choices"]), "reason": "so it was"}
    if body["choice"] == "new_visit":
        body["visit"] = _plan(world)
    return asking(who, "POST", f"/v1/issues/{issue['id']}/resolution", body)


CANCELED = {"cause": "customer", "reason": "not at home"}
#: How often each is done, beside the others.
ACTS: dict[Act, int] = {
    _on_visit("dispatch", "status = 'scheduled'"): 12,
    _on_visit("reassignment", PLANNED, _reassigned): 12,
    _on_visit("reschedule", PLANNED, _rescheduled): 7,
    _on_visit("cancellation", OPEN, lambda world, visit: CANCELED): 4,
    _on_visit("no-show", PLANNED): 1,
    _on_visit("crew", OPEN, lambda world, _: {"technician_id": str(world.chance.choice(world.technicians))}): 6,
    _drop_crew: 3,
    _on_order("hold", "status IN ('approved', 'scheduled')", {"hold_reason": "parts"}): 1,
    _on_order("release", "status = 'on_hold'", None): 3,
    _on_order("cancellation", "status NOT IN ('closed', 'canceled')", CANCELED): 2,
    _on_order("close", "status = 'completed'", {"reason": "looked at"}, boss=True): 4,
    _on_order("reopening", "status IN ('completed', 'closed')", {"reason": "it drips again"}): 2,
    _edit_order: 5,
    _edit("sites", lambda world: {"access_notes": f"Ring {world.chance.randrange(99)} times"}): 7,
    _edit("contacts", lambda world: {"name": f"Contact {world.chance.randrange(99)}"}): 5,
    _edit("assets", lambda world: {"serial": f"SN{world.chance.randrange(999)}"}): 5,
    _stock: 6,
    _catalog: 1,
    _note: 3,
    _resolve: 6,
}
