"""Ids and unique names that a request brings along: refused in our words where the database would refuse them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.kit.database import rows
from app.kit.problems import RuleBroken, Unprocessable


class NoSuchReference(Unprocessable):
    """The body names something by an id that the organization does not have."""

    code = "reference-unknown"
    table: ClassVar[str]
    field: ClassVar[str]


class NoSuchCustomer(NoSuchReference):
    code, table, field = "no-such-customer", "customers", "customer_id"


class NoSuchContact(NoSuchReference):
    code, table, field = "no-such-contact", "contacts", "contact_id"


class NoSuchSite(NoSuchReference):
    code, table, field = "no-such-site", "sites", "site_id"


class NoSuchAsset(NoSuchReference):
    code, table, field = "no-such-asset", "assets", "asset_id"


class NoSuchPartner(NoSuchReference):
    code, table, field = "no-such-partner", "partners", "partner_id"


class NoSuchTeam(NoSuchReference):
    code, table, field = "no-such-team", "teams", "team_id"


class NoSuchTechnician(NoSuchReference):
    code, table, field = "no-such-technician", "technicians", "technician_id"


class NoSuchWorkType(NoSuchReference):
    code, table, field = "no-such-work-type", "work_types", "work_type_id"


class NoSuchWorkOrder(NoSuchReference):
    code, table, field = "no-such-work-order", "work_orders", "work_order_id"


class NoSuchCallbackOrigin(NoSuchReference):
    code, table, field = "no-such-callback-origin", "work_orders", "callback_of"


class NoSuchMergeTarget(NoSuchReference):
    code, table, field = "no-such-merge-target", "work_orders", "merged_into"


class ExternalRefTaken(RuleBroken):
    """Something else of this kind has this `external_ref`."""

    code = "external-ref-taken"


def check_references(
    db: Session, organization_id: UUID, given: Mapping[type[NoSuchReference], UUID | None], *, within: str = "/body"
) -> None:
    """Let ids pass that the organization has (None names nothing); one statement for all of them.

    Args:
        within: the JSON pointer of what they are fields of.

    Raises:
        NoSuchReference: the subclass of the first id that is not there, another organization's included.
    """
    named = {kind: value for kind, value in given.items() if value is not None}
    if not named:
        return
    asked = ", ".join(
        f"EXISTS (SELECT FROM {kind.table} WHERE organization_id = %(o)s AND id = %({kind.table})s) AS {kind.table}"
        for kind in named
    )
    values = {kind.table: value for kind, value in named.items()}
    found = rows(db, f"SELECT {asked}", o=organization_id, **values)[0]
    for kind, value in named.items():
        if not found[kind.table]:
            words = kind.code.replace("-", " ")
            error = {"pointer": f"{within}/{kind.field}", "code": kind.code, "detail": f"There is {words}."}
            raise kind(f"There is {words} with this id.", errors=[error], id=str(value))


@contextmanager
def unique(db: Session, refusals: Mapping[str, type[RuleBroken]]) -> Iterator[None]:
    """Write what the block adds, and turn a broken unique constraint into its refusal.

    Args:
        refusals: by the name of the constraint or unique index.
    """
    try:
        yield
        db.flush()
    except IntegrityError as error:
        broken = str(getattr(getattr(error.orig, "diag", None), "constraint_name", None))
        if broken not in refusals:
            raise
        raise refusals[broken]("Another one has this already; it must be unique.") from None
