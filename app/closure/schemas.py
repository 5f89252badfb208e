"""Shapes of submissions, verdicts and reviews."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.closure.evidence_schemas import EvidenceOut, PromisedEvidenceIn, SignerRole
from app.closure.models import ClosureSubmission, ClosureWaiver, ConfirmationAnswer, WaivedBy
from app.customers.schemas import ShortLine
from app.domain.closure import VerdictKind
from app.domain.closure_facts import Met
from app.kit.canonical import canonical_json
from app.kit.schemas import Code, In, Int, JsonObject, Line, Out, SafeText, Time, UtcTime
from app.visits.schemas import Location, Reported

Scalar = bool | Int | Annotated[float, Field(allow_inf_nan=False)] | SafeText | None
Answer = Scalar | Annotated[list[Scalar], Field(max_length=100)]
Text = Annotated[SafeText, Field(min_length=1, max_length=2000)]
MOST = 1_000_000_000_000
Number = Annotated[int, Field(ge=-MOST, le=MOST)] | Annotated[float, Field(ge=-MOST, le=MOST, allow_inf_nan=False)]
DOCUMENT_BYTES = 32_768


def _short_enough(document: dict[str, Any]) -> dict[str, Any]:
    if len(canonical_json(document)) > DOCUMENT_BYTES:
        raise ValueError(f"is longer than {DOCUMENT_BYTES} bytes as canonical JSON")
    return document


Document = Annotated[JsonObject, AfterValidator(_short_enough)]


class RefusedSignatureIn(In):
    role: SignerRole
    reason: Text


class WaiverIn(In):
    """Why a rule of the policy need not be met; `rule_id` is `evidence` for promised pictures that will never come."""

    rule_id: Line
    reason: Text


class SubmittedReadingIn(In):
    """What a meter of the asset showed."""

    label: Line
    value: Number
    unit: ShortLine | None = None


class ScanIn(In):
    """What a scanner read; `tag` says off what."""

    tag: Code | None = None
    value: Line


class TestIn(In):
    """What a functional test of this name came to: a number, a text, or whether it passed."""

    __test__ = False

    name: Line
    value: bool | Number | SafeText


class CustomerCodeIn(In):
    """Six digits that the customer told the technician. `checked`: how the device looked at them."""

    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    entered_at: Time
    checked: Literal["online", "offline"] = "online"


class ProofIn(In):
    """What is sent as proof, however it comes."""

    evidence: Annotated[list[PromisedEvidenceIn], Field(max_length=200)] = Field(default_factory=list)
    no_parts_used: bool = False
    refused_signatures: Annotated[list[RefusedSignatureIn], Field(max_length=3)] = Field(default_factory=list)
    waivers: Annotated[list[WaiverIn], Field(max_length=100)] = Field(default_factory=list)
    """Rules that the technician says cannot be met, where the policy lets technicians say so."""
    readings: Annotated[list[SubmittedReadingIn], Field(max_length=100)] = Field(default_factory=list)
    scans: Annotated[list[ScanIn], Field(max_length=100)] = Field(default_factory=list)
    tests: Annotated[list[TestIn], Field(max_length=100)] = Field(default_factory=list)
    shown: Annotated[list[Document], Field(max_length=5)] = Field(default_factory=list)
    """The documents that were shown to who signed, 32 KB each; a signature names one by its hash."""
    customer_code: CustomerCodeIn | None = None
    location: Location | None = None
    policy_version: Int | None = None
    """The policy the device went by; the terms are what counts, a difference is kept."""
    terms_id: UUID | None = None
    """The terms that the device went by: a newer policy never fails what was done under an older one."""


class ClosureIn(ProofIn, Reported):
    """What the technician says is proof that the work is done; `answers`: checklist item → answer."""

    outcome: Literal["resolved"] = "resolved"
    resolution_code: Code | None = None
    cause_code: Code | None = None
    answers: Annotated[dict[Line, Answer], Field(max_length=500)] = Field(default_factory=dict)
    reason: Text | None = None
    """Why somebody else than the technician completes the visit."""


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
    completed; upload what `missing_evidence` lists, by `evidence_due_at`. `pending_review`: a supervisor looks at it,
    by `review_due_at`. `waived`: taken although a rule is not met, see `waived`. `terms_id`: what it was judged by.
    """

    id: UUID
    visit_id: UUID
    work_order_id: UUID
    verdict: VerdictKind
    findings: list[FindingOut]
    missing_evidence: list[UUID]
    waived: list[str]
    review: ReviewDecisionOut | None
    terms_id: UUID | None
    submitted: dict[str, Any]
    submitted_by: UUID | None
    occurred_at: UtcTime
    effective_at: UtcTime
    recorded_at: UtcTime
    evidence_due_at: UtcTime | None
    review_due_at: UtcTime | None
    decided_at: UtcTime | None

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
        made = {"findings", "missing_evidence", "waived", "review", "submitted"}
        return cls(
            findings=[FindingOut(**finding) for finding in one.findings],
            missing_evidence=missing,
            waived=[finding["rule_id"] for finding in one.findings if finding["met"] == "waived"],
            review=review,
            submitted=one.body,
            **{name: getattr(one, name) for name in cls.model_fields if name not in made},
        )


