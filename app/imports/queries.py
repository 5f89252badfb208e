"""Runs of imports, and what all of them brought."""

from typing import Any
from uuid import UUID

from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from app.identity.access import Caller
from app.imports.models import ImportRun
from app.kit.database import rows
from app.kit.paging import PageQuery, page_by_id
from app.kit.problems import NotFound


def import_for(db: Session, caller: Caller, import_id: UUID) -> ImportRun:
    """The run, without its file.

    Raises:
        NotFound: there is no such run in the caller's organization.
    """
    query = _runs_of(caller).where(ImportRun.id == import_id)
    run: ImportRun | None = db.exec(query).one_or_none()
    if run is None:
        raise NotFound("There is no such import.", import_id=str(import_id))
    return run


def imports_of(db: Session, caller: Caller, page: PageQuery) -> dict[str, Any]:
    items, next_cursor = page_by_id(db, _runs_of(caller), col(ImportRun.id), page, "imports")
    return {"items": items, "next_cursor": next_cursor}


def _runs_of(caller: Caller) -> Any:
    whose = select(ImportRun).where(ImportRun.organization_id == caller.organization_id)
    return whose.options(defer(ImportRun.body, raiseload=True))  # type: ignore[arg-type]


TOTALS = """
SELECT
    (SELECT count(DISTINCT work_order_id) FROM events
      WHERE organization_id = %(o)s AND type = 'work_order.imported') AS work_orders,
    (SELECT count(*) FROM events
      WHERE organization_id = %(o)s AND type = 'work_order.status_recorded') AS status_events,
    (SELECT count(DISTINCT visit_id) FROM events
      WHERE organization_id = %(o)s AND type = 'visit.imported') AS visits,
    (SELECT count(*) FROM part_movements WHERE organization_id = %(o)s AND external_ref IS NOT NULL) AS parts,
    (SELECT count(*) FROM survey_answers WHERE organization_id = %(o)s AND external_ref IS NOT NULL) AS surveys,
    (SELECT count(*) FROM teams WHERE organization_id = %(o)s AND external_ref IS NOT NULL) AS teams,
    (SELECT count(*) FROM technicians WHERE organization_id = %(o)s AND external_ref IS NOT NULL) AS technicians,
    (SELECT count(*) FROM customers WHERE organization_id = %(o)s AND external_ref IS NOT NULL) AS customers,
    (SELECT count(*) FROM sites WHERE organization_id = %(o)s AND external_ref IS NOT NULL) AS sites,
    (SELECT count(*) FROM assets WHERE organization_id = %(o)s AND external_ref IS NOT NULL) AS assets
"""


def totals_of(db: Session, caller: Caller) -> dict[str, Any]:
    """How many records came from elsewhere: those with a reference of their own in the other system."""
    return rows(db, TOTALS, o=caller.organization_id)[0]
