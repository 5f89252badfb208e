"""Operations whose bodies are streamed: nothing is held while bytes come from a slow phone.

The caller is found first, in a transaction of its own that ends before the first byte is read; the route is a
coroutine that reads the body and writes down what it has in short transactions (`in_transaction`).
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from app.identity.access import Caller, allowed, authenticate, bearer_of, seat
from app.kit.problems import Refusal
from app.kit.runtime import Runtime

Made = TypeVar("Made")


class StreamedOperation(APIRoute):
    """A route that knows its caller and has no transaction."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        def let_in(request: Request) -> Caller:
            runtime: Runtime = request.app.state.runtime
            with runtime.session() as db:
                return allowed(authenticate(db, bearer_of(request), read_only=True), self.name)

        async def run(request: Request) -> Response:
            async with seat(request.app.state.seats):
                request.state.caller = await run_in_threadpool(let_in, request)
            try:
                return await handle(request)
            except HTTPException as error:
                if isinstance(error.__cause__, Refusal):  # FastAPI answers 400 to whatever goes wrong with a body
                    raise error.__cause__ from None
                raise

        return run


async def _admitted(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


Admitted = Annotated[Caller, Depends(_admitted)]


async def in_transaction(request: Request, organization_id: UUID, do: Callable[[Session], Made]) -> Made:
    """What `do` returns, from a seat and one transaction in one organization, committed."""
    runtime: Runtime = request.app.state.runtime

    def work() -> Made:
        with runtime.transaction(organization_id) as db:
            return do(db)

    async with seat(request.app.state.seats):
        return await run_in_threadpool(work)
