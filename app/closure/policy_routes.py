"""`/v1/closure-policies/dry-runs`: what other rules would have said."""

from app.closure.dry_run import PeriodNotWellFormed, dry_run
from app.closure.dry_run_schemas import DryRunIn, DryRunOut
from app.identity.access import Db, Me, api_router
from app.kit import clock
from app.kit.problems import NotFound, refuses
from app.work_orders.well_formed import PolicyNotWellFormed

router = api_router("/v1/closure-policies", "closure policies")


@router.post("/dry-runs", responses=refuses(NotFound, PolicyNotWellFormed, PeriodNotWellFormed))
def dry_run_closure_policy(given: DryRunIn, me: Me, db: Db) -> DryRunOut:
    """Try rules out on closures that were decided: which would have had another verdict. Nothing is changed."""
    return dry_run(db, given, by=me, at=clock.now())
