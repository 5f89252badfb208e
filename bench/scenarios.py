"""What is asked of each side, and what its answers must say."""

from collections.abc import Callable, Iterator, Sequence
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
    units: int = 1
    """Operations in one request."""


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


def _delta_lines(behind: int) -> Callable[[Seeded, str, int, int], Lines]:
    def lines(seed: Seeded, side: str, requests: int, concurrency: int) -> Lines:
        cursor = seed.cursors[str(behind)] if side == "product" else str(seed.head - behind)
        status = 200 if behind else 204
        ask = Ask("GET", f"/v1/sync/changes?cursor={cursor}", seed.lister, status=status)
        return [[ask] * (requests // concurrency) for _ in range(concurrency)]

    return lines


def _check_delta(behind: int) -> Callable[[Ask, bytes], None]:
    def check(ask: Ask, body: bytes) -> None:
        assert (len(said(body)["changes"]) if body else 0) == behind  # type: ignore[arg-type]

    return check


#: What happens at one visit: the operations of one line in the order of a technician's day.
AT_A_VISIT: Sequence[tuple[str, dict[str, object]]] = (
    ("visit.pause", {"reason": "break"}),
    ("note.add", {"text": "Waiting for the customer's key."}),
    ("visit.resume", {}),
    ("task.set", {"task_id": "safe", "done": True}),
    ("note.add", {"text": "Cleaned the burner, measured again."}),
)


def _batch_lines(size: int) -> Callable[[Seeded, str, int, int], Lines]:
    """Each line works on visits of its own; every tenth operation is sent a second time."""

    def lines(seed: Seeded, side: str, requests: int, concurrency: int) -> Lines:
        own = len(seed.products_visits) // concurrency
        made = []
        for number in range(concurrency):
            operations = _operations(seed.products_visits[number * own : (number + 1) * own])
            count = max(1, requests // concurrency // size)
            made.append([_push(seed, list(islice(operations, size))) for _ in range(count)])
        return made

    return lines


def _operations(visits: Sequence[str]) -> Iterator[dict[str, object]]:
    seq, last = 0, None
    for visit_id in cycle(visits):
        for type_, args in AT_A_VISIT:
            seq += 1
            if last is not None and seq % 10 == 0:
                yield last
                continue
            now = datetime.now(UTC).isoformat()
            last = {
                "op_id": str(uuid7()),
                "seq": seq,
                "type": type_,
                "target": visit_id,
                "occurred_at": now,
                "age_ms": 0,
                "args": args,
            }
            yield last


def _push(seed: Seeded, operations: list[dict[str, object]]) -> Ask:
    body = {"sent_at": datetime.now(UTC).isoformat(), "cursor": None, "limit": 1, "operations": operations}
    return Ask("POST", "/v1/sync", seed.reporter, orjson.dumps(body))


def _check_batch(ask: Ask, body: bytes) -> None:
    results = said(body)["results"]
    assert len(results) == len(said(ask.body)["operations"])  # type: ignore[arg-type]
    assert {one["status"] for one in results} <= {"applied", "noted"}, results  # type: ignore[attr-defined]


SCENARIOS = [
    Scenario("S1", "my jobs, 20 of them", 1.8, _list_lines, _check_list),
    Scenario("S2", "delta, nothing new", 2.5, _delta_lines(0), _check_delta(0)),
    Scenario("S3a", "delta, 1 change", 2.5, _delta_lines(1), _check_delta(1)),
    Scenario("S3b", "delta, 5 changes", 2.5, _delta_lines(5), _check_delta(5)),
    Scenario("S3c", "delta, 20 changes", 2.5, _delta_lines(20), _check_delta(20)),
    Scenario("S4", "status update", 2.0, _update_lines, _check_update),
]
#: One side only: how many operations a second in batches of so many; the goal is the factor over single ones.
BATCHES = [
    Scenario("S6a", "operations one by one", 1.0, _batch_lines(1), _check_batch, 1),
    Scenario("S6b", "batches of 10", 4.0, _batch_lines(10), _check_batch, 10),
    Scenario("S6c", "batches of 100", 10.0, _batch_lines(100), _check_batch, 100),
]
