"""Somebody of the crew beside the lead: times of their own, while the visit itself follows its lead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.domain.ledger import Event, EventType
from app.domain.lifecycle import OPEN_VISIT, AllowedAction, VisitStatus


class MemberStatus(StrEnum):
    PLANNED = "planned"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    PAUSED = "paused"
    LEFT = "left"


@dataclass(slots=True)
class MemberState:
    """Where somebody of the crew stands: what the fold over the visit's events says."""

    status: MemberStatus = MemberStatus.PLANNED
    paused_from: MemberStatus = MemberStatus.ON_SITE
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MemberMove:
    sources: frozenset[MemberStatus]
    event: EventType
    requires: tuple[str, ...] = ()


M = MemberStatus
COMING = frozenset({M.PLANNED, M.EN_ROUTE})
HERE = frozenset({M.EN_ROUTE, M.ON_SITE})

MEMBER_MOVES: Mapping[str, MemberMove] = {
    "depart": MemberMove(frozenset({M.PLANNED}), EventType.MEMBER_DEPARTED),
    "arrive": MemberMove(COMING, EventType.MEMBER_ARRIVED),
    "start": MemberMove(COMING | {M.ON_SITE}, EventType.MEMBER_ARRIVED),
    "pause": MemberMove(HERE, EventType.MEMBER_PAUSED, ("reason",)),
    "resume": MemberMove(frozenset({M.PAUSED}), EventType.MEMBER_RESUMED),
    "leave": MemberMove(frozenset(M) - {M.LEFT}, EventType.MEMBER_LEFT),
}


def allowed_to_member(visit: VisitStatus, member: MemberStatus) -> list[AllowedAction]:
    """What somebody of the crew may report, in the order of the table; nothing once the visit is over."""
    if visit not in OPEN_VISIT:
        return []
    return [AllowedAction(name, move.requires) for name, move in MEMBER_MOVES.items() if member in move.sources]


def crew_of(events: Iterable[Event]) -> dict[UUID, MemberState]:
    """From technician to where they stand, those who left included, after these events of one visit.

    The events are taken by their time, so a departure that is reported after the arrival does not undo it.
    """
    crew: dict[UUID, MemberState] = {}
    for event in sorted(events, key=lambda one: (one.at, one.seq)):
        if event.data.get("member_id") is None:
            continue
        state = crew.setdefault(UUID(str(event.data["member_id"])), MemberState())
        if event.type == EventType.MEMBER_JOINED:
            if state.status is M.LEFT:
                state.status, state.left_at = M.PLANNED, None
        elif event.type == EventType.MEMBER_LEFT:
            state.status, state.left_at = M.LEFT, event.at
        elif event.type == EventType.MEMBER_PAUSED:
            state.paused_from, state.status = state.status, M.PAUSED
        elif event.type == EventType.MEMBER_RESUMED:
            state.status = state.paused_from
        elif event.type in GOES_TO:
            state.status = GOES_TO[EventType(event.type)]
    return crew


GOES_TO = {EventType.MEMBER_DEPARTED: M.EN_ROUTE, EventType.MEMBER_ARRIVED: M.ON_SITE}
