"""Somebody of the crew beside the lead: what they report is about themselves; the visit follows its lead."""

from collections.abc import Mapping
from typing import Any

from app.domain.crew import MEMBER_MOVES, MemberState, MemberStatus, crew_of
from app.domain.ledger import Event, EventType
from app.domain.lifecycle import OPEN_VISIT, VisitAction, VisitStatus
from app.kit.problems import NotAllowed
from app.visits.commands.checks import check_data
from app.visits.commands.crew import set_member
from app.visits.commands.effects import events_so_far, so_already, tell
from app.visits.commands.noted import note, overtaken_by
from app.visits.commands.reports import Sent, data_of, reported
from app.visits.queries import actions_of_member
from app.work_orders.commands import InvalidTransition

M = MemberStatus

#: Ended by those who went there.
GONE_AND_BACK = frozenset({VisitStatus.COMPLETED, VisitStatus.INCOMPLETE})
#: Where somebody stands when the action has nothing left to do.
MEMBER_ALREADY: Mapping[str, frozenset[MemberStatus]] = {
    "depart": frozenset({M.EN_ROUTE, M.ON_SITE, M.PAUSED, M.LEFT}),
    "arrive": frozenset({M.ON_SITE, M.PAUSED, M.LEFT}),
    "start": frozenset({M.ON_SITE, M.PAUSED, M.LEFT}),
    "pause": frozenset({M.PAUSED, M.LEFT}),
    "resume": frozenset({M.EN_ROUTE, M.ON_SITE, M.LEFT}),
    "leave": frozenset({M.LEFT}),
}


def member_reports(sent: Sent) -> dict[str, Any]:
    """Somebody of the crew beside the lead: it is their own time; the visit follows its lead.

    Raises:
        NotAllowed: only the lead may do this.
        InvalidTransition: it could not happen from where this person was then.
    """
    given, report, visit, me = sent.given, sent.report, sent.visit, sent.by.technician_id
    move = MEMBER_MOVES.get(given.action)
    if move is None:
        raise NotAllowed("The visit follows its lead: only the lead may do this.", action=given.action)
    if move.requires:
        check_data(given, VisitAction(given.action))
    assert me is not None
    told = [event for event in events_so_far(sent) if event.visit_id == sent.visit_id]
    before = crew_of(event for event in told if event.at <= report.effective_at).get(me, MemberState())
    if visit.status not in OPEN_VISIT and (visit.ended_at is None or report.effective_at >= visit.ended_at):
        if sent.offline and visit.status in GONE_AND_BACK:
            return so_already(sent, member=before.status)
        return note(sent, overtaken_by(sent))
    if before.status not in move.sources:
        if sent.offline and before.status in MEMBER_ALREADY[given.action]:
            return so_already(sent, member=before.status)
        raise InvalidTransition(
            f"Somebody of the crew who is {before.status} does not {given.action}.",
            status_now=before.status.value,
            allowed_actions=actions_of_member(visit.status, before.status),
        )
    data = {**data_of(given), "member_id": str(me)}
    if move.event is EventType.MEMBER_RESUMED:
        data["resumes"] = before.paused_from.value
    happened = Event(sent.ledger.order.event_count + 1, move.event, report.effective_at, data, sent.visit_id)
    now = crew_of([*told, happened])[me]
    set_member(sent.db, sent.ledger.organization_id, sent.visit_id, me, now)
    return tell(sent, [reported(move.event, sent.visit_id, report, data)], member=now.status)
