"""Shapes of the routes of certificates."""

import base64
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.certificates import queries
from app.certificates.comparing import What
from app.certificates.keys import jwk_of
from app.certificates.models import Certificate, CertificateKind, SigningKey
from app.certificates.verifying import Verification
from app.kit.canonical import canonical_json
from app.kit.schemas import In, JsonObject, Out, SafeText, UtcTime

Text = Annotated[SafeText, Field(min_length=1, max_length=2000)]
Base64 = Annotated[str, StringConstraints(max_length=700_000, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
CHANGED_FIELDS, CHANGED_BYTES = 50, 16_384


def _are_changes(given: dict[str, Any]) -> dict[str, Any]:
    if len(given) > CHANGED_FIELDS or len(orjson.dumps(given)) > CHANGED_BYTES:
        raise ValueError(f"names more than {CHANGED_FIELDS} fields, or is longer than {CHANGED_BYTES} bytes")
    if any(not isinstance(one, dict) or set(one) != {"before", "after"} for one in given.values()):
        raise ValueError("each field says `before` and `after`")
    canonical_json(given)
    return given


class AmendmentIn(In):
    """What must be said about closed work; nothing of it is edited. `changes`: from field to `before` and `after`."""

    id: UUID
    text: Text
    reason: Text
    changes: Annotated[JsonObject, AfterValidator(_are_changes)] = Field(default_factory=dict)


class AmendmentOut(Out):
    id: UUID
    work_order_id: UUID
    text: str
    reason: str
    changes: dict[str, Any]
    amended_by: UUID
    amended_at: UtcTime


class KeyOut(Out):
    """A public key as a JSON Web Key (RFC 8037); `kid` is its thumbprint (RFC 7638)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    alg: Literal["EdDSA"]
    use: Literal["sig"]
    kid: str
    x: str
    created_at: UtcTime
    retired_at: UtcTime | None

    @classmethod
    def of(cls, key: SigningKey) -> Self:
        return cls(**jwk_of(key), created_at=key.created_at, retired_at=key.retired_at)


class KeysOut(Out):
    """A JSON Web Key Set: every key that certificates were ever signed with, the newest first."""

    keys: list[KeyOut]


class DifferenceOut(Out):
    """Something is not as it was sealed. `part`: where; `id`: of what, where it has one."""

    part: str
    id: str | None
    what: What
    detail: str


class LaterOut(Out):
    """Something came after the sealing, and changes nothing of what was sealed."""

    part: str
    id: str | None
    detail: str
    at: str | None


class VerificationOut(Out):
    """`valid` when nothing differs; `newer_code`: the work was opened and closed again, and this is its newest one."""

    valid: bool
    differences: list[DifferenceOut]
    later: list[LaterOut]
    newer_code: str | None

    @classmethod
    def of(cls, found: Verification) -> Self:
        return cls(
            valid=found.is_valid,
            differences=[DifferenceOut.model_validate(one) for one in found.differences],
            later=[LaterOut.model_validate(one) for one in found.later],
            newer_code=found.newer.code if found.newer else None,
        )


class LinkOut(Out):
    """A signed link of the chain. `document_base64`: the very bytes that `sha256` and `signature` are of."""

    code: str
    kind: CertificateKind
    revision: int
    position: int
    sealed_at: UtcTime
    document: dict[str, Any]
    document_base64: str
    sha256: str
    previous_sha256: str
    key_id: str
    signature: str

    @classmethod
    def of(cls, link: Certificate, **more: Any) -> Self:
        return cls(
            code=link.code,
            kind=CertificateKind(link.kind),
            revision=link.revision,
            position=link.position,
            sealed_at=link.sealed_at,
            document=queries.document_of(link) or {},
            document_base64=base64.b64encode(link.document).decode(),
            sha256=link.sha256.hex(),
            previous_sha256=link.previous_sha256.hex(),
            key_id=link.key_id,
            signature=base64.b64encode(link.signature).decode(),
            **more,
        )


class CertificateOut(LinkOut):
    """The certificate of a closing, with what was said about it later and whether all is as it was sealed."""

    url: str
    work_order_id: UUID
    key: KeyOut | None
    amendments: list[LinkOut]
    verification: VerificationOut

    @classmethod
    def described(cls, found: Verification, *, url: str) -> Self:
        return cls.of(
            found.link,
            url=url,
            work_order_id=found.link.work_order_id,
            key=KeyOut.of(found.key) if found.key else None,
            amendments=[LinkOut.of(one) for one in found.amendments],
            verification=VerificationOut.of(found),
        )


class VerifyIn(In):
    """A code; or a document, as its bytes in base64 or as JSON, with its signature when there is one to check."""

    code: Annotated[str, StringConstraints(max_length=64)] | None = None
    document: JsonObject | Base64 | None = None
    signature: Base64 | None = None
    key_id: Annotated[str, StringConstraints(max_length=64)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.code is None) is (self.document is None):
            raise ValueError("name a code or send a document")
        if self.document is None and (self.signature is not None or self.key_id is not None):
            raise ValueError("a signature is of a document")
        return self


class VerifiedOut(VerificationOut):
    """`reasons` why it is not valid: document_unreadable, document_differs, signature_invalid, key_unknown, changed."""

    code: str | None
    kind: CertificateKind | None
    revision: int | None
    sealed_at: UtcTime | None
    reasons: list[Literal["document_unreadable", "document_differs", "signature_invalid", "key_unknown", "changed"]]
