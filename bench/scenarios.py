"""What is asked of each side, and what its answers must say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle, islice

import orjson

from app.kit.ids import uuid7
from bench.client import Ask, said
from bench.seed import JOBS, Seeded

Lines = Sequence[Sequence[Ask]]


@dataclass(frozen=True)
class Scenario:
    """`lines(seed, side, requests, concurrency)` makes the requests; `check` raises on a wrong answer."""

    key: str
    title: str
    goal: float
    lines: Callable[[Seeded, str, int, int], Lines]
    check: Callable[[Ask, bytes], None]


def _list_lines(seed: Seeded, side: str, requests: int, concurrency: int) -> Lines:
    ask = Ask("GET", "/v1/me/jobs", seed.lister)
    return [[ask] * (requests // concurrency) for _ in range(concurrency)]


def _check_list(ask: Ask, body: bytes) -> None:
    assert len(said(body)["items"]) == JOBS  # type: ignore[arg-type]


def _update_lines(seed: Seeded, side: str, requests: int, concurrency: int) -> Lines:
    """Each line pauses and resumes visits of its own."""
    visits = seed.products_visits if side == "product" else seed.bare_visits
    own = len(visits) // concurrency
    lines = []
    for number in range(concurrency):
        turns = islice(cycle(visits[number * own : (number + 1) * own]), requests // concurrency // 2)
        lines.append([_update(visit_id, action, seed) for visit_id in turns for action in ("pause", "resume")])
    return lines


def _update(visit_id: str, action: str, seed: Seeded) -> Ask:
    body = {"id": str(uuid7()), "action": action, "occurred_at": datetime.now(UTC).isoformat()}
    if action == "pause":
        body["reason"] = "break"
    path = f"/v1/visits/{visit_id}/status-updates"
    return Ask("POST", path, seed.reporter, orjson.dumps(body), status=201)


def _check_update(ask: Ask, body: bytes) -> None:
    sent, answer = said(ask.body), said(body)
    assert answer["id"] == sent["id"], answer
    assert answer["status"] == ("paused" if sent["action"] == "pause" else "in_progress"), answer


SCENARIOS = [
    Scenario("S1", "my jobs, 20 of them", 1.8, _list_lines, _check_list),
    Scenario("S4", "status update", 2.0, _update_lines, _check_update),
]
