"""Forms: checklists that several kinds of work share. A version is never changed, a new one is added."""

from datetime import datetime

from sqlmodel import Session

from app.identity.access import Caller
from app.kit.problems import RuleBroken
from app.kit.references import unique
from app.work_orders.models import Form, FormVersion
from app.work_orders.policy_schemas import FormIn, FormVersionIn
from app.work_orders.well_formed import check_proofs


class FormKeyTaken(RuleBroken):
    code = "form-key-taken"


def create_form(db: Session, given: FormIn, *, by: Caller, at: datetime) -> Form:
    """A new form, at version 1.

    Raises:
        FormKeyTaken: there is one with this key.
        PolicyNotWellFormed: its items have mistakes.
    """
    check_proofs(checklists={"items": given.items})
    form = Form(organization_id=by.organization_id, key=given.key)
    with unique(db, {"uq_forms_key": FormKeyTaken}):
        db.add(form)
    _add_version(db, form, given, by=by, at=at)
    return form


def create_form_version(db: Session, form: Form, given: FormVersionIn, *, by: Caller, at: datetime) -> None:
    """What is asked on visits that are planned or dispatched from now on. The row is locked.

    Raises:
        PolicyNotWellFormed: its items have mistakes.
    """
    check_proofs(checklists={"items": given.items})
    form.current_version += 1
    _add_version(db, form, given, by=by, at=at)


def _add_version(db: Session, form: Form, given: FormVersionIn, *, by: Caller, at: datetime) -> None:
    db.add(
        FormVersion(
            organization_id=form.organization_id,
            form_id=form.id,
            version=form.current_version,
            title=given.title,
            items=given.items,
            created_at=at,
            created_by=by.person_id,
        )
    )
    db.flush()
