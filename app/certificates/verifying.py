"""Is everything as it was sealed? All of it is computed again: from the rows, the objects' bytes, and the chain.

What does not follow from the certificate alone is looked at too: that the caches of the work order say what its events
say, and that closed work has a certificate at all.
"""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from app.certificates import keys, queries
from app.certificates.comparing import (
    Difference,
    Later,
    amendment_compared,
    amendment_event,
    compared,
)
from app.certificates.material import Material, read_material
from app.certificates.models import Certificate, CertificateKind, SigningKey
from app.certificates.sealing import FORMAT, VERSION, count_in
from app.domain.ledger import EventType
from app.domain.lifecycle import WorkOrderStatus
from app.kit.canonical import canonical_json
from app.kit.database import utc_iso
from app.kit.objects import Objects, key_of
from app.kit.problems import Unavailable
from app.kit.runtime import runtime_of
from app.visits.replayed import differences as cache_differences


@dataclass(slots=True)
class Verification:
    """What became of a certificate."""

    link: Certificate
    document: Mapping[str, Any] | None
    key: SigningKey | None
    amendments: Sequence[Certificate] = ()
    newer: Certificate | None = None
    """The certificate of a later closing of the same work order."""
    differences: list[Difference] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)

    @property
    def is_valid(self) -> bool:
        return not self.differences

    @property
    def is_authentic(self) -> bool:
        """Whether the document is what was sealed, whatever has become of the work."""
        own = str(self.link.id)
        return not any(one.part in OF_THE_DOCUMENT and one.id == own for one in self.differences)


NOT_OURS = (
    "Nothing shows that this program made the key: it is not sealed under its secret, nor under one that "
    "FIRSTFIX_PREVIOUS_SECRET_KEYS names."
)
#: So many are checked at once in this process: each reads every photo of the work, and whoever has a code may ask.
AT_ONCE = 4
WAIT_SECONDS = 2.0
_places = threading.BoundedSemaphore(AT_ONCE)
#: When one of these is not right, the document is not what was sealed, and there is nothing to compare with.
OF_THE_DOCUMENT = frozenset({"document", "certificate", "key", "signature"})


def verify(db: Session, link: Certificate) -> Verification:
    """Look at everything that the link speaks of; twice when something is not right.

    Somebody may have been in the middle of a change: what is wrong is still wrong a moment later.

    Raises:
        Unavailable: too many are being checked.
    """
    look = _closing if link.kind == CertificateKind.CLOSING else _amendment
    if not _places.acquire(timeout=WAIT_SECONDS):
        raise Unavailable("Too many certificates are being checked; try again.")
    try:
        found = look(db, link)
        if found.is_valid:
            return found
        db.expire_all()
        return look(db, link)
    finally:
        _places.release()


def _closing(db: Session, link: Certificate) -> Verification:
    links = queries.links_of(db, link.organization_id, link.work_order_id)
    material = read_material(db, link.organization_id, link.work_order_id)
    known, made = _begun(db, link)
    made.amendments = queries.amendments_of(links, link.code)
    made.newer = next((one for one in reversed(links) if _is_newer(one, link)), None)
    if made.document is not None and made.is_authentic:
        what = compared(made.document, material)
        made.differences += what.differences
        made.later += what.later
        made.differences += _bytes(runtime_of(db).objects, link, made.document)
    for amendment in (one for one in links if one.kind == CertificateKind.AMENDMENT):
        made.differences += link_differences(db, amendment, known)
        made.differences += amendment_differences(amendment, material)
    made.differences += _unsealed(links, material)
    made.differences += _caches(db, link)
    return made


def _amendment(db: Session, link: Certificate) -> Verification:
    _, made = _begun(db, link)
    made.differences += amendment_differences(link, read_material(db, link.organization_id, link.work_order_id))
    return made


def _begun(db: Session, link: Certificate) -> tuple[dict[str, SigningKey], Verification]:
    known = {key.key_id: key for key in keys.keys_of(db, link.organization_id)}
    made = Verification(link, queries.document_of(link), known.get(link.key_id))
    made.differences += link_differences(db, link, known)
    return known, made


def _is_newer(one: Certificate, link: Certificate) -> bool:
    return one.kind == CertificateKind.CLOSING and one.revision > link.revision


