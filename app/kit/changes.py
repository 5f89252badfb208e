"""What a transaction changes for those who keep copies: said where it is changed, worked off right before the commit.

A feature says `touch(db, organization_id, Kind.SITE, site_id)`; who holds a copy of it, and what the copy says now, is
found by the hooks that the wiring lists. They write last, so that what they lock is locked for a moment only.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session


class Kind(StrEnum):
    """What can be touched, and by which id."""

    WORK_ORDER = "work_order"
    SITE = "site"
    CONTACT = "contact"
    ASSET = "asset"
    STOCK = "stock"
    """The van of a technician, by the technician."""
    ISSUE = "issue"
    TECHNICIAN = "technician"
    CATALOG = "catalog"
    """What all technicians look things up in, by the organization."""
    CLOSING = "closing"
    """A work order that was closed, or that something was said about afterwards: it gets a certificate."""


@dataclass(slots=True)
class Changes:
    """All that one transaction has touched, in one organization."""

    organization_id: UUID
    ids: dict[Kind, set[UUID]] = field(default_factory=dict)

    def of(self, *kinds: Kind) -> set[UUID]:
        return {one for kind in kinds for one in self.ids.get(kind, ())}


Hook = Callable[[Session, Changes], None]


def touch(db: Session, organization_id: UUID, kind: Kind, *ids: UUID) -> None:
    """These things say something else from the end of this transaction on."""
    changes = db.info.get("changes")
    if changes is None:
        changes = db.info["changes"] = Changes(organization_id)
    assert changes.organization_id == organization_id, "one transaction, one organization"
    changes.ids.setdefault(kind, set()).update(ids)


def work_off(db: Session, hooks: Iterable[Hook]) -> None:
    """Let the hooks do what follows from all that was touched; nothing of ours is written after that."""
    changes: Changes | None = db.info.pop("changes", None)
    if changes is not None:
        for hook in hooks:
            hook(db, changes)
