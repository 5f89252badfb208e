"""What the features above may react to."""

from dataclasses import dataclass
from uuid import UUID

from app.kit.events import Happened


@dataclass(frozen=True, kw_only=True, slots=True)
class VisitDispatched(Happened):
    work_order_id: UUID
    visit_id: UUID
