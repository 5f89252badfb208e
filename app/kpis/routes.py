"""`/v1/kpis`: the catalogue, any KPI for any period and group, and the records behind each figure."""

from typing import Annotated, Any

import orjson
from fastapi import Query, Response

from app.identity.access import Db, Me, api_router
from app.identity.queries import organization_of
from app.kit import clock
from app.kit.paging import CursorUnreadable
from app.kit.problems import NotAllowed, NotFound, refuses
from app.kpis import schemas
from app.kpis.answers import answer
from app.kpis.catalogue import catalogue
from app.kpis.drilldown import page_of_records
from app.kpis.reading import definition_for, read_question
from app.kpis.schemas import CatalogueOut, KpiOut, RecordsOut

router = api_router("/v1/kpis", "kpis")


def _json(document: Any) -> Response:
    return Response(orjson.dumps(document), media_type="application/json")


@router.get("", response_model=CatalogueOut)
def list_kpis(me: Me) -> Response:
    """Every KPI with its twelve attributes, its variants, and what it can be grouped by."""
    return _json({"items": catalogue(costs=me.sees_costs)})


@router.get("/{key}", response_model=KpiOut, responses=refuses(NotFound, NotAllowed))
def get_kpi(key: str, query: Annotated[schemas.KpiQuery, Query()], me: Me, db: Db) -> Response:  # type: ignore[valid-type]
    """One KPI: value, numerator, denominator, what was left out, how sure it is, groups, series, comparison, pair."""
    definition = definition_for(me, key)
    question = read_question(definition, schemas.said(query), organization_of(db, me), clock.now())
    return _json(answer(db, definition, question, costs=me.sees_costs))


@router.get("/{key}/records", response_model=RecordsOut, responses=refuses(NotFound, NotAllowed, CursorUnreadable))
def list_kpi_records(
    key: str,
    query: Annotated[schemas.KpiRecordsQuery, Query()],  # type: ignore[valid-type]
    me: Me,
    db: Db,
) -> Response:
    """The records behind a figure: the pages together are as many as `record_counts` says."""
    definition = definition_for(me, key)
    question = read_question(definition, schemas.said(query), organization_of(db, me), clock.now())
    return _json(page_of_records(db, definition, question, **schemas.page(query)))
