"""Probes, problem pages and the API's own documents: what a running process says about itself."""

from typing import Any

import orjson
import sqlalchemy as sa
from fastapi import Request, Response

from app.identity.access import Db, api_router
from app.kit.problems import NotFound, Refusal, Unavailable, refuses
from app.kit.schemas import Out

router = api_router("", "system")


class StatusOut(Out):
    status: str


class ProblemKindOut(Out):
    type: str
    code: str
    status: int
    title: str
    description: str


class ProblemKindsOut(Out):
    items: list[ProblemKindOut]


@router.get("/livez")
def get_liveness() -> StatusOut:
    """200 while the process runs."""
    return StatusOut(status="ok")


@router.get("/readyz", responses=refuses(Unavailable))
def get_readiness(db: Db) -> StatusOut:
    """200 when the process can work: the database answers and has the newest schema."""
    db.connection().execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    return StatusOut(status="ok")


def problem_kinds(of: type[Refusal] = Refusal) -> list[type[Refusal]]:
    """Every refusal that this process can answer with, sorted by code."""
    found: dict[str, type[Refusal]] = {}
    waiting = [of]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting.extend(kind.__subclasses__())
    return [found[code] for code in sorted(found)]


def _described(kind: type[Refusal]) -> ProblemKindOut:
    text = " ".join((kind.__doc__ or kind.title).split())
    return ProblemKindOut(
        type=f"/problems/{kind.code}", code=kind.code, status=kind.status, title=kind.title, description=text
    )


@router.get("/problems")
def list_problems() -> ProblemKindsOut:
    """Every problem that this API may answer with."""
    return ProblemKindsOut(items=[_described(kind) for kind in problem_kinds()])


@router.get("/problems/{code}", responses=refuses(NotFound))
def get_problem(code: str) -> ProblemKindOut:
    """What a problem's `type` means."""
    for kind in problem_kinds():
        if kind.code == code:
            return _described(kind)
    raise NotFound("There is no such problem.")


@router.get("/openapi.json", include_in_schema=False)
def get_openapi_document(request: Request) -> Response:
    """The OpenAPI document of this server."""
    document: dict[str, Any] = request.app.openapi()
    return Response(orjson.dumps(document), media_type="application/json")
