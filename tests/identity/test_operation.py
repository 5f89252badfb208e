"""What surrounds every route: one thread, one transaction, one seat."""

import asyncio
from typing import Annotated

import pytest
from fastapi import Depends

from app.identity.access import api_router


def test_a_dependency_that_would_need_another_thread_is_refused_when_the_program_starts() -> None:
    router = api_router("/v1/things", "things")

    def from_another_thread() -> int:
        return 1

    with pytest.raises(TypeError, match="async def"):

        @router.get("")
        def list_things(number: Annotated[int, Depends(from_another_thread)]) -> int:
            return number


def test_a_route_that_waits_is_refused() -> None:
    from app.identity.access import _finished

    async def waits() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="may not wait"):
        _finished(waits(), may_wait=False)  # type: ignore[arg-type]
