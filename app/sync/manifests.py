"""What everybody looks things up in: kept under the hash of what it says, announced in every feed when it changes."""

from uuid import UUID

from sqlmodel import Session

from app.identity.access import Caller
from app.kit import clock
from app.kit.changes import Changes, Kind
from app.kit.database import rows
from app.kit.problems import NotFound
from app.kit.runtime import Runtime
from app.sync.contents import put_manifests
from app.sync.entries import lock_feeds, pass_fence, write


def manifest_of(db: Session, me: Caller, sha256: str) -> bytes:
    """
    Raises:
        NotFound: nothing was ever kept under this hash.
    """
    query = "SELECT body FROM manifests WHERE organization_id = %(o)s AND sha256 = %(s)s"
    found = rows(db, query, o=me.organization_id, s=sha256) if sha256.isalnum() else []
    if not found:
        raise NotFound("There is no such manifest.", sha256=sha256[:64])
    return bytes(found[0]["body"])


def publish_manifests(runtime: Runtime, organization: str) -> None:
    """The catalog changed: every feed of the organization says where the new one is."""
    o = UUID(organization)
    with runtime.transaction(o) as db:
        pass_fence(db, o, alone=True)
        everybody = {row["id"] for row in rows(db, "SELECT id FROM feeds WHERE organization_id = %(o)s", o=o)}
        feeds = lock_feeds(db, o, set(), Changes(o, {Kind.TECHNICIAN: everybody}))
        at = clock.now()
        put_manifests(db, o, feeds, at=at, store=True)
        write(db, o, feeds.values(), at=at)
