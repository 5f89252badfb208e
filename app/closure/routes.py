"""Proof of work: evidence, closure, review."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Response

from app.closure import queries
from app.closure.commands.keep_evidence import keep_evidence
from app.closure.commands.review import EvidenceMissing, NothingToReview, ReviewerIsCrew, review
from app.closure.commands.submit import (
    ClosureAlreadySubmitted,
    ReasonRequired,
    WorkOrderClosed,
)
from app.closure.commands.submit import (
    submit_closure as submit,
)
from app.closure.schemas import (
    ClosureIn,
    ClosureOut,
    EvidenceIn,
    EvidenceOut,
    PendingReviewOut,
    ReviewIn,
    ReviewOut,
    VisitClosureOut,
)
from app.identity.access import Db, Me, Running, api_router
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
REPLAYED = "Idempotent-Replayed"


@router.post(
    "/visits/{visit_id}/evidence",
    status_code=201,
    responses=refuses(NotFound, IdReused, WorkOrderClosed, ImageTooLarge, ImageTypeRefused, ImageUnreadable),
)
def upload_evidence(
    visit_id: UUID,
    given: Annotated[EvidenceIn, Form(media_type="multipart/form-data")],
    response: Response,
    me: Me,
    db: Db,
) -> EvidenceOut:
    """Send a photo or a signature of a visit. Safe to repeat: the id is the key."""
    visit = visit_for(db, me, visit_id)
    evidence, replayed = keep_evidence(db, visit, given, given.file.file.read(), by=me, at=clock.now())
    response.headers.update({REPLAYED: "true"} if replayed else {})
    return EvidenceOut.of(evidence)


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
    evidence = queries.evidence_for(db, me, evidence_id)
    data = running.objects.get(key_of(me.organization_id, evidence.sha256))
    name = f"{evidence.kind}-{evidence.id}.{evidence.mime.removeprefix('image/')}"
    headers = {**FILE_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=evidence.mime, headers=headers)


@router.post(
    "/visits/{visit_id}/closure",
    status_code=201,
    responses=refuses(
        NotAllowed, NotFound, IdReused, InvalidTransition, ClosureAlreadySubmitted, WorkOrderClosed, ReasonRequired
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


@router.get("/reviews", responses=refuses(CursorUnreadable))
def list_reviews(page: Paging, me: Me, db: Db) -> Page[PendingReviewOut]:
    """Closures that wait for a supervisor, the longest waiting first."""
    items, next_cursor = queries.pending_reviews(db, me, page)
    return Page(items=[PendingReviewOut(**item) for item in items], next_cursor=next_cursor)


@router.post(
    "/work-orders/{work_order_id}/reviews",
    status_code=201,
    responses=refuses(
        NotFound, ReviewerIsCrew, NothingToReview, EvidenceMissing, InvalidTransition, Stale, VersionRequired
    ),
)
def review_work_order(work_order_id: UUID, given: ReviewIn, me: Me, db: Db, meant: IfMatch = None) -> ReviewOut:
    """Approve a closure, or send it back and say why."""
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
