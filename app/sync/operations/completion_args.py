"""What a device says when the work is done: everything in one piece."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from app.closure.evidence_schemas import Sha256
from app.closure.schemas import Answer, ProofIn
from app.closure.strokes import Strokes
from app.kit.schemas import Code, In, Line, Quantity, Time


class PartArg(In):
    part: Line
    qty: Quantity
    kind: Literal["used", "returned"] = "used"
    serials: Annotated[list[Line], Field(max_length=200)] = Field(default_factory=list)


class LabourArg(In):
    kind: Literal["travel", "work", "break"] = "work"
    started_at: Time
    ended_at: Time
    reason: Line | None = None


class SignatureArg(In):
    """A signature that is uploaded as an attachment of this id, or comes here as strokes."""

    attachment_id: UUID
    name: Line | None = None
    role: Literal["customer", "technician", "witness"] = "customer"
    document_hash: Sha256 | None = None
    strokes: Strokes | None = None


class CompleteArgs(In):
    """What is done at the end, in one piece: nothing of it is applied without the rest."""

    resolution: Code | None = None
    cause: Code | None = None
    checklist: Annotated[dict[Line, Answer], Field(max_length=500)] = Field(default_factory=dict)
    parts: Annotated[list[PartArg], Field(max_length=100)] = Field(default_factory=list)
    labour: Annotated[list[LabourArg], Field(max_length=100)] = Field(default_factory=list)
    signature: SignatureArg | None = None
    closure: ProofIn = Field(default_factory=ProofIn)
