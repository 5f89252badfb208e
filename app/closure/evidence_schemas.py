"""Shapes of photos and signatures: as they come in, as they are promised, as they are shown."""

from typing import Annotated, Literal, Self, get_args
from uuid import UUID

from fastapi import UploadFile
from pydantic import Field, StringConstraints, model_validator

from app.closure.models import Evidence, EvidenceKind
from app.closure.strokes import Strokes
from app.kit.schemas import Code, Coordinates, In, Line, Out, Time, UtcTime

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
SignerRole = Literal["customer", "technician", "witness"]


def check_tag(kind: EvidenceKind, tag: str) -> None:
    """Who signs is one of three."""
    if kind is EvidenceKind.SIGNATURE and tag not in get_args(SignerRole):
        raise ValueError("the tag of a signature is customer, technician or witness")


class EvidenceIn(In):
    """A photo or a signature as JPEG, PNG or WebP of 15 MB at most; `id` is made on the device.

    `tag`: before, after, serial, damage, … for photos; customer, technician or witness for signatures. `lat` and
    `lng` come together. `document_hash`: of what was shown to who signed, SHA-256 of its canonical JSON (RFC 8785).
    What is kept is a new picture without anything but its pixels.
    """

    id: UUID
    kind: EvidenceKind
    tag: Code
    captured_at: Time | None = None
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lng: Annotated[float, Field(ge=-180, le=180)] | None = None
    signer_name: Line | None = None
    document_hash: Sha256 | None = None
    file: UploadFile

    @model_validator(mode="after")
    def _a_whole_place_and_a_signer(self) -> Self:
        check_tag(self.kind, self.tag)
        if (self.lat is None) is not (self.lng is None):
            raise ValueError("lat and lng come together")
        return self


class SignatureIn(In):
    """A signature as the lines of a pen; `id` is made on the device. `document_hash` as in a form with a picture."""

    id: UUID
    role: SignerRole
    strokes: Strokes
    signer_name: Line | None = None
    captured_at: Time | None = None
    location: Coordinates | None = None
    document_hash: Sha256 | None = None


class EvidenceOut(Out):
    """A photo or signature that we have. `reused`: the same picture was sent for another work order before.

    `original_sha256`: of the picture as it was sent; of a drawn signature, of the canonical JSON of its strokes.
    """

    id: UUID
    visit_id: UUID | None
    work_order_id: UUID
    kind: EvidenceKind
    tag: str
    signer_name: str | None
    document_hash: str | None
    mime: str
    size_bytes: int
    width: int
    height: int
    sha256: str
    original_sha256: str
    captured_at: UtcTime | None
    location: Coordinates | None
    reused: bool
    recorded_at: UtcTime

    @classmethod
    def of(cls, evidence: Evidence) -> Self:
        place = (
            Coordinates(lat=evidence.latitude, lng=evidence.longitude)
            if evidence.latitude is not None and evidence.longitude is not None
            else None
        )
        same = {name: getattr(evidence, name) for name in cls.model_fields if name != "location"}
        return cls(location=place, **same)


class PromisedEvidenceIn(In):
    """A photo or signature of this visit, uploaded or still on the device; `id` is the one that it is uploaded with."""

    id: UUID
    kind: EvidenceKind
    tag: Code
    sha256: Sha256 | None = None
    captured_at: Time | None = None
    location: Coordinates | None = None
    signer_name: Line | None = None
    document_hash: Sha256 | None = None
    """Of what was shown to who signed: SHA-256 of its canonical JSON (RFC 8785), in hex."""
    strokes: Strokes | None = None

    @model_validator(mode="after")
    def _a_signer(self) -> Self:
        check_tag(self.kind, self.tag)
        if self.strokes is not None and self.kind is not EvidenceKind.SIGNATURE:
            raise ValueError("only a signature has strokes")
        return self