def link_differences(db: Session, link: Certificate, known: Mapping[str, SigningKey]) -> Iterator[Difference]:
    """What is wrong with the link itself: its bytes, its columns, its signature, its place in the chain."""
    document = queries.document_of(link)
    if hashlib.sha256(link.document).digest() != link.sha256:
        yield _of(link, "document", "Its bytes do not have its SHA-256.")
    if document is None or not _is_canonical(document, link.document):
        yield _of(link, "document", "It is no canonical JSON.")
        return
    columns = _columns(link)
    names = [name for name, value in columns.items() if document.get(name) != value]
    for name, id in (("organization", link.organization_id), ("work_order", link.work_order_id)):
        if queries.part_of(document, name).get("id") != str(id):
            names.append(name)
    if names:
        yield _of(link, "certificate", f"The document says otherwise: {', '.join(names)}.")
    yield from _signature(db, link, known)
    yield from _place(db, link)


def _is_canonical(document: Mapping[str, Any], written: bytes) -> bool:
    try:
        return canonical_json(document) == written
    except ValueError:
        return False


def _columns(link: Certificate) -> dict[str, Any]:
    """What the document must say about the link that it is in."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": str(link.id),
        "kind": str(link.kind),
        "code": link.code,
        "revision": link.revision,
        "position": link.position,
        "previous_sha256": link.previous_sha256.hex(),
        "key_id": link.key_id,
        "sealed_at": utc_iso(link.sealed_at),
    }


def _signature(db: Session, link: Certificate, known: Mapping[str, SigningKey]) -> Iterator[Difference]:
    key = known.get(link.key_id)
    if key is None:
        yield _of(link, "key", f"There is no key {link.key_id}.", what="missing")
    elif keys.thumbprint(key.public_key) != key.key_id:
        yield _of(link, "key", "The public key does not have this name.")
    elif not keys.is_ours(db, key):
        yield _of(link, "key", NOT_OURS)
    elif not keys.is_signed(key.public_key, link.signature, link.document):
        yield _of(link, "signature", "It is not the key's signature of this document.")


def _place(db: Session, link: Certificate) -> Iterator[Difference]:
    before = queries.link_at(db, link.organization_id, link.position - 1)
    after = queries.link_at(db, link.organization_id, link.position + 1)
    expected = before.sha256 if before is not None else bytes(32)
    if link.position > 1 and before is None:
        yield _of(link, "chain", f"Link {link.position - 1} is gone.", what="missing")
    elif link.previous_sha256 != expected:
        yield _of(link, "chain", "It does not follow the link before.")
    if after is not None and after.previous_sha256 != link.sha256:
        yield _of(link, "chain", "The next link does not follow it.")


def _of(link: Certificate, part: str, detail: str, *, what: Any = "changed") -> Difference:
    return Difference(part, str(link.id), what, detail)


def amendment_differences(link: Certificate, material: Material) -> Iterator[Difference]:
    document = queries.document_of(link)
    said = queries.part_of(document, "amendment")
    if document is not None and said:
        yield from amendment_compared(document, material, amendment_event(material, str(said.get("id"))))


def _bytes(objects: Objects, link: Certificate, document: Mapping[str, Any]) -> Iterator[Difference]:
    """Each photo and each signature, read to the end."""
    for entry in document["evidence"]:
        key = key_of(link.organization_id, entry["sha256"])
        size = objects.size(key)
        if size is None:
            yield Difference("bytes", entry["id"], "missing", "The object is gone.")
        elif size != entry["size_bytes"] or _hash_of(objects, key) != entry["sha256"]:
            yield Difference("bytes", entry["id"], "changed", "The object has other bytes.")


def _hash_of(objects: Objects, key: str) -> str:
    hashed = hashlib.sha256()
    for piece in objects.stream(key):
        hashed.update(piece)
    return hashed.hexdigest()


def _unsealed(links: Sequence[Certificate], material: Material) -> Iterator[Difference]:
    """Closed work whose last closing, or an amendment, no link speaks of."""
    closed = [row["seq"] for row in material.events if row["type"] == EventType.CLOSED]
    closings = [count_in(one.document) for one in links if one.kind == CertificateKind.CLOSING]
    if closed and material.order["status"] == WorkOrderStatus.CLOSED and max(closings, default=0) < closed[-1]:
        yield Difference("certificates", None, "missing", "The last closing has no certificate.")
    sealed = {str(one.id) for one in links}
    for row in material.events:
        if row["type"] == EventType.CLOSURE_AMENDED and row["data"].get("amendment_id") not in sealed:
            yield Difference("amendments", row["data"].get("amendment_id"), "missing", "It has no certificate.")


def _caches(db: Session, link: Certificate) -> Iterator[Difference]:
    """What is shown of the work order and its visits, beside what their events say."""
    try:
        for one in cache_differences(db, link.organization_id, link.work_order_id):
            yield Difference("caches", str(link.work_order_id), "changed", one.where)
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError):
        yield Difference("caches", str(link.work_order_id), "changed", "They cannot be read.")
