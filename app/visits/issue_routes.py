"""`/v1/issues`: where the field is not as the plan says, and what is to be done about it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from app.identity.access import Db, Me, api_router
from app.kit import clock
from app.kit.paging import CursorUnreadable
from app.kit.problems import NotFound, refuses
from app.kit.references import NoSuchTechnician
from app.kit.schemas import Page
from app.visits import queries
from app.visits.commands import resolving
from app.visits.commands.checks import ClosureRequired, MissingData
from app.visits.commands.planning import TechnicianNotAvailable, WindowNotWellFormed
from app.visits.commands.resolving import ChoiceNotOffered, IssueResolved
from app.visits.issue_schemas import IssueOut, IssueQuery, ResolutionIn
from app.work_orders.commands import InvalidTransition, ReopenWindowPassed

router = api_router("/v1/issues", "issues")


@router.get("", response_model=Page[IssueOut], responses=refuses(CursorUnreadable))
def list_issues(wanted: Annotated[IssueQuery, Query()], me: Me, db: Db) -> dict[str, Any]:
    """Field reality against plan: open issues first, the oldest first."""
    items, next_cursor = queries.issue_page(db, me, wanted)
    return {"items": items, "next_cursor": next_cursor}


@router.post(
    "/{issue_id}/resolution",
    response_model=IssueOut,
    responses=refuses(
        NotFound,
        IssueResolved,
        ChoiceNotOffered,
        MissingData,
        InvalidTransition,
        ClosureRequired,
        ReopenWindowPassed,
        TechnicianNotAvailable,
        WindowNotWellFormed,
        NoSuchTechnician,
    ),
)
def resolve_issue(issue_id: UUID, given: ResolutionIn, me: Me, db: Db) -> dict[str, Any]:
    """Choose what is to be done; it is done with the choice."""
    resolving.resolve_issue(db, issue_id, given, by=me, at=clock.now())
    return queries.issues_by_id(db, me.organization_id, [issue_id])[0]
