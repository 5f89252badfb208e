"""Every closing, and every amendment, becomes a link of the organization's chain: signed, in the same transaction.

It is among the last things before the commit. What the link says is read first; only then is the end of the chain
locked, for the few statements that sign and write.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from app.certificates.codes import new_code
from app.certificates.content import content_of
from app.certificates.keys import lock_chain, signer_of
from app.certificates.material import Material, Row, head_of, read_material
from app.certificates.models import Certificate, CertificateKind
from app.domain.ledger import EventType
from app.domain.lifecycle import WorkOrderStatus
from app.kit import clock
from app.kit.canonical import canonical_json
from app.kit.changes import Changes, Kind
from app.kit.database import rows
from app.kit.ids import uuid7
from app.kit.objects import sha256_of

FORMAT, VERSION = "firstfix-certificate", 1


@dataclass(frozen=True, slots=True)
class Draft:
    """A link as far as it is known before it has its place in the chain."""

    id: UUID
    work_order_id: UUID
    kind: CertificateKind
    revision: int
    organization: Mapping[str, Any]
    content: Mapping[str, Any]


def seal(db: Session, changes: Changes) -> None:
    """Seal what was closed or amended in this transaction; what was undone in it again is left alone."""
    ids = sorted(changes.of(Kind.CLOSING))
    drafts = [draft for one in ids for draft in drafts_of(db, changes.organization_id, one)]
    if drafts:
        add_links(db, changes.organization_id, drafts, at=clock.now())


SEALED = """
SELECT id, kind, revision, code, document FROM certificates
WHERE organization_id = %(o)s AND work_order_id = %(id)s ORDER BY position
"""


def drafts_of(db: Session, organization_id: UUID, work_order_id: UUID) -> Iterator[Draft]:
    """What of a work order is closed, or said about it later, and not sealed yet. Its lock is held by the caller."""
    material = read_material(db, organization_id, work_order_id)
    sealed = rows(db, SEALED, o=organization_id, id=work_order_id)
    organization = {"id": organization_id, "name": material.names["organization"]}

    def draft(id: UUID, kind: CertificateKind, revision: int, content: Mapping[str, Any]) -> Draft:
        return Draft(id, work_order_id, kind, revision, organization, content)

    closings = [row for row in sealed if row["kind"] == CertificateKind.CLOSING]
    if _is_to_be_sealed(material, closings):
        revision = max((row["revision"] for row in closings), default=0) + 1
        yield draft(uuid7(), CertificateKind.CLOSING, revision, content_of(material))
    known = {row["id"] for row in sealed}
    revision = max((row["revision"] for row in sealed if row["kind"] == CertificateKind.AMENDMENT), default=0)
    for event in amendments_in(material):
        if (id := UUID(event["data"]["amendment_id"])) not in known:
            revision += 1
            about = amendment_content(material, event, closings[-1] if closings else None)
            yield draft(id, CertificateKind.AMENDMENT, revision, about)


def _is_to_be_sealed(material: Material, closings: Sequence[Row]) -> bool:
    closed = [row["seq"] for row in material.events if row["type"] == EventType.CLOSED]
    if material.order["status"] != WorkOrderStatus.CLOSED or not closed:
        return False
    return all(count_in(row["document"]) < closed[-1] for row in closings)


def count_in(document: bytes) -> int:
    """How many events a document has sealed; none when it cannot be read."""
    try:
        return int(orjson.loads(document)["ledger"]["count"])
    except (ValueError, KeyError, TypeError):
        return 0


def amendments_in(material: Material) -> list[Row]:
    return [row for row in material.events if row["type"] == EventType.CLOSURE_AMENDED]


def amendment_content(material: Material, event: Row, amended: Row | None) -> dict[str, Any]:
    """What an amendment says: of which closing, what, why, by whom, and the ledger up to it."""
    said = event["data"]
    events = [row for row in material.events if row["seq"] <= event["seq"]]
    return {
        "work_order": {"id": material.work_order_id, "number": material.order["number"]},
        "amends": None if amended is None else {"code": amended["code"], "revision": amended["revision"]},
        "amendment": {
            "id": said["amendment_id"],
            "text": said["text"],
            "reason": said["reason"],
            "changes": said["changes"],
            "by": event["actor_id"],
            "at": event["effective_at"].replace("+00:00", "Z"),
        },
        "ledger": {"count": len(events), "sha256": head_of(events)},
    }


END = """
SELECT position, sha256 FROM certificates WHERE organization_id = %(o)s ORDER BY position DESC LIMIT 1
"""
ADD = """
INSERT INTO certificates (organization_id, id, work_order_id, kind, revision, position, code, document, sha256,
                          previous_sha256, key_id, signature, sealed_at)
VALUES (%(organization_id)s, %(id)s, %(work_order_id)s, %(kind)s, %(revision)s, %(position)s, %(code)s, %(document)s,
        %(sha256)s, %(previous_sha256)s, %(key_id)s, %(signature)s, %(sealed_at)s)
"""
Sign = Callable[[bytes], bytes]


def add_links(db: Session, organization_id: UUID, drafts: Sequence[Draft], *, at: datetime) -> None:
    """Write the drafts to the end of the chain, which is locked from here until the transaction ends."""
    lock_chain(db, organization_id)
    signer = signer_of(db, organization_id, at=at)
    end = rows(db, END, o=organization_id)
    position, previous = (end[0]["position"], bytes(end[0]["sha256"])) if end else (0, bytes(32))
    for draft in drafts:
        position += 1
        link = linked(draft, position, previous, signer.key_id, at=at)
        rows(db, ADD, **link.model_dump(exclude={"signature"}), signature=signer.sign(link.document))
        previous = link.sha256


def linked(draft: Draft, position: int, previous: bytes, key_id: str, *, at: datetime) -> Certificate:
    """The link with its document; it lacks the signature."""
    organization_id = draft.organization["id"]
    code = new_code(organization_id)
    document = canonical_json(
        {
            "format": FORMAT,
            "version": VERSION,
            "kind": draft.kind,
            "id": draft.id,
            "organization": draft.organization,
            "code": code,
            "revision": draft.revision,
            "position": position,
            "previous_sha256": previous.hex(),
            "key_id": key_id,
            "sealed_at": at,
            **draft.content,
        }
    )
    return Certificate(
        organization_id=organization_id,
        id=draft.id,
        work_order_id=draft.work_order_id,
        kind=draft.kind,
        revision=draft.revision,
        position=position,
        code=code,
        document=document,
        sha256=bytes.fromhex(sha256_of(document)),
        previous_sha256=previous,
        key_id=key_id,
        signature=b"",
        sealed_at=at,
    )
