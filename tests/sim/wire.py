"""The network of one device: it loses, cuts, repeats and delays, and puts a hotel's sign-in page before the answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from firstfix_offline import NoNetwork

from tests.sim import office
from tests.sim.inside import Ask, Reply
from tests.sim.watch import Heard, Watch
from tests.sim.world import World

MARKER = {"sync-protocol": "1"}
Answer = tuple[int, Mapping[str, str], bytes]
#: What happens to a request, out of a hundred.
FATES = {
    "arrives": 64,
    "is lost": 6,
    "its answer is lost": 8,
    "its answer is cut": 4,
    "meets a portal": 4,
    "meets a busy server": 3,
    "has an old token": 1,
    "arrives twice": 4,
    "arrives late": 3,
    "meets a dispatcher": 8,
}


@dataclass
class Late:
    """A request that is still under way somewhere, sent at this time."""

    ask: Ask
    made_at: datetime


@dataclass
class Network:
    """The way of one device to the server; what is under way in it outlives the program that sent it."""

    world: World
    watch: Watch
    technician: int
    late: list[Late] = field(default_factory=list)
    broken: bool = False

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        world = self.world
        world.passes(milliseconds=world.chance.randrange(200))
        plain = {name: value for name, value in headers.items() if name.lower() != "accept-encoding"}
        ask = Ask(method, path, plain, body or b"")
        fate = "arrives" if world.quiet else world.chance.choices(list(FATES), weights=list(FATES.values()))[0]
        world.count(f"request {fate}")
        if fate == "is lost":
            raise NoNetwork("no answer")
        if fate == "arrives late":
            self.late.append(Late(ask, world.now))
            raise NoNetwork("no answer in time")
        if fate == "meets a portal":
            return world.chance.choice(PORTALS)
        if fate == "meets a busy server":
            return 503, {**MARKER, "retry-after": "1"}, b'{"code":"busy"}'
        if fate == "has an old token":
            return 401, MARKER, b'{"code":"token_expired"}'
        return self._answered(ask, fate)

    def _answered(self, ask: Ask, fate: str) -> Answer:
        others = []
        if fate == "arrives twice":
            others = [ask]
        elif fate == "meets a dispatcher" and (request := office.a_request(self.world)) is not None:
            others = [request]
        reply = self.deliver(ask, self.world.now, others)
        if fate == "its answer is lost":
            raise NoNetwork("the answer is lost")
        if fate == "its answer is cut" and reply.body:
            return reply.status, reply.headers, reply.body[: self.world.chance.randrange(len(reply.body))]
        return reply.status, reply.headers, reply.body

    def deliver(self, ask: Ask, made_at: datetime, others: list[Ask]) -> Reply:
        """Let the server work on it, beside others at the same moment; all that it answers is looked at."""
        before, ended = self.watch.scope(self.technician), set(self.watch.ended)
        replies = self.world.server.ask_together([ask, *others])
        allowed = before | self.watch.scope(self.technician)
        for one, reply in zip([ask, *others], replies, strict=True):
            self.world.heard(reply, one.path)
            if one is ask:
                self.watch.hear(Heard(self.technician, one, reply, allowed, ended, made_at, alone=not others))
        return replies[0]

    def something_arrives(self) -> None:
        """One of the requests that were given up comes to the server after all; nobody hears the answer."""
        if self.late:
            late = self.late.pop(self.world.chance.randrange(len(self.late)))
            self.deliver(late.ask, late.made_at, [])


PORTALS: tuple[Answer, ...] = (
    (200, {"content-type": "text/html"}, b"<html>Please sign in to the hotel"),
    (200, {"content-type": "application/json"}, b'{"results":[],"changes":[],"cursor":"x","has_more":false}'),
    (204, {}, b""),
    (302, {"location": "http://hotel.example/"}, b""),
    (511, {}, b""),
)
