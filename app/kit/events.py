"""Features tell one another what happened, inside the same transaction. `app/wiring.py` says who listens."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Happened:
    """Something that happened, in the past tense."""

    organization_id: UUID
    at: datetime


def publish(db: Session, event: Happened) -> None:
    """Run the reactions to this event now, in the order in which the wiring lists them."""
    for react in db.info["reactions"].get(type(event), ()):
        react(db, event)
