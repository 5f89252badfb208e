"""The life of a work order and of its visits: which command may follow which state, and what follows from it.

A work order is the promise made to a customer; a visit is one trip to keep it. Both tables below are the only
place that says what may happen: commands are checked against them, `allowed_actions` is computed from them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.roles import Role


class WorkOrderStatus(StrEnum):
    NEW = "new"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CLOSED = "closed"
    ON_HOLD = "on_hold"
    CANNOT_COMPLETE = "cannot_complete"
    CANCELED = "canceled"


class VisitStatus(StrEnum):
    SCHEDULED = "scheduled"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    NO_SHOW = "no_show"
    CANCELED = "canceled"


class Category(StrEnum):
    """What a status means, for ever; organizations may add labels and substatuses, never categories."""

    PLANNED = "planned"
    TRAVELLING = "travelling"
    WORKING = "working"
    DONE = "done"
    NOT_DONE = "not_done"
    CANCELED = "canceled"


V, W = VisitStatus, WorkOrderStatus

CATEGORY: Mapping[VisitStatus, Category] = {
    V.SCHEDULED: Category.PLANNED,
    V.DISPATCHED: Category.PLANNED,
    V.ACCEPTED: Category.PLANNED,
    V.EN_ROUTE: Category.TRAVELLING,
    V.ON_SITE: Category.WORKING,
    V.IN_PROGRESS: Category.WORKING,
    V.PAUSED: Category.WORKING,
    V.COMPLETED: Category.DONE,
    V.INCOMPLETE: Category.NOT_DONE,
    V.DECLINED: Category.NOT_DONE,
    V.NO_SHOW: Category.NOT_DONE,
    V.CANCELED: Category.CANCELED,
}

PLANNED = frozenset({V.SCHEDULED, V.DISPATCHED, V.ACCEPTED})
UNDERWAY = frozenset({V.EN_ROUTE, V.ON_SITE, V.IN_PROGRESS, V.PAUSED})
OPEN_VISIT = PLANNED | UNDERWAY
OPEN_WORK = frozenset({W.APPROVED, W.SCHEDULED, W.IN_PROGRESS, W.ON_HOLD})
BACKLOG = OPEN_WORK
ENDED_WORK = frozenset({W.COMPLETED, W.CLOSED, W.CANNOT_COMPLETE, W.CANCELED})


class Outcome(StrEnum):
    RESOLVED = "resolved"
    NOT_RESOLVED = "not_resolved"
    NO_ACCESS = "no_access"


class PauseReason(StrEnum):
    BREAK = "break"
    PARTS = "parts"
    CUSTOMER = "customer"
    TOOL = "tool"
    WEATHER = "weather"
    OTHER = "other"


class IncompleteReason(StrEnum):
    """Why a trip did not fix it: the reasons of the first-time-fix loss table."""

    PARTS = "parts"
    SKILL = "skill"
    DIAGNOSIS = "diagnosis"
    ACCESS = "access"
    TOOL = "tool"
    TIME = "time"
    EXTRA_SUPPORT = "extra_support"
    CUSTOMER = "customer"
    WEATHER_SAFETY = "weather_safety"


class Cause(StrEnum):
    """Who caused a cancellation or a change of plan."""

    CUSTOMER = "customer"
    US = "us"
    PARTNER = "partner"
    DUPLICATE = "duplicate"


class RequestedBy(StrEnum):
    CUSTOMER = "customer"
    US = "us"
    PARTNER = "partner"


class VisitAction(StrEnum):
    RESCHEDULE = "reschedule"
    REASSIGN = "reassign"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    DECLINE = "decline"
    DEPART = "depart"
    ARRIVE = "arrive"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    COMPLETE = "complete"
    END_INCOMPLETE = "end_incomplete"
    NO_ACCESS = "no_access"
    NO_SHOW = "no_show"
    CANCEL = "cancel"
    CORRECT_TIME = "correct_time"


class WorkOrderAction(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    SCHEDULE = "schedule"
    HOLD = "hold"
    RELEASE = "release"
    COMPLETE = "complete"
    CLOSE = "close"
    SEND_BACK = "send_back"
    CANNOT_COMPLETE = "cannot_complete"
    REOPEN = "reopen"
    CANCEL = "cancel"


CREW = frozenset({Role.TECHNICIAN, Role.PARTNER_TECHNICIAN})
DISPATCH = frozenset({Role.DISPATCHER, Role.ADMIN})
SUPERVISE = frozenset({Role.SUPERVISOR, Role.ADMIN})
PARTNER = frozenset({Role.PARTNER_MANAGER})


@dataclass(frozen=True, slots=True)
class VisitMove:
    """From any of `sources` to `target` (None: wherever it was before), by `roles`, with `requires` in the body."""

    sources: frozenset[VisitStatus]
    target: VisitStatus | None
    roles: frozenset[Role]
    requires: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkOrderMove:
    """From any of `sources`; where it leads is the derivation's business unless `target` says so."""

    sources: frozenset[WorkOrderStatus]
    target: WorkOrderStatus | None
    roles: frozenset[Role]
    requires: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


