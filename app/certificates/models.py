"""Certificates: what was closed, signed, each chained to the one before."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field
from sqlmodel import UTCDateTime as UtcDateTime

from app.kit.database import Table, belongs_to, index, one_of, time_field


class CertificateKind(StrEnum):
    CLOSING = "closing"
    AMENDMENT = "amendment"


class Certificate(Table, table=True):
    """A link of the organization's chain: what was closed, or what was said about it later. Rows are never changed."""

    __tablename__ = "certificates"
    __table_args__ = (
        belongs_to("work_orders", "work_order_id"),
        one_of(CertificateKind, "kind"),
        index("position", unique=True, name="uq_certificates_position"),
        index("work_order_id", "kind", "revision", unique=True, name="uq_certificates_work_order_id_kind_revision"),
        index("code", unique=True, name="uq_certificates_code"),
    )

    work_order_id: UUID
    kind: CertificateKind = Field(sa_type=sa.Text)
    revision: int
    """Counts the closings of the work order, or its amendments, from 1."""
    position: int = Field(sa_type=sa.BigInteger)
    """In the chain of the organization, from 1."""
    code: str
    """What people type to find it; no secret."""
    document: bytes
    """Canonical JSON (RFC 8785)."""
    sha256: bytes
    previous_sha256: bytes
    """Of the link before; 32 zero bytes for the first."""
    key_id: str
    signature: bytes
    """Ed25519 of the document."""
    sealed_at: datetime = Field(sa_type=UtcDateTime)


class SigningKey(Table, table=True):
    """An Ed25519 key of the organization. Public keys are kept for ever; the newest one that is not retired signs."""

    __tablename__ = "signing_keys"
    __table_args__ = (index("key_id", unique=True, name="uq_signing_keys_key_id"),)

    key_id: str
    public_key: bytes
    sealed_seed: bytes | None
    """The private seed under the program's secret; gone when the key is retired."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    retired_at: datetime | None = time_field()
