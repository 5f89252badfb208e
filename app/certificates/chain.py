"""The whole chain of an organization, link by link, and whether all closed work is in it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from sqlmodel import Session

from app.certificates.comparing import Difference
from app.certificates.queries import link_at
from app.certificates.verifying import verify
from app.identity.queries import every_organization
from app.kit.database import rows
from app.kit.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Found:
    """Something that is not as it was sealed; `code`: of the certificate where it was seen."""

    organization_id: UUID
    code: str | None
    difference: Difference


@dataclass(slots=True)
class Walk:
    """How far it has come. `ends`: from organization to the last position and its SHA-256, to be written down."""

    links: int = 0
    total: int = 0
    ends: dict[UUID, tuple[int, str]] = field(default_factory=dict)


LENGTH = "SELECT coalesce(max(position), 0) AS last FROM certificates WHERE organization_id = %(o)s"


def walk(
    runtime: Runtime,
    so_far: Walk,
    *,
    only: UUID | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> Iterator[Found]:
    """Every difference in the chains of all organizations, or of `only` one; each is told once."""
    for organization_id in [only] if only else every_organization(runtime):
        told: set[Difference] = set()
        for code, difference in _links(runtime, organization_id, so_far, on_progress):
            if difference not in told:
                told.add(difference)
                yield Found(organization_id, code, difference)
        with runtime.transaction(organization_id) as db:
            unsealed = list(closed_without_certificate(db, organization_id))
        for difference in unsealed:
            yield Found(organization_id, None, difference)


def _links(
    runtime: Runtime, organization_id: UUID, so_far: Walk, on_progress: Callable[[], None]
) -> Iterator[tuple[str | None, Difference]]:
    with runtime.transaction(organization_id) as db:
        last = rows(db, LENGTH, o=organization_id)[0]["last"]
    so_far.total += last
    for position in range(1, last + 1):
        with runtime.transaction(organization_id) as db:
            link = link_at(db, organization_id, position)
            found = verify(db, link) if link is not None else None
            if link is not None and found is not None:
                so_far.ends[organization_id] = (position, link.sha256.hex())
        if link is None or found is None:
            yield None, Difference("chain", None, "missing", f"There is no link {position}.")
        else:
            yield from ((link.code, difference) for difference in found.differences)
        so_far.links += 1
        on_progress()


#: Work that was closed before the first link is not in the chain, nor is what was imported as closed.
UNSEALED = """
SELECT w.id, w.number FROM work_orders w
WHERE w.organization_id = %(o)s AND w.status = 'closed'
  AND EXISTS (SELECT FROM events e WHERE e.organization_id = w.organization_id AND e.work_order_id = w.id
                AND e.type = 'work_order.closed'
                AND e.recorded_at >= (SELECT min(sealed_at) FROM certificates WHERE organization_id = %(o)s))
  AND NOT EXISTS (SELECT FROM certificates c WHERE c.organization_id = w.organization_id AND c.work_order_id = w.id)
ORDER BY w.id
"""


def closed_without_certificate(db: Session, organization_id: UUID) -> Iterator[Difference]:
    for row in rows(db, UNSEALED, o=organization_id):
        yield Difference("certificates", str(row["id"]), "missing", f"{row['number']} is closed and has none.")