#: Read a row aloud: "a visit that is dispatched or accepted may be declined by its crew, with a reason_code".
VISIT_MOVES: Mapping[VisitAction, VisitMove] = {
    VisitAction.RESCHEDULE: VisitMove(
        PLANNED, V.SCHEDULED, DISPATCH | PARTNER, ("scheduled_start", "scheduled_end", "reason_code", "requested_by")
    ),
    VisitAction.REASSIGN: VisitMove(PLANNED, V.SCHEDULED, DISPATCH | PARTNER, ("technician_id", "reason_code")),
    VisitAction.DISPATCH: VisitMove(frozenset({V.SCHEDULED}), V.DISPATCHED, DISPATCH),
    VisitAction.ACCEPT: VisitMove(frozenset({V.DISPATCHED}), V.ACCEPTED, CREW | PARTNER),
    VisitAction.DECLINE: VisitMove(frozenset({V.DISPATCHED, V.ACCEPTED}), V.DECLINED, CREW | PARTNER, ("reason_code",)),
    VisitAction.DEPART: VisitMove(PLANNED, V.EN_ROUTE, CREW, (), ("eta_at",)),
    VisitAction.ARRIVE: VisitMove(PLANNED | {V.EN_ROUTE, V.NO_SHOW}, V.ON_SITE, CREW | DISPATCH, (), ("location",)),
    VisitAction.START: VisitMove(PLANNED | {V.EN_ROUTE, V.ON_SITE}, V.IN_PROGRESS, CREW),
    VisitAction.PAUSE: VisitMove(
        frozenset({V.EN_ROUTE, V.ON_SITE, V.IN_PROGRESS}), V.PAUSED, CREW, ("reason",), ("hold_reason",)
    ),
    VisitAction.RESUME: VisitMove(frozenset({V.PAUSED}), None, CREW),
    VisitAction.COMPLETE: VisitMove(
        frozenset({V.ON_SITE, V.IN_PROGRESS, V.PAUSED}), V.COMPLETED, CREW | SUPERVISE, (), ("resolution_code",)
    ),
    VisitAction.END_INCOMPLETE: VisitMove(
        UNDERWAY,
        V.INCOMPLETE,
        CREW | DISPATCH,
        ("reason",),
        ("remaining_tasks", "parts_needed", "next_visit_wish", "hold_reason"),
    ),
    VisitAction.NO_ACCESS: VisitMove(
        frozenset({V.EN_ROUTE, V.ON_SITE}), V.INCOMPLETE, CREW, ("wait_minutes", "call_attempts")
    ),
    VisitAction.NO_SHOW: VisitMove(PLANNED, V.NO_SHOW, DISPATCH),
    VisitAction.CANCEL: VisitMove(OPEN_VISIT, V.CANCELED, DISPATCH, ("cause", "reason")),
    VisitAction.CORRECT_TIME: VisitMove(
        frozenset({V.ON_SITE, V.IN_PROGRESS, V.PAUSED, V.COMPLETED, V.INCOMPLETE}),
        None,
        CREW | SUPERVISE,
        ("field", "value", "reason"),
    ),
}

