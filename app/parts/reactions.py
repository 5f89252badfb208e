"""What parts do when others say that something happened."""

from sqlmodel import Session

from app.parts.field_commands import request_needed_parts
from app.visits.events import PartsNeeded


def request_parts(db: Session, event: PartsNeeded) -> None:
    """A trip ended without a solution for want of parts: the store is asked for them."""
    request_needed_parts(db, event)
