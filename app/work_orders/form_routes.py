"""`/v1/forms`: checklists that several kinds of work share."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query

from app.identity.access import Db, Me, api_router
from app.kit import clock
from app.kit.paging import CursorUnreadable, Paging
from app.kit.problems import NotFound, refuses
from app.kit.schemas import Page
from app.work_orders import forms
from app.work_orders import policy_queries as queries
from app.work_orders.forms import FormKeyTaken
from app.work_orders.policy_schemas import FormIn, FormOut, FormVersionIn
from app.work_orders.well_formed import PolicyNotWellFormed

router = api_router("/v1/forms", "closure policies")


@router.get("", response_model=Page[FormOut], responses=refuses(CursorUnreadable))
def list_forms(page: Paging, me: Me, db: Db) -> dict[str, Any]:
    """Forms as they are now, the newest first."""
    return queries.forms_of(db, me, page)


@router.post("", response_model=FormOut, status_code=201, responses=refuses(FormKeyTaken, PolicyNotWellFormed))
def create_form(given: FormIn, me: Me, db: Db) -> dict[str, Any]:
    """Add a form. A closure policy names it in a checklist rule: `params.form` is its key."""
    form = forms.create_form(db, given, by=me, at=clock.now())
    return queries.form_of(db, me, form.id)


@router.get("/{form_id}", response_model=FormOut, responses=refuses(NotFound))
def get_form(
    form_id: UUID, me: Me, db: Db, version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> dict[str, Any]:
    """A form as its newest version, or the version named, says."""
    return queries.form_of(db, me, form_id, version=version)


@router.post(
    "/{form_id}/versions",
    response_model=FormOut,
    status_code=201,
    responses=refuses(NotFound, PolicyNotWellFormed),
)
def create_form_version(form_id: UUID, given: FormVersionIn, me: Me, db: Db) -> dict[str, Any]:
    """Add a version. Visits that were dispatched keep theirs, with all that was answered."""
    form = queries.form_for(db, me, form_id, lock=True)
    forms.create_form_version(db, form, given, by=me, at=clock.now())
    return queries.form_of(db, me, form.id)