WORK_ORDER_MOVES: Mapping[WorkOrderAction, WorkOrderMove] = {
    WorkOrderAction.APPROVE: WorkOrderMove(frozenset({W.NEW}), W.APPROVED, DISPATCH | SUPERVISE, ()),
    WorkOrderAction.REJECT: WorkOrderMove(frozenset({W.NEW}), W.CANCELED, DISPATCH, ("reason",), ("merged_into",)),
    WorkOrderAction.SCHEDULE: WorkOrderMove(
        frozenset({W.APPROVED, W.SCHEDULED, W.IN_PROGRESS}),
        None,
        DISPATCH | PARTNER,
        ("technician_id", "scheduled_start", "scheduled_end"),
        ("window_start", "window_end", "crew", "force_reason"),
    ),
    WorkOrderAction.HOLD: WorkOrderMove(
        frozenset({W.APPROVED, W.SCHEDULED, W.IN_PROGRESS}),
        W.ON_HOLD,
        DISPATCH | SUPERVISE,
        ("hold_reason",),
        ("expected_until",),
    ),
    WorkOrderAction.RELEASE: WorkOrderMove(frozenset({W.ON_HOLD}), None, DISPATCH | SUPERVISE),
    WorkOrderAction.COMPLETE: WorkOrderMove(
        frozenset({W.APPROVED, W.SCHEDULED, W.IN_PROGRESS}), W.COMPLETED, SUPERVISE, ("resolution_code",)
    ),
    WorkOrderAction.CLOSE: WorkOrderMove(frozenset({W.COMPLETED}), W.CLOSED, SUPERVISE),
    WorkOrderAction.SEND_BACK: WorkOrderMove(
        frozenset({W.COMPLETED}), None, SUPERVISE, ("rule_ids", "text"), ("revisit",)
    ),
    WorkOrderAction.CANNOT_COMPLETE: WorkOrderMove(
        OPEN_WORK | {W.COMPLETED}, W.CANNOT_COMPLETE, DISPATCH | SUPERVISE, ("reason", "customer_told")
    ),
    WorkOrderAction.REOPEN: WorkOrderMove(
        frozenset({W.COMPLETED, W.CLOSED, W.CANNOT_COMPLETE}), W.APPROVED, DISPATCH | SUPERVISE, ("reason",)
    ),
    WorkOrderAction.CANCEL: WorkOrderMove(
        frozenset({W.NEW}) | OPEN_WORK, W.CANCELED, DISPATCH | SUPERVISE, ("cause", "reason")
    ),
}

REOPEN_WINDOW_DAYS = 30


@dataclass(frozen=True, slots=True)
class AllowedAction:
    """A command that the caller may send now, with the data that it requires."""

    action: str
    requires: tuple[str, ...] = field(default=())
    optional: tuple[str, ...] = field(default=())


def allowed_on_visit(status: VisitStatus, roles: Iterable[Role]) -> list[AllowedAction]:
    """What a caller with these roles may do to a visit in this status, in the order of the table."""
    mine = frozenset(roles)
    return [
        AllowedAction(action.value, move.requires, move.optional)
        for action, move in VISIT_MOVES.items()
        if status in move.sources and mine & move.roles
    ]


def allowed_on_work_order(status: WorkOrderStatus, roles: Iterable[Role]) -> list[AllowedAction]:
    """What a caller with these roles may do to a work order in this status, in the order of the table."""
    mine = frozenset(roles)
    return [
        AllowedAction(action.value, move.requires, move.optional)
        for action, move in WORK_ORDER_MOVES.items()
        if status in move.sources and mine & move.roles
    ]
