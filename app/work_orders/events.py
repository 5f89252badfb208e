"""What the features above may react to."""

from dataclasses import dataclass
from uuid import UUID

from app.kit.events import Happened


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkOrderCompleted(Happened):
    """All visits have ended and the last outcome is resolved; `visit_id` is None for a remote fix."""

    work_order_id: UUID
    visit_id: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkOrderClosed(Happened):
    """The work is proven and closed."""

    work_order_id: UUID
    first_time: bool
