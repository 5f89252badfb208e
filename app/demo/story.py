"""One work order told from its request on: events first, and every row that follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from sqlmodel import SQLModel

from app.customers.models import Asset
from app.demo.cast import CURRENCY, TIME_ZONE, Cast, Worker
from app.demo.catalog import Catalog, Kind
from app.demo.chance import Chance
from app.demo.pictures import Picture
from app.demo.places import Place
from app.domain.history import history
from app.domain.ledger import Event, EventType, fold
from app.domain.roles import Role
from app.domain.timesheet import timesheet
from app.visits.models import TimeEntryRow, Visit
from app.work_orders.ledger import SYSTEM, Actor
from app.work_orders.models import ActorKind, LedgerEvent, StatusIntervalRow, WorkOrder

ZONE = ZoneInfo(TIME_ZONE)
WINDOW = timedelta(hours=2)
#: When the two halves of a working day begin.
HALVES = (time(8), time(12, 30))
BOOK_AHEAD_DAYS = 45


class NotYet(Exception):
    """What would come next lies in the future: the story ends here for now."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Half a working day of a technician."""

    worker: Worker
    start: datetime


class Diary:
    """Who is free when. A half day is given away once."""

    def __init__(self, chance: Chance, workers: Sequence[Worker]) -> None:
        self._chance = chance
        self._workers = workers
        self._taken: set[tuple[UUID, date, time]] = set()

    def book(self, skills: Sequence[str], *, after: datetime, halves: int = 1, territory: str | None = None) -> Slot:
        """The first half day after `after` on which somebody with the skills is free; `halves` is 1 or 2.

        Those of the territory come first, then everybody else.

        Raises:
            NotYet: nobody is free for weeks.
        """
        able = [one for one in self._workers if set(skills) <= set(one.technician.skills)]
        near = [one for one in able if one.technician.home_territory in (territory, None)]
        for ahead in range(BOOK_AHEAD_DAYS):
            day = after.astimezone(ZONE).date() + timedelta(days=ahead)
            for begin in HALVES if halves == 1 else HALVES[:1]:
                start = datetime.combine(day, begin, ZONE).astimezone(after.tzinfo)
                if start < after:
                    continue
                needed = [(day, half) for half in (HALVES if halves == 2 else (begin,))]
                for candidates in (near, able):
                    free = [one for one in candidates if self._is_free(one, needed)]
                    if free:
                        return self.take(self._chance.choice(free), start, needed)
        raise NotYet

    def _is_free(self, worker: Worker, needed: Sequence[tuple[date, time]]) -> bool:
        return all(
            day.isoweekday() in worker.weekdays and (worker.technician.id, day, half) not in self._taken
            for day, half in needed
        )

    def take(self, worker: Worker, start: datetime, needed: Sequence[tuple[date, time]] = ()) -> Slot:
        self._taken |= {(worker.technician.id, day, half) for day, half in needed}
        return Slot(worker, start)


@dataclass(frozen=True, slots=True)
class Stage:
    """What all stories share. Nothing happens after `now`."""

    chance: Chance
    cast: Cast
    catalog: Catalog
    diary: Diary
    pictures: Mapping[str, Picture]
    now: datetime

    def somebody(self, role: Role) -> Actor:
        return Actor(kind=ActorKind.PERSON, id=self.cast.office[role].id)


@dataclass(frozen=True, slots=True)
class Trip:
    """A visit: `row` is what does not follow from its events."""

    id: UUID
    slot: Slot
    scheduled_start: datetime
    row: dict[str, Any]

    @property
    def worker(self) -> Worker:
        return self.slot.worker

    @property
    def crew(self) -> Actor:
        return Actor(kind=ActorKind.PERSON, id=self.slot.worker.person_id)


@dataclass(slots=True)
class Story:
    """A work order: `row` is what does not follow from its events, `more` are parts, proofs and notes."""

    stage: Stage
    kind: Kind
    place: Place
    asset: Asset
    row: dict[str, Any]
    events: list[LedgerEvent] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    more: list[SQLModel] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        found: UUID = self.row["id"]
        return found

    @property
    def organization_id(self) -> UUID:
        return self.stage.cast.organization_id

    def happen(
        self, kind: EventType, at: datetime, by: Actor = SYSTEM, trip: Trip | None = None, **data: Any
    ) -> datetime:
        """Let it happen, and say when it did.

        Raises:
            NotYet: it lies in the future.
        """
        if at > self.stage.now:
            raise NotYet
        assert not self.events or at >= self.events[-1].effective_at, f"{kind} at {at} comes before what happened last"
        self.events.append(
            LedgerEvent(
                organization_id=self.organization_id,
                id=self.stage.chance.id(at),
                work_order_id=self.id,
                seq=len(self.events) + 1,
                type=kind.value,
                visit_id=trip.id if trip else None,
                actor_kind=ActorKind(by.kind),
                actor_id=by.id,
                occurred_at=at,
                effective_at=at,
                recorded_at=at,
                data=orjson.loads(orjson.dumps(data, default=str)),
            )
        )
        return at

    def add(self, row: SQLModel) -> None:
        self.more.append(row)

    def schedule(self, slot: Slot, *, at: datetime, offset: timedelta = timedelta(0)) -> Trip:
        """Plan a visit in the slot; the customer is told the first two hours of it."""
        technician = slot.worker.technician
        start = slot.start + offset
        trip = Trip(
            self.stage.chance.id(at),
            slot,
            start,
            {
                "number": len(self.trips) + 1,
                "territory": self.place.site.territory,
                "purpose": self.kind.version.purpose,
                "recorded_at": at,
            },
        )
        self.happen(
            EventType.VISIT_SCHEDULED,
            at,
            self.stage.somebody(Role.DISPATCHER),
            trip,
            technician_id=technician.id,
            team_id=technician.team_id,
            partner_id=technician.partner_id,
            employment=technician.employment,
            scheduled_start=start,
            scheduled_end=start + timedelta(minutes=self.kind.version.estimated_minutes),
            window_start=slot.start,
            window_end=slot.start + WINDOW,
        )
        if not self.trips:
            self.row |= {"technician_id": technician.id, "team_id": technician.team_id}
        self.trips.append(trip)
        return trip

    def told(self) -> list[Event]:
        return [Event(one.seq, one.type, one.effective_at, one.data, one.visit_id, one.implied) for one in self.events]

    def rows(self) -> list[SQLModel]:
        """The work order and all that belongs to it, in the order in which it can be added."""
        told = self.told()
        order, visits = fold(told)
        common: dict[str, Any] = {"organization_id": self.organization_id, "work_order_id": self.id}
        made: list[SQLModel] = [WorkOrder(**(self.row | asdict(order)), version=len(told))]
        for trip in self.trips:
            state = asdict(visits[trip.id])
            made.append(Visit(**common, **trip.row, **state))
        made += self.events
        made += [
            StatusIntervalRow(**common, id=self.stage.chance.id(one.entered_at), seq=seq, **asdict(one))
            for seq, one in enumerate(history(told), start=1)
        ]
        made += [
            TimeEntryRow(
                **common,
                id=self.stage.chance.id(entry.started_at),
                visit_id=trip.id,
                rate_minor=trip.worker.technician.hourly_rate_minor,
                currency=CURRENCY,
                **asdict(entry),
            )
            for trip in self.trips
            for entry in timesheet(event for event in told if event.visit_id == trip.id)
        ]
        return made + self.more
