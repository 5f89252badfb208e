"""As many requests work with the database as there are seats; the others wait a little, and never for ever."""

import asyncio
from collections import Counter

import httpx
import pytest

from app.identity import access
from app.kit.runtime import Runtime
from app.main import create_app
from tests.conftest import Somebody


async def ask(runtime: Runtime, who: Somebody, *, seats: asyncio.Semaphore, requests: int) -> list[httpx.Response]:
    app = create_app(runtime)
    app.state.seats = seats
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=who.headers) as client:
        return await asyncio.wait_for(asyncio.gather(*(client.get("/v1/me") for _ in range(requests))), 30)


def test_sixty_four_requests_on_two_seats_are_all_answered(runtime: Runtime, ana: Somebody) -> None:
    async def run() -> list[httpx.Response]:
        return await ask(runtime, ana, seats=asyncio.Semaphore(2), requests=64)

    assert Counter(answer.status_code for answer in asyncio.run(run())) == {200: 64}


def test_who_gets_no_seat_in_time_is_told_when_to_come_again(
    runtime: Runtime, ana: Somebody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "SEAT_WAIT_SECONDS", 0.05)

    async def run() -> list[httpx.Response]:
        return await ask(runtime, ana, seats=asyncio.Semaphore(0), requests=3)

    answers = asyncio.run(run())

    assert [answer.status_code for answer in answers] == [503] * 3
    assert answers[0].json()["code"] == "unavailable"
    assert int(answers[0].headers["retry-after"]) >= 1
