"""Builds the application. Nothing happens at import: `create_app(settings)` makes everything, tests pass their own."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from app import system, wiring
from app.attachments.schemas import MOST_BYTES
from app.identity.policy import PUBLIC, check_policy
from app.kit import images
from app.kit.database import make_engine
from app.kit.openapi import describe
from app.kit.problems import NotFound, Refusal, Unavailable, problem
from app.kit.queue import make_queue, work
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.kit.web import BodyLimit, Outside, validation_problem
from app.reports import pdf
from app.sync.chaos import Chaos
from app.sync.glance import Glance
from app.sync.news import News

log = structlog.get_logger("firstfix")
LARGER_BODIES = (
    (r"/v1/imports", 32_000_000),
    (r"/v1/visits/[^/]+/evidence", 16_000_000),
    (r"/v1/uploads/[^/]+", MOST_BYTES),
    (r"/v1/attachments/[^/]+/content", 1024 * 1024),
)


class MethodNotAllowed(Refusal):
    status, code, title = 405, "method-not-allowed", "Method not allowed"


class UnexpectedError(Refusal):
    status, code, title = 500, "unexpected-error", "Something went wrong"


def build_runtime(settings: Settings, dsn: str) -> Runtime:
    """The parts of a process that talk to the database; nothing is opened yet."""
    runtime = Runtime(
        settings=settings,
        engine=make_engine(dsn, connections=settings.database_connections + 6, greet=wiring.greet),
        dsn=dsn,
        secret=_secret(settings),
        previous_secrets=tuple(one.get_secret_value() for one in settings.previous_secret_keys),
        reactions=wiring.WHEN,
        before_commit=wiring.BEFORE_COMMIT,
        composers=wiring.MESSAGES,
    )
    runtime.queue = make_queue(runtime, wiring.TASKS, wiring.SWEEPS)
    return runtime


def _secret(settings: Settings) -> str:
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    kept = Path(settings.data_dir) / "secret-key"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(48))
    return kept.read_text()


def create_app(runtime: Runtime) -> FastAPI:
    """The whole HTTP application over a runtime.

    Raises:
        PolicyIncomplete: an operation has no row in the policy table.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.seats = asyncio.Semaphore(runtime.settings.database_connections)
        app.state.image_seats = asyncio.Semaphore(images.AT_ONCE)
        app.state.report_seats = asyncio.Semaphore(pdf.AT_ONCE)
        async with runtime.queue.open_async():
            working = asyncio.create_task(work(runtime.queue)) if runtime.settings.run_worker else None
            yield
            if working is not None:
                working.cancel()
                with suppress(asyncio.CancelledError):
                    await working
        await app.state.news.close()
        runtime.engine.dispose()

    app = FastAPI(
        title="Firstfix",
        version="0.1.0",
        summary="Field service: jobs, proof of work, surveys, and KPIs that explain themselves.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.runtime = runtime
    app.state.news = News(runtime.dsn, most=runtime.settings.most_waiting)
    app.state.public_operations = PUBLIC
    app.state.lost_pushes = set()
    for router in routers():
        app.include_router(router)
    check_policy(route.name for route in operations())
    _answer_refusals(app)
    describe(app)
    app.add_middleware(BodyLimit, larger=LARGER_BODIES)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=runtime.settings.allowed_hosts)
    app.add_middleware(GZipMiddleware, minimum_size=600, compresslevel=5)
    app.add_middleware(Glance, runtime=runtime)
    app.add_middleware(Outside)
    app.add_middleware(Chaos)
    return app


def routers() -> Sequence[APIRouter]:
    return (*wiring.ROUTERS, system.router)


def operations() -> Iterator[APIRoute]:
    """Every route that a request can reach, pages and probes included."""
    for router in routers():
        yield from (route for route in router.routes if isinstance(route, APIRoute))


def _answer_refusals(app: FastAPI) -> None:
    def refused(request: Request, refusal: Any) -> Response:
        return problem(refusal, instance=request.url.path)

    def not_well_formed(request: Request, error: Any) -> Response:
        return problem(validation_problem(error.errors()), instance=request.url.path)

    def http(request: Request, error: Any) -> Response:
        known = {404: NotFound("There is nothing here."), 405: MethodNotAllowed("This method is not taken here.")}
        refusal = known.get(error.status_code)
        if refusal is None:
            refusal = validation_problem([{"loc": ["body"], "type": "unreadable", "msg": str(error.detail)}])
        refusal.headers.update(error.headers or {})
        return problem(refusal, instance=request.url.path)

    def database(request: Request, error: Any) -> Response:
        log.warning("database trouble", error=type(error).__name__)
        return problem(Unavailable("The database cannot be reached; try again."), instance=request.url.path)

    def unexpected(request: Request, error: Any) -> Response:
        log.error("unexpected error", exc_info=error, request_id=request.scope.get("state", {}).get("request_id"))
        return problem(
            UnexpectedError("Something went wrong on our side; it has been noted."), instance=request.url.path
        )

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, not_well_formed)
    app.add_exception_handler(HTTPException, http)
    lost = (psycopg.OperationalError, psycopg.InterfaceError)
    for trouble in (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError, *lost):
        app.add_exception_handler(trouble, database)
    app.add_exception_handler(Exception, unexpected)
