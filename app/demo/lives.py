"""How a work order may go: each life is told until it is over, or until now."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from app.closure.models import ClosureSubmission
from app.demo.chance import Chance
from app.demo.proof import asks_for_proof, complete, review, submit, use_parts
from app.demo.story import ZONE, Slot, Story, Trip
from app.domain.closure import VerdictKind
from app.domain.ledger import EventType
from app.domain.roles import Role
from app.work_orders.ledger import Actor

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
#: Hours from planning to the earliest visit, by kind of work.
LEAD_HOURS: Mapping[str, tuple[int, int]] = {
    "emergency": (1, 3),
    "heating_repair": (6, 40),
    "thermostat": (24, 96),
    "ventilation_check": (48, 200),
    "boiler_service": (72, 260),
    "heat_pump_installation": (120, 320),
}
BY_PHONE: dict[str, Any] = {
    "resolution_code": "adjusted",
    "note": "Talked through on the phone.",
    "cause": "us",
    "reason": "solved remotely",
}
LOSSES = ("parts", "parts", "parts", "diagnosis", "skill", "time", "tool", "customer", "extra_support")


def office(story: Story) -> Actor:
    return story.stage.somebody(Role.DISPATCHER)


def approve(story: Story) -> datetime:
    at = story.row["requested_at"] + story.stage.chance.minutes(5, 90)
    return story.happen(EventType.APPROVED, at, office(story))


def plan(story: Story, at: datetime, *, slot: Slot | None = None, accepted: bool = True) -> Trip:
    """Plan a visit soon after `at`, and send it to the technician the evening before, who accepts it."""
    chance, version = story.stage.chance, story.kind.version
    at += chance.minutes(3, 60)
    if slot is None:
        after = at + timedelta(hours=chance.randint(*LEAD_HOURS[story.kind.key]))
        halves = 2 if version.estimated_minutes > 240 else 1
        slot = story.stage.diary.book(version.skills, after=after, halves=halves, territory=story.place.site.territory)
    trip = story.schedule(slot, at=at, offset=timedelta(minutes=15 * chance.randint(0, 4)))
    told_at = max(at + 5 * MINUTE, evening_before(slot.start) + chance.minutes(0, 40))
    story.happen(
        EventType.VISIT_DISPATCHED,
        told_at,
        office(story),
        trip,
        work_type_version=1,
        readiness={
            "skills_valid": True,
            "contact_known": True,
            "access_notes": bool(story.place.site.access_notes),
            "parts_ready": chance.happens(90),
        },
    )
    if accepted:
        story.happen(EventType.VISIT_ACCEPTED, told_at + chance.minutes(2, 25), trip.crew, trip)
    return trip


def evening_before(moment: datetime) -> datetime:
    local = (moment.astimezone(ZONE) - DAY).replace(hour=17, minute=0)
    return local.astimezone(moment.tzinfo)


def go(story: Story, trip: Trip) -> datetime:
    """Depart, arrive, start; when the work began. One in nine comes after the promised window."""
    chance = story.stage.chance
    delay = timedelta(minutes=round(chance.triangular(-14, 30, 0)))
    if chance.happens(11):
        delay = trip.slot.start + timedelta(minutes=120 + chance.randint(4, 70)) - trip.scheduled_start
    arrived_at = max(trip.scheduled_start + delay, story.events[-1].effective_at + 20 * MINUTE)
    departed_at = max(arrived_at - chance.minutes(12, 45), story.events[-1].effective_at + MINUTE)
    story.happen(EventType.VISIT_DEPARTED, departed_at, trip.crew, trip)
    story.happen(EventType.VISIT_ARRIVED, arrived_at, trip.crew, trip, location=_location(story))
    return story.happen(EventType.VISIT_STARTED, arrived_at + chance.minutes(2, 9), trip.crew, trip)


def _location(story: Story) -> dict[str, Any]:
    return {"lat": story.place.site.latitude, "lng": story.place.site.longitude, "accuracy_m": 12.0}


def work(story: Story, trip: Trip, began_at: datetime, *, share: float = 1.0) -> datetime:
    """Work, now and then with a break; when it ends."""
    chance = story.stage.chance
    minutes = story.kind.version.estimated_minutes * chance.triangular(0.55, 1.5, 0.95) * share
    middle = began_at + timedelta(minutes=round(minutes / 2))
    if chance.happens(12):
        story.happen(EventType.VISIT_PAUSED, middle, trip.crew, trip, reason="break")
        middle = story.happen(EventType.VISIT_RESUMED, middle + chance.minutes(15, 30), trip.crew, trip)
    return middle + timedelta(minutes=max(8, round(minutes / 2)))


def finish(story: Story, trip: Trip, at: datetime) -> datetime:
    """Done: prove it, and let it be closed; when it was."""
    chance = story.stage.chance
    use_parts(story, trip, at)
    if not asks_for_proof(story):
        complete(story, trip, at, "replaced-part", None)
        return story.happen(EventType.CLOSED, at, policy="none")
    if chance.happens(7):
        submit(story, trip, at - 3 * MINUTE, forgets_checklist=True)
    submission = submit(story, trip, at, camera_broken=story.kind.key == "emergency" and chance.happens(8))
    if submission.verdict is VerdictKind.PENDING_REVIEW:
        reviewed(story, trip, submission)
    return story.events[-1].effective_at


def reviewed(story: Story, trip: Trip, submission: ClosureSubmission) -> None:
    chance = story.stage.chance
    looked_at = submission.effective_at + chance.minutes(60, 2400)
    if chance.happens(75):
        review(story, trip, submission, looked_at, approve=True)
        return
    review(story, trip, submission, looked_at, approve=False)
    again = submit(story, trip, looked_at + chance.minutes(30, 600))
    review(story, trip, again, again.effective_at + chance.minutes(60, 600), approve=True)


def one_trip(story: Story, at: datetime) -> datetime:
    """Go there and fix it; when it was closed."""
    trip = plan(story, at)
    return finish(story, trip, work(story, trip, go(story, trip)))


def lost_trip(story: Story, at: datetime) -> datetime:
    """Go there and not fix it; when the office may plan again. Missing parts hold the work until they have come."""
    chance = story.stage.chance
    trip = plan(story, at)
    ended_at = work(story, trip, go(story, trip), share=0.6)
    reason = chance.choice(LOSSES)
    holds = reason == "parts" and chance.happens(70)
    more = {"hold_reason": "parts", "parts_needed": ["PCB-450"]} if holds else {}
    story.happen(EventType.VISIT_ENDED_INCOMPLETE, ended_at, trip.crew, trip, reason=reason, **more)
    if not holds:
        return ended_at + chance.minutes(10, 200)
    return story.happen(EventType.RELEASED, ended_at + chance.minutes(1200, 4000), office(story))


def fixed_first_time(story: Story) -> None:
    one_trip(story, approve(story))


def second_trip(story: Story) -> None:
    one_trip(story, lost_trip(story, approve(story)))


def third_trip(story: Story) -> None:
    one_trip(story, lost_trip(story, lost_trip(story, approve(story))))


def no_access(story: Story) -> None:
    trip = plan(story, approve(story))
    arrived_at = go_only(story, trip)
    at = arrived_at + 15 * MINUTE
    story.happen(EventType.VISIT_NO_ACCESS, at, trip.crew, trip, wait_minutes=15, call_attempts=2)
    one_trip(story, at + 30 * MINUTE)


def go_only(story: Story, trip: Trip) -> datetime:
    """Depart and arrive; when."""
    departed_at = max(trip.scheduled_start - story.stage.chance.minutes(12, 45), story.events[-1].effective_at + MINUTE)
    story.happen(EventType.VISIT_DEPARTED, departed_at, trip.crew, trip)
    arrived_at = max(trip.scheduled_start, departed_at + 10 * MINUTE)
    return story.happen(EventType.VISIT_ARRIVED, arrived_at, trip.crew, trip, location=_location(story))


def no_show(story: Story, *, again: bool = True) -> None:
    trip = plan(story, approve(story))
    at = story.happen(EventType.VISIT_NO_SHOW, trip.slot.start + timedelta(hours=3), office(story), trip)
    if again:
        one_trip(story, at + 20 * MINUTE)


def declined(story: Story, *, again: bool = True) -> None:
    trip = plan(story, approve(story))
    at = story.events[-1].effective_at + 30 * MINUTE
    story.happen(EventType.VISIT_DECLINED, at, trip.crew, trip, reason_code="ill")
    if again:
        one_trip(story, at + 10 * MINUTE)


def customer_cancels(story: Story) -> None:
    trip = plan(story, approve(story))
    at = story.events[-1].effective_at + 20 * MINUTE
    why: dict[str, Any] = {"cause": "customer", "reason": "It works again."}
    story.happen(EventType.VISIT_CANCELED, at, office(story), trip, **why)
    story.happen(EventType.CANCELED, at, office(story), **why)


def canceled_on_the_way(story: Story, *, again: bool = True) -> None:
    trip = plan(story, approve(story))
    departed_at = max(trip.scheduled_start - 30 * MINUTE, story.events[-1].effective_at + MINUTE)
    story.happen(EventType.VISIT_DEPARTED, departed_at, trip.crew, trip)
    at = departed_at + 12 * MINUTE
    why: dict[str, Any] = {"cause": "us", "reason": "An emergency came between."}
    story.happen(EventType.VISIT_CANCELED, at, office(story), trip, **why)
    if again:
        one_trip(story, at + 15 * MINUTE)


def rejected(story: Story) -> None:
    at = story.row["requested_at"] + story.stage.chance.minutes(20, 300)
    story.happen(EventType.REJECTED, at, office(story), reason="Outside our area.", cause="us", merged_into=None)


def solved_remotely(story: Story) -> None:
    sam = story.stage.somebody(Role.SUPERVISOR)
    at = approve(story) + story.stage.chance.minutes(20, 200)
    story.happen(EventType.COMPLETED_REMOTELY, at, sam, **BY_PHONE)
    story.happen(EventType.CLOSED, at + story.stage.chance.minutes(5, 90), sam, reason="Confirmed by the customer.")


def given_up(story: Story) -> None:
    at = lost_trip(story, approve(story)) + timedelta(hours=20)
    told: dict[str, Any] = {"reason": "The part is no longer made.", "customer_told": True, "cause": "us"}
    story.happen(EventType.CANNOT_COMPLETE, at, story.stage.somebody(Role.SUPERVISOR), **told)


def reopened(story: Story, *, again: bool = True) -> None:
    closed_at = one_trip(story, approve(story))
    at = closed_at + story.stage.chance.minutes(2000, 12_000)
    story.happen(EventType.REOPENED, at, office(story), reason="The same fault came back.")
    if again:
        one_trip(story, at + 15 * MINUTE)


def held_at_first(story: Story) -> None:
    at = approve(story) + story.stage.chance.minutes(10, 100)
    story.happen(EventType.HELD, at, office(story), hold_reason="customer", expected_until=at + 3 * DAY)
    one_trip(story, story.happen(EventType.RELEASED, at + story.stage.chance.minutes(2000, 5000), office(story)))


Life = Callable[[Story], None]
#: How often in a hundred each life is lived, more or less.
LIVES: Mapping[Life, int] = {
    fixed_first_time: 73,
    second_trip: 10,
    third_trip: 1,
    no_access: 3,
    no_show: 2,
    declined: 2,
    customer_cancels: 2,
    canceled_on_the_way: 1,
    rejected: 1,
    solved_remotely: 1,
    given_up: 1,
    reopened: 2,
    held_at_first: 2,
}


def any_life(chance: Chance) -> Life:
    return chance.choices(list(LIVES), list(LIVES.values()))[0]
