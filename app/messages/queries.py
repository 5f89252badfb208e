"""Reading messages to customers: whom one goes to, how, and what became of those of a work order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from app.customers.models import Channel
from app.domain.surveys import SuppressedReason, policy_from, sending_time
from app.identity.access import Caller
from app.kit.database import rows
from app.kit.paging import PageQuery, page_by_id
from app.messages.models import CustomerMessage
from app.work_orders.queries import work_order_for

#: `withdrawn`: the channels that the contact wants nothing by. The contact of the message, else of the work order.
RECIPIENT = """
SELECT w.number, w.is_test, o.name AS company, coalesce(o.settings -> 'surveys', '{}'::jsonb) AS hours,
       coalesce(c.time_zone, s.time_zone, w.time_zone, o.time_zone) AS zone,
       c.id AS contact_id, c.name, c.email, c.phone, c.language, c.channel,
       ARRAY(SELECT k.channel FROM (
           SELECT DISTINCT ON (channel) channel, state FROM contact_consents
           WHERE organization_id = w.organization_id AND contact_id = c.id ORDER BY channel, at DESC, id DESC) AS k
         WHERE k.state = 'withdrawn') AS withdrawn
FROM work_orders w
JOIN organizations o ON o.id = w.organization_id
LEFT JOIN contacts c ON c.organization_id = w.organization_id AND c.id = coalesce(%(contact)s::uuid, w.contact_id)
LEFT JOIN sites s ON s.organization_id = w.organization_id AND s.id = w.site_id
WHERE w.organization_id = %(o)s AND w.id = %(w)s
"""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is told, by `RECIPIENT`; what composers may say of them."""

    row: dict[str, Any]

    @property
    def contact_id(self) -> UUID | None:
        found: UUID | None = self.row["contact_id"]
        return found

    @property
    def name(self) -> str:
        return str(self.row["name"])

    @property
    def language(self) -> str:
        return self.row["language"] or "en"

    @property
    def company(self) -> str:
        return str(self.row["company"])

    @property
    def number(self) -> str:
        """Of the work order."""
        return str(self.row["number"])

    @property
    def zone(self) -> ZoneInfo:
        """UTC when there is none of that name."""
        try:
            return ZoneInfo(self.row["zone"] or "UTC")
        except (KeyError, ValueError, OSError):
            return ZoneInfo("UTC")

    def address(self, channel: Channel) -> str:
        """Where the channel leads; empty when it leads nowhere."""
        return {Channel.EMAIL: self.row["email"], Channel.SMS: self.row["phone"]}.get(channel) or ""

    def channel(self, wanted: Channel | None) -> Channel:
        """`wanted`, else what the contact prefers; the other one when there is no address for it."""
        if self.contact_id is None or self.row["channel"] == Channel.NONE:
            return Channel.NONE
        first = wanted or Channel(self.row["channel"])
        other = Channel.SMS if first is Channel.EMAIL else Channel.EMAIL
        return first if self.address(first) or not self.address(other) else other

    def why_not(self, channel: Channel) -> SuppressedReason | None:
        """Why nothing goes there: what customers must be told is not rationed, but their no is a no."""
        if self.row["is_test"]:
            return SuppressedReason.TEST
        if self.contact_id is None:
            return SuppressedReason.NO_CONTACT
        if Channel.NONE in (channel, self.row["channel"]) or channel in self.row["withdrawn"]:
            return SuppressedReason.OPTED_OUT
        return None if self.address(channel) else SuppressedReason.NO_CONTACT

    def allowed_at(self, at: datetime) -> datetime:
        """`at`, or the end of the quiet hours on the recipient's clock."""
        return sending_time(at, self.zone, policy_from(self.row["hours"]))


def recipient_of(db: Session, organization_id: UUID, work_order_id: UUID, contact_id: UUID | None = None) -> Recipient:
    db.flush()
    return Recipient(rows(db, RECIPIENT, o=organization_id, w=work_order_id, contact=contact_id)[0])


def messages_page(
    db: Session, caller: Caller, work_order_id: UUID, page: PageQuery
) -> tuple[Sequence[CustomerMessage], str | None]:
    """What the customer was told, or was not, about this work order: the newest first.

    Raises:
        NotFound: there is no such work order in the caller's reach.
    """
    order = work_order_for(db, caller, work_order_id)
    query = select(CustomerMessage).where(
        CustomerMessage.organization_id == caller.organization_id, CustomerMessage.work_order_id == order.id
    )
    return page_by_id(db, query, col(CustomerMessage.id), page, f"messages:{order.id}")
