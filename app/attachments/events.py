"""What happened to attachments."""

from dataclasses import dataclass
from uuid import UUID

from app.kit.events import Happened


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentStored(Happened):
    """All bytes are here, are what was announced, and are made safe to look at."""

    attachment_id: UUID
    visit_id: UUID
    work_order_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachmentMissing(Happened):
    """It was announced 14 days ago and no bytes came; the technician and the office should know."""

    attachment_id: UUID
    visit_id: UUID
    work_order_id: UUID
    technician_id: UUID | None
