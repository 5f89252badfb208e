"""Proof of work: evidence, closure, review."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from app.closure import queries
from app.closure.commands.crew import ReviewerIsCrew
from app.closure.commands.review import EvidenceMissing, NothingToReview, UnknownRule, review
from app.closure.commands.submit import (
    ClosureAlreadySubmitted,
    ReasonRequired,
    WaiverRefused,
    WorkOrderClosed,
)
from app.closure.commands.submit import (
    submit_closure as submit,
)
from app.closure.commands.waive import AlreadyWaived, RuleNotWaivable, waive
from app.closure.evidence_schemas import EvidenceIn, EvidenceOut
from app.closure.receiving import receive_evidence
from app.closure.schemas import (
    ClosureIn,
    ClosureOut,
    GrantedOut,
    PendingReviewOut,
    ReviewIn,
    ReviewOut,
    VisitClosureOut,
    WaiverIn,
)
from app.identity.access import Db, Me, Running, api_router
from app.identity.streamed import Admitted, StreamedOperation
from app.kit import clock
from app.kit.images import ImageTooLarge, ImageTypeRefused, ImageUnreadable
from app.kit.objects import key_of
from app.kit.paging import CursorUnreadable, Paging
from app.kit.problems import NotAllowed, NotFound, Stale, VersionRequired, refuses
from app.kit.ranges import FILE_HEADERS
from app.kit.schemas import Page
from app.kit.versions import IfMatch, check_version
from app.visits.queries import visit_for
from app.work_orders.commands import IdReused, InvalidTransition
from app.work_orders.ledger import open_ledger
from app.work_orders.queries import described, work_order_for
from app.work_orders.schemas import WorkOrderOut

router = api_router("/v1", "closure")
evidence = APIRouter(prefix="/v1", tags=["closure"], route_class=StreamedOperation)
REPLAYED = "Idempotent-Replayed"


@evidence.post(
    "/visits/{visit_id}/evidence",
    status_code=201,
    responses=refuses(NotFound, IdReused, WorkOrderClosed, ImageTooLarge, ImageTypeRefused, ImageUnreadable),
)
async def upload_evidence(
    visit_id: UUID,
    given: Annotated[EvidenceIn, Form(media_type="multipart/form-data")],
    request: Request,
    response: Response,
    me: Admitted,
) -> EvidenceOut:
    """Send a photo or a signature of a visit. Safe to repeat: the id is the key."""
    kept, replayed = await receive_evidence(request, me, visit_id, given, at=clock.now())
    response.headers.update({REPLAYED: "true"} if replayed else {})
    return EvidenceOut.of(kept)


@router.get(
    "/evidence/{evidence_id}",
    response_class=Response,
    responses={
        200: {"description": "The picture.", "content": {"image/jpeg": {}, "image/png": {}}},
        **refuses(NotFound),
    },
)
def get_evidence(evidence_id: UUID, me: Me, db: Db, running: Running) -> Response:
    """The picture itself."""
    found = queries.evidence_for(db, me, evidence_id)
    data = running.objects.get(key_of(me.organization_id, found.sha256))
    name = f"{found.kind}-{found.id}.{found.mime.removeprefix('image/')}"
    headers = {**FILE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=found.mime, headers=headers)


@router.post(
    "/visits/{visit_id}/closure",
    status_code=201,
    responses=refuses(
        NotAllowed,
        NotFound,
        IdReused,
        InvalidTransition,
        ClosureAlreadySubmitted,
        WorkOrderClosed,
        ReasonRequired,
        WaiverRefused,
    ),
)
def submit_closure(visit_id: UUID, given: ClosureIn, response: Response, me: Me, db: Db) -> ClosureOut:
    """Say that the work is done and prove it. The verdict says what follows. Safe to repeat: the id is the key."""
    visit = visit_for(db, me, visit_id)
    submission, replayed = submit(db, visit, given, by=me, at=clock.now())
    response.headers.update({REPLAYED: "true"} if replayed else {})
    return ClosureOut.of(submission)


@router.get("/visits/{visit_id}/closure", responses=refuses(NotFound))
def get_visit_closure(visit_id: UUID, me: Me, db: Db) -> VisitClosureOut:
    """What must be proven on this visit, what was sent, and the verdict."""
    visit = visit_for(db, me, visit_id)
    return queries.closure_of(db, visit)


@router.post(
    "/visits/{visit_id}/waivers",
    status_code=201,
    responses=refuses(NotFound, ReviewerIsCrew, UnknownRule, RuleNotWaivable, AlreadyWaived, WorkOrderClosed),
)
def waive_rule(visit_id: UUID, given: WaiverIn, response: Response, me: Me, db: Db) -> GrantedOut:
    """Say why a rule need not be met on this visit; a draft that only this kept open completes the visit."""
    visit = visit_for(db, me, visit_id)
    waiver, submission, replayed = waive(db, visit, given, by=me, at=clock.now())
    response.headers.update({REPLAYED: "true"} if replayed else {})
    return GrantedOut.of(waiver, submission)


@router.get("/reviews", responses=refuses(CursorUnreadable))
def list_reviews(page: Paging, me: Me, db: Db) -> Page[PendingReviewOut]:
    """Closures that wait for a supervisor, those first that are due first."""
    items, next_cursor = queries.pending_reviews(db, me, page, now=clock.now())
    return Page(items=[PendingReviewOut(**item) for item in items], next_cursor=next_cursor)


@router.post(
    "/work-orders/{work_order_id}/reviews",
    status_code=201,
    responses=refuses(
        NotFound,
        ReviewerIsCrew,
        NothingToReview,
        EvidenceMissing,
        UnknownRule,
        InvalidTransition,
        Stale,
        VersionRequired,
    ),
)
def review_work_order(work_order_id: UUID, given: ReviewIn, me: Me, db: Db, meant: IfMatch = None) -> ReviewOut:
    """Approve a closure, or send it back or reject it and say why."""
    order = work_order_for(db, me, work_order_id)
    ledger = open_ledger(db, me.organization_id, order.id)
    check_version(meant, ledger.version, current=lambda: WorkOrderOut(**described(order, me)))
    submission = review(db, ledger, given, by=me, at=clock.now())
    return ReviewOut(
        closure=ClosureOut.of(submission),
        work_order_id=ledger.id,
        work_order_status=ledger.order.status,
        work_order_version=ledger.version,
    )
