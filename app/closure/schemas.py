"""Shapes of the routes of closure, evidence and review."""

from typing import Annotated, Any, Literal, Self, get_args
from uuid import UUID

from fastapi import UploadFile
from pydantic import Field, StringConstraints, model_validator

from app.closure.models import ClosureSubmission, Evidence, EvidenceKind
from app.domain.closure import VerdictKind
from app.domain.closure_rules import Met
from app.kit.schemas import Code, Coordinates, In, Int, Line, Out, SafeText, Time, UtcTime
from app.visits.schemas import Reported

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Scalar = bool | Int | Annotated[float, Field(allow_inf_nan=False)] | SafeText | None
Answer = Scalar | Annotated[list[Scalar], Field(max_length=100)]
SignerRole = Literal["customer", "technician", "witness"]
Text = Annotated[SafeText, Field(min_length=1, max_length=2000)]


def check_tag(kind: EvidenceKind, tag: str) -> None:
    """Who signs is one of three."""
    if kind is EvidenceKind.SIGNATURE and tag not in get_args(SignerRole):
        raise ValueError("the tag of a signature is customer, technician or witness")


class EvidenceIn(In):
    """A photo or a signature as JPEG, PNG or WebP of 15 MB at most; `id` is made on the device.

    `tag`: before, after, serial, damage, … for photos; customer, technician or witness for signatures. `lat` and
    `lng` come together. What is kept is a new picture without anything but its pixels.
    """

    id: UUID
    kind: EvidenceKind
    tag: Code
    captured_at: Time | None = None
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None
    lng: Annotated[float, Field(ge=-180, le=180)] | None = None
    signer_name: Line | None = None
    file: UploadFile

    @model_validator(mode="after")
    def _a_whole_place_and_a_signer(self) -> Self:
        check_tag(self.kind, self.tag)
        if (self.lat is None) is not (self.lng is None):
            raise ValueError("lat and lng come together")
        return self


class EvidenceOut(Out):
    """A photo or signature that we have. `reused`: the same picture was sent for another work order before."""

    id: UUID
    visit_id: UUID | None
    work_order_id: UUID
    kind: EvidenceKind
    tag: str
    signer_name: str | None
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

    @model_validator(mode="after")
    def _a_signer(self) -> Self:
        check_tag(self.kind, self.tag)
        return self


class RefusedSignatureIn(In):
    role: SignerRole
    reason: Text


class ClosureIn(Reported):
    """What the technician says is proof that the work is done; `answers`: checklist item → answer."""

    outcome: Literal["resolved"] = "resolved"
    resolution_code: Code | None = None
    cause_code: Code | None = None
    answers: Annotated[dict[Line, Answer], Field(max_length=500)] = Field(default_factory=dict)
    evidence: Annotated[list[PromisedEvidenceIn], Field(max_length=200)] = Field(default_factory=list)
    no_parts_used: bool = False
    refused_signatures: Annotated[list[RefusedSignatureIn], Field(max_length=3)] = Field(default_factory=list)
    reason: Text | None = None
    """Why somebody else than the technician completes the visit."""
    policy_version: Int | None = None
    """The policy the device went by; the visit's own is what counts, a difference is kept."""


class FindingOut(Out):
    """What one rule says; `met` is awaiting when it will be once promised evidence has arrived."""

    rule_id: str
    kind: str
    severity: str
    met: Met
    message: str
    how_to_fix: str
    facts: dict[str, Any]


class ReviewDecisionOut(Out):
    """What a supervisor decided."""

    decided_at: UtcTime
    decided_by: UUID | None
    text: str
    rule_ids: list[str]


class ClosureOut(Out):
    """A submission with its verdict.

    `unmet`: kept as a draft, the visit is still open, `findings` say what to fix. `awaiting_evidence`: the visit is
    completed; upload what `missing_evidence` lists. `pending_review`: a supervisor looks at it.
    """

    id: UUID
    visit_id: UUID
    work_order_id: UUID
    verdict: VerdictKind
    findings: list[FindingOut]
    missing_evidence: list[UUID]
    review: ReviewDecisionOut | None
    submitted: dict[str, Any]
    submitted_by: UUID | None
    occurred_at: UtcTime
    effective_at: UtcTime
    recorded_at: UtcTime

    @classmethod
    def of(cls, one: ClosureSubmission) -> Self:
        missing = [name for finding in one.findings for name in finding["facts"].get("missing", [])
                   if finding["rule_id"] == "evidence"]  # fmt: skip
        review = None
        if one.reviewed_at is not None:
            review = ReviewDecisionOut(
                decided_at=one.reviewed_at,
                decided_by=one.reviewed_by,
                text=one.review_text or "",
                rule_ids=one.review_rule_ids,
            )
        same = ("id", "visit_id", "work_order_id", "submitted_by", "occurred_at", "effective_at", "recorded_at")
        return cls(
            verdict=VerdictKind(one.verdict),
            findings=[FindingOut(**finding) for finding in one.findings],
            missing_evidence=missing,
            review=review,
            submitted=one.body,
            **{name: getattr(one, name) for name in same},
        )


class VisitClosureOut(Out):
    """What must be proven on this visit, what was sent, and where it stands: `verdict` is the last one."""

    visit_id: UUID
    policy: dict[str, Any]
    checklist: list[dict[str, Any]]
    verdict: VerdictKind | None
    submissions: list[ClosureOut]
    evidence: list[EvidenceOut]


class PendingReviewOut(Out):
    """A closure that waits for a supervisor, the longest waiting first."""

    submission_id: UUID
    work_order_id: UUID
    work_order_number: str
    work_order_version: int
    title: str
    visit_id: UUID
    technician_id: UUID | None
    reasons: list[str]
    findings: list[FindingOut]
    recorded_at: UtcTime


class ReviewIn(In):
    """A supervisor's decision; a send-back says which rules and why, and whether somebody must go there again."""

    decision: Literal["approve", "send_back"]
    rule_ids: Annotated[list[Line], Field(max_length=100)] = Field(default_factory=list)
    text: Annotated[SafeText, Field(max_length=2000)] = ""
    revisit: bool = False

    @model_validator(mode="after")
    def _a_send_back_says_why(self) -> Self:
        if self.decision == "send_back" and not self.text.strip():
            raise ValueError("say what must be put right")
        if self.decision == "approve" and self.revisit:
            raise ValueError("what is approved needs no other visit")
        return self


class ReviewOut(Out):
    """The closure as decided, and where that leaves the work order."""

    closure: ClosureOut
    work_order_id: UUID
    work_order_status: str
    work_order_version: int
