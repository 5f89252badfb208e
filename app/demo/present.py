"""Where the youngest work orders stand now: one or more of every status, visits under way included."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from app.demo.lives import (
    BY_PHONE,
    MINUTE,
    Life,
    approve,
    canceled_on_the_way,
    declined,
    given_up,
    lost_trip,
    no_show,
    office,
    plan,
    reopened,
    work,
)
from app.demo.lives import go as go_there
from app.demo.proof import review, submit, use_parts
from app.demo.story import ZONE, Slot, Story, Trip
from app.domain.ledger import EventType
from app.domain.roles import Role
from app.visits.models import VisitMember


def new(story: Story) -> None:
    """Nobody has looked at it."""


def approved(story: Story) -> None:
    approve(story)


def called_out(story: Story, *, minutes_ago: int) -> Trip:
    """Somebody on call has just been sent, that long ago."""
    story.happen(EventType.APPROVED, story.row["requested_at"] + 5 * MINUTE, office(story))
    at = story.stage.now - minutes_ago * MINUTE
    workers = [one for one in story.stage.cast.workers if one.technician.name.split()[0] not in ("Ana", "Ben")]
    trip = story.schedule(story.stage.diary.take(story.stage.chance.choice(workers), at + 30 * MINUTE), at=at)
    story.happen(EventType.VISIT_DISPATCHED, at + MINUTE, office(story), trip, work_type_version=1)
    story.happen(EventType.VISIT_ACCEPTED, at + 3 * MINUTE, trip.crew, trip)
    story.happen(EventType.VISIT_DEPARTED, at + 6 * MINUTE, trip.crew, trip)
    return trip


def en_route(story: Story) -> None:
    called_out(story, minutes_ago=20)


def on_site(story: Story) -> None:
    trip = called_out(story, minutes_ago=45)
    story.happen(EventType.VISIT_ARRIVED, story.stage.now - 10 * MINUTE, trip.crew, trip)


def at_work(story: Story) -> Trip:
    trip = called_out(story, minutes_ago=90)
    story.happen(EventType.VISIT_ARRIVED, story.stage.now - 60 * MINUTE, trip.crew, trip)
    story.happen(EventType.VISIT_STARTED, story.stage.now - 55 * MINUTE, trip.crew, trip)
    return trip


def in_progress(story: Story) -> None:
    at_work(story)


def paused(story: Story) -> None:
    trip = at_work(story)
    story.happen(EventType.VISIT_PAUSED, story.stage.now - 15 * MINUTE, trip.crew, trip, reason="parts")


def with_a_helper(story: Story) -> None:
    """Two technicians on one visit."""
    trip = at_work(story)
    helper = next(one for one in story.stage.cast.workers if one is not trip.worker)
    at = story.stage.now - 30 * MINUTE
    who: dict[str, Any] = {"member_id": helper.technician.id}
    story.happen(EventType.MEMBER_JOINED, at, office(story), trip, **who)
    story.happen(EventType.MEMBER_ARRIVED, at + 20 * MINUTE, trip.crew, trip, **who)
    story.add(
        VisitMember(
            organization_id=story.organization_id,
            id=story.stage.chance.id(at),
            visit_id=trip.id,
            technician_id=helper.technician.id,
            status="on_site",
            joined_at=at,
        )
    )


def held(story: Story) -> None:
    at = approve(story) + story.stage.chance.minutes(10, 100)
    told: dict[str, Any] = {"hold_reason": "customer", "expected_until": story.stage.now + timedelta(days=4)}
    story.happen(EventType.HELD, at, office(story), **told)


def waits_for_parts(story: Story) -> None:
    trip = plan(story, approve(story))
    at = work(story, trip, go_there(story, trip), share=0.5)
    told: dict[str, Any] = {"reason": "parts", "hold_reason": "parts", "parts_needed": ["PCB-450"]}
    story.happen(EventType.VISIT_ENDED_INCOMPLETE, at, trip.crew, trip, **told)


def needs_another_trip(story: Story) -> None:
    plan(story, lost_trip(story, approve(story)))


def visit_declined(story: Story) -> None:
    declined(story, again=False)


def visit_missed(story: Story) -> None:
    no_show(story, again=False)


def visit_canceled(story: Story) -> None:
    canceled_on_the_way(story, again=False)


def reopened_lately(story: Story) -> None:
    reopened(story, again=False)


def photos_on_the_way(story: Story) -> None:
    """Completed; the photos are still on the phone."""
    trip = plan(story, approve(story))
    at = work(story, trip, go_there(story, trip))
    use_parts(story, trip, at)
    submit(story, trip, at, photos_on_device=True)


def sent_back(story: Story) -> None:
    """Completed; Sam wants a better photo."""
    trip = plan(story, approve(story))
    at = work(story, trip, go_there(story, trip))
    review(story, trip, submit(story, trip, at), at + 50 * MINUTE, approve=False)


def waits_for_review(story: Story) -> None:
    trip = plan(story, approve(story))
    at = work(story, trip, go_there(story, trip))
    use_parts(story, trip, at)
    submit(story, trip, at)


def completed_by_phone(story: Story) -> None:
    """Solved without a trip, not closed yet."""
    at = approve(story) + 20 * MINUTE
    story.happen(EventType.COMPLETED_REMOTELY, at, story.stage.somebody(Role.SUPERVISOR), **BY_PHONE)


def on_the_list(story: Story, name: str, day: int, begin: time, *, accepted: bool) -> None:
    """A visit of this technician; `day` is 0 for today."""
    at = approve(story)
    local = story.stage.now.astimezone(ZONE)
    start = datetime.combine(local.date() + timedelta(days=day), begin, ZONE).astimezone(story.stage.now.tzinfo)
    plan(story, at, slot=Slot(story.stage.cast.worker(name), start), accepted=accepted)


def _for(name: str, day: int, hour: int, *, accepted: bool = True) -> Life:
    return lambda story: on_the_list(story, name, day, time(hour), accepted=accepted)


#: Each with the kind of work, and the hours before now within which it was asked for.
PRESENT: Mapping[str, tuple[Life, int, str, tuple[int, int]]] = {
    "new": (new, 8, "heating_repair", (1, 20)),
    "approved": (approved, 9, "boiler_service", (3, 60)),
    "en route": (en_route, 2, "emergency", (2, 3)),
    "on site": (on_site, 2, "emergency", (2, 3)),
    "in progress": (in_progress, 3, "emergency", (2, 3)),
    "paused": (paused, 2, "emergency", (2, 3)),
    "with a helper": (with_a_helper, 1, "emergency", (2, 3)),
    "held": (held, 4, "boiler_service", (30, 100)),
    "waits for parts": (waits_for_parts, 5, "heating_repair", (200, 240)),
    "needs another trip": (needs_another_trip, 5, "heating_repair", (150, 190)),
    "declined": (visit_declined, 2, "thermostat", (30, 40)),
    "no show": (visit_missed, 2, "heating_repair", (200, 240)),
    "visit canceled": (visit_canceled, 2, "heating_repair", (200, 240)),
    "reopened": (reopened_lately, 3, "heating_repair", (500, 600)),
    "photos on the way": (photos_on_the_way, 2, "heating_repair", (160, 200)),
    "sent back": (sent_back, 2, "heat_pump_installation", (600, 700)),
    "waits for review": (waits_for_review, 4, "heat_pump_installation", (600, 700)),
    "completed by phone": (completed_by_phone, 1, "thermostat", (6, 8)),
    "Greta, today": (_for("Greta", 0, 8, accepted=False), 1, "heating_repair", (30, 60)),
    "Kemal, today": (_for("Kemal", 0, 8, accepted=False), 1, "thermostat", (60, 80)),
    "given up": (given_up, 3, "heating_repair", (400, 500)),
    "Ana, this morning": (_for("Ana", 0, 8), 1, "heating_repair", (30, 40)),
    "Ana, at noon": (_for("Ana", 0, 12), 1, "boiler_service", (100, 120)),
    "Ana, this afternoon": (_for("Ana", 0, 15, accepted=False), 1, "thermostat", (60, 80)),
    "Ana, tomorrow": (_for("Ana", 1, 8), 1, "heating_repair", (30, 60)),
}
