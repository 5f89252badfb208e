"""A technician's device: the reference client on a clock that lies, in a program that dies at any step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from firstfix_offline import Device, MemoryStorage, OfflineClient
from firstfix_offline.replica import held_entries

from app.kit.database import utc_iso
from tests.sim.watch import Watch
from tests.sim.wire import Network
from tests.sim.world import BEGINNING, PART_NUMBERS, World, asking, lasting, signed_in

Json = dict[str, Any]


#: How wrong a clock may be, in seconds.
OFFSETS = (0, 0, 1, 90, -90, 7_200, -7_200, 400 * 86_400, -(9**8))


class Died(BaseException):
    """The program was killed at this step."""


@dataclass
class Handset:
    """`offset`: how wrong its clock is. `deadly`: the chance of each step to be the last."""

    world: World
    watch: Watch
    technician: int
    name: str
    network: Network = field(init=False)
    storage: MemoryStorage = field(default_factory=MemoryStorage)
    client: OfflineClient = field(init=False)
    offset: timedelta = timedelta()
    deadly: float = 0.0
    acted: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """op_id → its type, and when it was done in truth."""
    known: list[str] = field(default_factory=list)
    """Jobs that were on this device at some time."""
    _headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        world = self.world
        self.network = Network(world, self.watch, self.technician)
        session = signed_in(world, world.people[self.technician])
        body = {
            "device_id": str(UUID(int=world.chance.getrandbits(128))),
            "platform": "android",
            "app_version": "3.4.1",
            "rep": 1,
        }
        given = world.heard(world.server.ask(asking(session, "POST", "/v1/devices", body)), "/v1/devices").json()
        lasting(world)
        self.token = given["token"]
        self.start()

    def start(self) -> None:
        """The program begins (again) over what is kept; the age of what was reported before is lost."""
        device = Device(
            now=lambda: (self.world.now + self.offset).timestamp() * 1000,
            monotonic=lambda: (self.world.now - BEGINNING).total_seconds() * 1000,
            random=self.world.chance.random,
            on_step=self._step,
        )
        self.client = OfflineClient(
            self.network, self.storage, token=lambda: self.token, refresh=lambda: None, device=device
        )

    def _step(self, name: str) -> None:
        if not self.world.quiet and self.world.maybe(self.deadly):
            self.world.count(f"killed {name}")
            raise Died(name)

    def sync(self) -> str:
        """How it ended; a program that died is started again."""
        try:
            state = self.client.sync().state
        except Died:
            self.start()
            state = "died"
        for view in self.client.views("job"):
            if view.id not in self.known:
                self.known.append(view.id)
        self.world.count(f"sync {state}")
        return state

    def acts(self) -> None:
        """The technician does something, and the device writes it down."""
        chance = self.world.chance
        jobs = sorted(self.client.views("job"), key=lambda view: (str(view.doc.get("no")), view.doc.get("trip", 0)))
        if jobs and chance.random() < 0.93:
            view = chance.choice(jobs)
            before = [one["op_id"] for one in view.waiting]
            self._on_job(view.id, view.doc, before)
        elif self.known:
            self._reports(chance.choice(self.known), {}, [], chance.choice(list(FACTS)))

    def _on_job(self, id_: str, doc: Json, before: list[str]) -> None:
        moves = [name for name in doc.get("allowed", ()) if name in MOVES]
        if moves and self.world.maybe(0.65):
            name = self.world.chance.choice(moves)
            self._reports(id_, doc, before, name, MOVES[name](self.world, doc))
            return
        self._reports(id_, doc, before, self.world.chance.choice(list(FACTS)))

    def _reports(self, target: str, doc: Json, before: list[str], type_: str, args: Json | None = None) -> None:
        if type_ == "attachment.add":
            content = self.world.chance.randbytes(300)
            self.client.attach(target, content, "after", "image/jpeg")
            self._acted(type_)
            return
        if args is None:
            made = FACTS[type_](self, doc)
            if made is None:
                return
            args = made
        depends: list[str] = []
        if before and self.world.maybe(0.3):
            depends = [before[-1]]
        elif self.world.maybe(0.01):
            depends = [str(UUID(int=self.world.chance.getrandbits(128)))]
        self.client.enqueue(type_, None if type_ in WITHOUT_TARGET else target, args, depends_on=depends)
        self._acted(type_)

    def _acted(self, type_: str) -> None:
        op_id = self.client.outbox()[-1]["op_id"]
        self.acted[op_id] = type_, self.world.now
        self.world.count(f"reported {type_}")
        if self.world.maybe(0.05):
            self.world.poison[op_id] = self.world.now + timedelta(hours=self.world.chance.randrange(1, 60))

    def lies(self) -> None:
        """Somebody sets the clock, or the network does."""
        self.offset = timedelta(
            seconds=self.world.chance.choice((0, 0, 1, 90, -90, 7_200, -7_200, 400 * 86_400, -(9**8)))
        )

    def waits(self) -> int:
        return len(self.client.outbox())

    def holds(self) -> dict[tuple[str, str], tuple[str, Json]]:
        with self.storage.transaction() as tx:
            return {(one["kind"], one["id"]): (one["rev"], one["doc"]) for one in held_entries(tx)}


def _text(world: World) -> Json:
    return {"text": f"seen {world.chance.randrange(10**6)}"}


def _complete(world: World, doc: Json) -> Json:
    used = {"part": world.chance.choice(PART_NUMBERS), "qty": world.chance.randint(1, 3)}
    parts = [used] if world.maybe(0.5) else []
    args: Json = {
        "resolution": "repaired",
        "checklist": {"cleaned": True, "pressure": 1.5} if world.maybe(0.8) else {},
        "parts": parts,
        "labour": [],
    }
    if world.maybe(0.5):
        args["signature"] = {"attachment_id": str(UUID(int=world.chance.getrandbits(128))), "name": "Cleo"}
    return args


def _nothing(world: World, doc: Json) -> Json:
    return {}


#: What is done to a visit, by the buttons that its document allows.
MOVES: dict[str, Callable[[World, Json], Json]] = {
    "visit.accept": _nothing,
    "visit.decline": lambda world, doc: {"reason": "no_time"},
    "visit.depart": _nothing,
    "visit.arrive": lambda world, doc: {"lat": 53.8, "lng": -1.5, "acc_m": 8},
    "visit.start": _nothing,
    "visit.pause": lambda world, doc: {"reason": "parts"},
    "visit.resume": _nothing,
    "visit.complete": _complete,
    "visit.end_incomplete": lambda world, doc: {"reason": "parts", "revisit": True},
    "visit.no_access": lambda world, doc: {"wait_minutes": 20, "call_attempts": 2},
    "visit.leave": _nothing,
}
Fact = Callable[[Handset, Json], Json | None]


def _part(handset: Handset, doc: Json) -> Json:
    number = "UNKNOWN-9" if handset.world.maybe(0.05) else handset.world.chance.choice(PART_NUMBERS)
    return {"part": number, "qty": handset.world.chance.randint(1, 4)}


def _hours(handset: Handset, doc: Json) -> Json:
    ended = handset.world.now + handset.offset
    return {"kind": "work", "started_at": utc_iso(ended - timedelta(minutes=30)), "ended_at": utc_iso(ended)}


def _resolve(handset: Handset, doc: Json) -> Json | None:
    issues = handset.client.issues()
    if not issues:
        return None
    issue = handset.world.chance.choice(issues)
    return {"issue_id": issue["id"], "choice": handset.world.chance.choice(issue["choices"] or ["ok"])}


def _proposal(handset: Handset, doc: Json) -> Json:
    start = handset.world.now + timedelta(days=1)
    return {"start": utc_iso(start), "end": utc_iso(start + timedelta(hours=1))}


def _correction(handset: Handset, doc: Json) -> Json:
    site = doc.get("site") or {}
    old = site.get("access_notes", "") if handset.world.maybe(0.7) else "something else"
    return {"field": "access_notes", "old": old, "new": f"Knock {handset.world.chance.randrange(99)} times"}


def _found(handset: Handset, doc: Json) -> Json:
    return {
        "id": str(UUID(int=handset.world.chance.getrandbits(128))),
        "title": "Found on site",
        "work_type": "repair",
    }


#: What may be reported about a job whatever its state. `attachment.add` is made by the client itself.
FACTS: dict[str, Fact] = {
    "visit.seen": lambda handset, doc: {},
    "note.add": lambda handset, doc: _text(handset.world),
    "part.use": _part,
    "part.return": _part,
    "stock.count": lambda handset, doc: {"part": handset.world.chance.choice(PART_NUMBERS), "counted": 5},
    "part.request": lambda handset, doc: {"part": "GSK-004", "qty": 1},
    "time.add": _hours,
    "task.set": lambda handset, doc: {"task_id": "cleaned", "done": handset.world.maybe(0.5), "value": True},
    "asset.reading": lambda handset, doc: {"value": 17.5, "unit": "bar", "label": "pressure"},
    "site.correct": _correction,
    "schedule.propose": _proposal,
    "issue.resolve": _resolve,
    "work_order.create": _found,
    "closure.verify": lambda handset, doc: {"method": "word"},
    "attachment.add": lambda handset, doc: {},
    "note.bad": lambda handset, doc: {"text": "a type that this server does not know"},
}
WITHOUT_TARGET = frozenset({"stock.count", "issue.resolve"})