class WaiverOut(Out):
    """Why a rule need not be met on a visit, and who said so. `role`: technician or supervisor."""

    id: UUID
    visit_id: UUID
    rule_id: str
    role: WaivedBy
    reason: str
    granted_by: UUID | None
    granted_at: UtcTime


class GrantedOut(Out):
    """The waiver, and the closure of the visit as it is now; null where nothing was sent yet."""

    waiver: WaiverOut
    closure: ClosureOut | None

    @classmethod
    def of(cls, waiver: ClosureWaiver, submission: ClosureSubmission | None) -> Self:
        closure = ClosureOut.of(submission) if submission is not None else None
        return cls(waiver=WaiverOut.model_validate(waiver), closure=closure)


class ConfirmationOut(Out):
    """What the customer was asked and said; `answer` is null while nobody has said anything in time."""

    id: UUID
    submission_id: UUID
    asked_at: UtcTime
    due_at: UtcTime
    answer: ConfirmationAnswer | None
    comment: str | None
    answered_at: UtcTime | None


class VisitClosureOut(Out):
    """What must be proven on this visit, what was sent, and where it stands: `verdict` is the last one."""

    visit_id: UUID
    terms_id: UUID | None
    policy: dict[str, Any]
    checklist: list[dict[str, Any]]
    verdict: VerdictKind | None
    submissions: list[ClosureOut]
    evidence: list[EvidenceOut]
    waivers: list[WaiverOut]
    confirmations: list[ConfirmationOut]


class PendingReviewOut(Out):
    """A closure that waits for a supervisor, and why; it never approves itself, but is `overdue` after `due_at`."""

    submission_id: UUID
    work_order_id: UUID
    work_order_number: str
    work_order_version: int
    title: str
    visit_id: UUID
    technician_id: UUID | None
    reasons: list[str]
    findings: list[FindingOut]
    waivers: list[WaiverOut]
    due_at: UtcTime | None
    overdue: bool
    recorded_at: UtcTime


class ReviewIn(In):
    """A supervisor's decision.

    A send-back says which rules and why, and whether somebody must go there again; a rejected closure cannot be mended:
    somebody must go there again.
    """

    decision: Literal["approve", "send_back", "reject"]
    rule_ids: Annotated[list[Line], Field(max_length=100)] = Field(default_factory=list)
    text: Annotated[SafeText, Field(max_length=2000)] = ""
    revisit: bool = False

    @model_validator(mode="after")
    def _a_send_back_says_why(self) -> Self:
        if self.decision != "approve" and not self.text.strip():
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
