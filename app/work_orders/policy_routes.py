"""`/v1/closure-policies`: what must be proven before work is closed, and for which work."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from app.identity.access import Caller, Db, Me, api_router
from app.kit import clock
from app.kit.paging import CursorUnreadable
from app.kit.problems import NotFound, Stale, VersionRequired, refuses
from app.kit.references import NoSuchCustomer, NoSuchPartner, NoSuchWorkType
from app.kit.schemas import Page
from app.kit.versions import UNCHANGED, IfMatch, IfNoneMatch, check_version, not_modified, versioned
from app.work_orders import policies
from app.work_orders import policy_queries as queries
from app.work_orders.policies import ClosurePolicyKeyTaken
from app.work_orders.policy_schemas import (
    CandidatesOut,
    ClosurePolicyChanges,
    ClosurePolicyFilters,
    ClosurePolicyIn,
    ClosurePolicyOut,
    ClosurePolicyVersionIn,
    MatchIn,
)
from app.work_orders.well_formed import PolicyNotWellFormed

router = api_router("/v1/closure-policies", "closure policies")
NO_SUCH_MATCH = (NoSuchWorkType, NoSuchCustomer, NoSuchPartner)


@router.get("", response_model=Page[ClosurePolicyOut], responses=refuses(CursorUnreadable))
def list_closure_policies(filters: Annotated[ClosurePolicyFilters, Query()], me: Me, db: Db) -> dict[str, Any]:
    """Closure policies with their newest rules, the newest first."""
    return queries.closure_policies_of(db, me, filters)


@router.post(
    "",
    response_model=ClosurePolicyOut,
    status_code=201,
    responses=refuses(ClosurePolicyKeyTaken, PolicyNotWellFormed, *NO_SUCH_MATCH),
)
def create_closure_policy(given: ClosurePolicyIn, me: Me, db: Db) -> Response:
    """Say what must be proven, and for which work: of the policies that match, the most specific counts."""
    policy = policies.create_closure_policy(db, given, by=me, at=clock.now())
    return versioned(_shown(db, me, policy.id), policy.version, status_code=201)


@router.get("/match", responses=refuses())
def match_closure_policies(work: Annotated[MatchIn, Query()], me: Me, db: Db) -> CandidatesOut:
    """Which closure policy would count for such work, and which others match it: the first one counts."""
    return CandidatesOut.model_validate({"items": queries.candidates_for(db, me, work)})


@router.get("/{policy_id}", response_model=ClosurePolicyOut, responses={**UNCHANGED, **refuses(NotFound)})
def get_closure_policy(
    policy_id: UUID,
    me: Me,
    db: Db,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    known: IfNoneMatch = None,
) -> Response:
    """A closure policy with its newest rules, or with those of the version named."""
    shown = _shown(db, me, policy_id, version)
    return not_modified(known, shown.version) or versioned(shown, shown.version)


@router.post(
    "/{policy_id}/versions",
    response_model=ClosurePolicyOut,
    status_code=201,
    responses=refuses(NotFound, PolicyNotWellFormed),
)
def create_closure_policy_version(policy_id: UUID, given: ClosurePolicyVersionIn, me: Me, db: Db) -> Response:
    """Add other rules. Visits that were dispatched keep theirs."""
    policy = queries.policy_record_for(db, me, policy_id, lock=True)
    policies.create_closure_policy_version(db, policy, given, by=me, at=clock.now())
    return versioned(_shown(db, me, policy.id), policy.version, status_code=201)


@router.patch(
    "/{policy_id}",
    response_model=ClosurePolicyOut,
    responses=refuses(NotFound, VersionRequired, Stale, *NO_SUCH_MATCH),
)
def update_closure_policy(
    policy_id: UUID, given: ClosurePolicyChanges, me: Me, db: Db, meant: IfMatch = None
) -> Response:
    """Change the name, the work that it is for, or whether it counts at all."""
    policy = queries.policy_record_for(db, me, policy_id, lock=True)
    check_version(meant, policy.version, current=lambda: _shown(db, me, policy_id))
    policies.update_closure_policy(db, policy, given, by=me)
    return versioned(_shown(db, me, policy.id), policy.version)


def _shown(db: Db, me: Caller, policy_id: UUID, version: int | None = None) -> ClosurePolicyOut:
    return ClosurePolicyOut.model_validate(queries.closure_policy_of(db, me, policy_id, version=version))
