"""A report takes effect: its events happen, and the answer that its sender gets is kept with them."""

from collections.abc import Sequence
from typing import Any

from app.domain.crew import MemberStatus
from app.domain.ledger import Event, EventType
from app.visits.commands.reports import Sent, answer_of, data_of, own_id, reported
from app.visits.queries import actions_of_member
from app.work_orders.commands import actor_of, happen
from app.work_orders.ledger import NewEvent, events_of


def tell(
    sent: Sent, new: Sequence[NewEvent], *, member: MemberStatus | None = None, noop: bool = False
) -> dict[str, Any]:
    """Let the events happen; the answer that is given is the one that is stored.

    `member`: where the sender stands now, when it is somebody of the crew beside the lead.
    """
    told: list[dict[str, Any]] = []

    def answer() -> dict[str, Any]:
        told.append(answer_of(sent, implied=[event.type for event in new if event.implied], noop=noop))
        if member is not None:
            told[0]["allowed_actions"] = actions_of_member(sent.visit.status, member)
        return told[0]

    with own_id(sent.report):
        happen(sent.db, sent.ledger, new, by=actor_of(sent.by), at=sent.at, answer=answer)
    return told[0]


def so_already(sent: Sent, *, member: MemberStatus | None = None) -> dict[str, Any]:
    """It was so already: that it was reported, and for when, is kept all the same."""
    data = {"action": sent.given.action, **data_of(sent.given)}
    said = reported(EventType.REPORTED, sent.visit_id, sent.report, data)
    return tell(sent, [said], member=member, noop=True)


def events_so_far(sent: Sent) -> list[Event]:
    return events_of(sent.db, sent.ledger.organization_id, sent.ledger.id)
