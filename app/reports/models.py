"""Service reports: the customer's copy of what was done."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.kit.database import Table, belongs_to, index


class ServiceReport(Table, table=True):
    """The customer's copy of what was done, behind a link of its own; made anew whenever it is read."""

    __tablename__ = "service_reports"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        index("work_order_id", unique=True, name="uq_service_reports_work_order_id"),
        index("token_hash", unique=True, name="uq_service_reports_token_hash"),
    )

    work_order_id: UUID
    token_hash: bytes
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
