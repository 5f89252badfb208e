"""Ninety days of work orders: the past as it may go, then the present as it stands."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from app.customers.models import Asset
from app.demo.cast import CURRENCY
from app.demo.catalog import Kind
from app.demo.lives import DAY, Life, any_life
from app.demo.places import Place
from app.demo.present import PRESENT
from app.demo.story import ZONE, NotYet, Stage, Story
from app.domain.ledger import EventType
from app.domain.roles import Role
from app.work_orders.ledger import Actor
from app.work_orders.models import ActorKind

WORK_ORDERS, DAYS = 400, 90
FIRST_NUMBER = 20_001
#: An asset that was worked on is left alone that long, or its next job would count as a callback.
REST = timedelta(days=32)
KINDS = {
    "heating_repair": 34,
    "boiler_service": 22,
    "emergency": 12,
    "thermostat": 12,
    "ventilation_check": 14,
    "heat_pump_installation": 6,
}
TITLES = {
    "heating_repair": ("Boiler is cold", "Boiler shows error F28", "Radiators stay cold", "Loud noise from the boiler"),
    "boiler_service": ("Yearly boiler service",),
    "emergency": ("No heat, small children", "Water under the boiler", "Smell of gas reported and cleared"),
    "thermostat": ("Thermostat does not respond", "Replace old thermostats"),
    "ventilation_check": ("Ventilation check and filters",),
    "heat_pump_installation": ("Install heat pump and buffer tank",),
}
CLASSES = {"boiler_service": "preventive", "ventilation_check": "preventive", "heat_pump_installation": "installation"}
PRIORITIES = {"emergency": 1, "heating_repair": 2, "boiler_service": 4, "ventilation_check": 4}
CHANNELS = ("phone", "phone", "web", "email", "portal")


def tell(stage: Stage, places: Sequence[Place]) -> list[Story]:
    """All work orders, in the order in which they were asked for; their numbers follow it."""
    present = list(_present(stage))
    past = WORK_ORDERS - len(present)
    asked = sorted([*_past(stage, past), *present], key=lambda one: one[0])
    stories: list[Story] = []
    for requested_at, key, life in asked:
        story = _begin(stage, places, key, requested_at, number=FIRST_NUMBER + len(stories))
        with suppress(NotYet):
            life(story)
        stories.append(story)
    _call_back(stories)
    return stories


def _past(stage: Stage, count: int) -> Iterator[tuple[datetime, str, Life]]:
    chance = stage.chance
    for position in range(count):
        day = stage.now - DAYS * DAY + (DAYS - 4) * DAY * (position + chance.random()) / count
        local = day.astimezone(ZONE)
        if local.isoweekday() > 5 and chance.happens(80):
            local -= 2 * DAY
        asked_at = local.replace(hour=chance.randint(7, 18), minute=chance.randint(0, 59), second=0, microsecond=0)
        key = chance.choices(list(KINDS), list(KINDS.values()))[0]
        yield max(asked_at.astimezone(stage.now.tzinfo), stage.now - DAYS * DAY), key, any_life(chance)


def _present(stage: Stage) -> Iterator[tuple[datetime, str, Life]]:
    for life, count, key, (latest, earliest) in PRESENT.values():
        for _ in range(count):
            minutes = stage.chance.randint(latest * 60, earliest * 60)
            yield stage.now - timedelta(minutes=minutes), key, life


def _begin(stage: Stage, places: Sequence[Place], key: str, requested_at: datetime, *, number: int) -> Story:
    kind = stage.catalog.kinds[key]
    place, asset = _somewhere(stage, places, key, requested_at)
    sla = kind.version.sla
    due = {name: sla.get(f"{name}_minutes") for name in ("resolution", "response")}
    times = {name: requested_at + timedelta(minutes=minutes) if minutes else None for name, minutes in due.items()}
    channel = stage.chance.choice(CHANNELS)
    row = {
        "organization_id": stage.cast.organization_id,
        "id": stage.chance.id(requested_at),
        "number": f"WO-{number}",
        "customer_id": place.site.customer_id,
        "site_id": place.site.id,
        "asset_id": asset.id,
        "contact_id": place.contact.id,
        "title": stage.chance.choice(TITLES[key]),
        "work_class": CLASSES.get(key, "corrective"),
        "priority": PRIORITIES.get(key, 3),
        "channel": channel,
        "problem_code": "no-heat" if key in ("emergency", "heating_repair") else None,
        "territory": place.site.territory,
        "time_zone": place.site.time_zone,
        "currency": CURRENCY,
        "due_at": times["resolution"],
        "response_due_at": times["response"],
        "recorded_at": requested_at,
        "requested_at": requested_at,
        **_from_kind(kind),
    }
    story = Story(stage, kind, place, asset, row)
    story.happen(EventType.CREATED, requested_at, _asker(stage, place, channel), channel=channel)
    return story


def _from_kind(kind: Kind) -> dict[str, object]:
    version = kind.version
    return {
        "work_type_id": kind.id,
        "work_type_version": version.version,
        "type": kind.key,
        "estimated_minutes": version.estimated_minutes,
        "counts_ftf": version.counts_ftf,
        "planned_trips": version.planned_trips,
        "overhead_minor": version.overhead_minor,
        "sla_pause_reasons": list(version.sla.get("pause_reasons", [])),
    }


def _asker(stage: Stage, place: Place, channel: str) -> Actor:
    if channel == "portal":
        return Actor(kind=ActorKind.CUSTOMER, id=place.contact.id)
    return stage.somebody(Role.DISPATCHER)


def _somewhere(stage: Stage, places: Sequence[Place], key: str, at: datetime) -> tuple[Place, Asset]:
    """An asset that takes this kind of work and was left alone for long, or the one that was left alone longest."""
    candidates = [(place, asset) for place in places for asset in place.assets.get(key, ())]
    stage.chance.shuffle(candidates)
    never = stage.now - 10_000 * DAY

    def rested(found: tuple[Place, Asset]) -> datetime:
        return found[0].served_at.get(found[1].id, never)

    place, asset = next((one for one in candidates if at - rested(one) > REST), min(candidates, key=rested))
    place.served_at[asset.id] = at
    return place, asset


def _call_back(stories: Sequence[Story]) -> None:
    """A few are callbacks of what was closed on the same asset; work on an asset that is none says so."""
    last: dict[UUID, Story] = {}
    found = 0
    for story in stories:
        earlier = last.get(story.asset.id)
        corrective = story.kind.key in ("heating_repair", "emergency")
        if earlier is not None and corrective and found < 8 and earlier.kind.key in ("heating_repair", "emergency"):
            story.row["callback_of"] = earlier.id
            found += 1
        elif earlier is not None:
            story.row["unrelated"] = True
        last[story.asset.id] = story
