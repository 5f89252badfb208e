"""One simulation: by chance from a seed until its steps are over, then everybody syncs until it is quiet."""

from dataclasses import dataclass
from datetime import timedelta

from app.kit.runtime import Runtime
from app.sync import upkeep
from app.sync.building import bring_up_to_date
from app.sync.entries import pass_fence
from app.sync.epochs import rotate_epochs
from app.sync.manifests import publish_manifests
from tests.sim import office
from tests.sim.checks import complaints
from tests.sim.handset import Handset
from tests.sim.inside import Inside
from tests.sim.watch import Watch
from tests.sim.world import World, world_of

STEPS = 120
#: Seven devices of four technicians; Ana and Ben have two and more.
DEVICES = (0, 0, 0, 1, 1, 2, 3)
ROUNDS = 80


@dataclass(frozen=True)
class Played:
    """How a simulation ended; `wrong` is empty when all is well."""

    seed: int
    steps: int
    wrong: list[str]
    counts: dict[str, int]

    def __str__(self) -> str:
        again = f"make simulate SEEDS=1 FIRST={self.seed} STEPS={self.steps}"
        return "\n  ".join([f"seed {self.seed}: {len(self.wrong)} complaints; again: {again}", *self.wrong[:20]])


def play(runtime: Runtime, server: Inside, seed: int, *, steps: int = STEPS) -> Played:
    with world_of(runtime, server, seed) as world:
        watch = Watch(world)
        names = [f"device {n} of technician {technician}" for n, technician in enumerate(DEVICES)]
        handsets = [Handset(world, watch, one, name) for one, name in zip(DEVICES, names, strict=True)]
        for _ in range(3):
            office.brings_work(world)
        old = _Old(world)
        for _ in range(steps):
            world.passes(seconds=world.chance.expovariate(1 / 600))
            _step(world, handsets, old)
        if (noise := _until_quiet(world, handsets)) is not None:
            return Played(seed, steps, [noise, *complaints(world, watch, handsets)], world.counts)
        return Played(seed, steps, complaints(world, watch, handsets), world.counts)


class _Old:
    """A copy of the feeds as they were once; a restore brings it back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.keep()

    def keep(self) -> None:
        self._rows = {
            table: self._world.sql(f"SELECT * FROM {table} WHERE organization_id = %(o)s")
            for table in ("feeds", "feed_entries")
        }

    def restore(self) -> None:
        """The feeds are as they were, the epochs new, and what is missing is written: as after a restored backup."""
        world = self._world
        with world.look.transaction():
            for table in ("feed_entries", "feeds"):
                world.sql(f"DELETE FROM {table} WHERE organization_id = %(o)s")
            for table, rows in self._rows.items():
                for row in rows:
                    names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
                    world.look.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", row)
        rotate_epochs(world.runtime.dsn)
        with world.runtime.transaction(world.organization_id) as db:
            pass_fence(db, world.organization_id, alone=True)
            bring_up_to_date(db, world.organization_id, world.technicians, at=world.now)
        world.count("restored")


def _step(world: World, handsets: list[Handset], old: _Old) -> None:
    handset = world.chance.choice(handsets)
    what = world.chance.choices(list(HAPPENINGS), weights=list(HAPPENINGS.values()))[0]
    if what == "field":
        _in_the_field(world, handset)
    elif what == "work":
        office.brings_work(world)
    elif what == "office":
        for _ in range(world.chance.choice((1, 2, 3))):
            office.acts(world)
    elif what == "late":
        handset.network.something_arrives()
    elif what == "clock":
        handset.lies()
    elif what == "reboot":
        handset.start()
    else:
        _upkeep(world, what, old)


def _in_the_field(world: World, handset: Handset) -> None:
    """Something is done, somebody may set the clock, and then it is sent, or not yet."""
    handset.deadly = world.chance.choice((0, 0, 0.02, 0.1))
    for _ in range(world.chance.choice((0, 1, 2, 4))):
        handset.acts()
        world.passes(seconds=world.chance.randrange(300))
    if world.maybe(0.1):
        handset.lies()
    if world.maybe(0.75):
        handset.sync()


#: What happens next, out of a hundred and some.
HAPPENINGS = {
    "field": 55,
    "office": 24,
    "work": 7,
    "late": 4,
    "clock": 3,
    "reboot": 3,
    "tick": 2,
    "purge": 2,
    "rotate": 0.6,
    "keep": 1,
    "restore": 0.6,
    "days": 1.5,
    "weeks": 0.2,
}


def _upkeep(world: World, what: str, old: _Old) -> None:
    world.count(what)
    if what == "purge":
        before = world.now - timedelta(minutes=world.chance.randrange(3000))
        upkeep.purge_organization(world.runtime, world.organization_id, before=before)
    elif what == "rotate":
        rotate_epochs(world.runtime.dsn)
    elif what == "keep":
        old.keep()
    elif what == "restore":
        old.restore()
    elif what in ("days", "weeks"):
        world.passes(days=world.chance.choice((1, 2)) if what == "days" else 15)
    if what in ("tick", "days", "weeks"):
        _by_the_clock(world)


def _by_the_clock(world: World) -> None:
    while upkeep.tick_organization(world.runtime, world.organization_id, at=world.now):
        pass
    publish_manifests(world.runtime, str(world.organization_id))


def _until_quiet(world: World, handsets: list[Handset]) -> str | None:
    """The network is good, nobody falls ill any more: everybody syncs until nothing is left. What went wrong."""
    world.quiet = True
    for handset in handsets:
        while handset.network.late:
            handset.network.something_arrives()
    busy = handsets
    for _ in range(ROUNDS):
        world.passes(hours=3)
        busy = [handset for handset in busy if handset.sync() != "synced" or handset.waits()]
        if not busy:
            break
    _by_the_clock(world)
    states = [handset.sync() for handset in handsets for _ in range(2)]
    return None if set(states) == {"synced"} else f"the last syncs ended as {states}"
