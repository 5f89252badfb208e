"""`python -m bench.budgets`: what each exchange of the offline contract costs in bytes, beside what it may cost.

A real server, a real socket, data as the demo has it. Exit code 1 when one costs more.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from app.kit import clock
from app.kit.database import utc_iso
from app.kit.embedded_postgres import EmbeddedPostgres
from app.kit.ids import uuid7
from app.migrate import migrate
from bench.bytes_seed import Technicians, seed
from bench.wire import Exchange, exchange, packed
from tests.processes import free_port, serve, wait_until_ready

CHANGES = "/v1/sync/changes"
#: The head of a request may be so long.
HEAD = 250


@dataclass(frozen=True)
class Budget:
    """What may be spent on `what`, in bytes."""

    name: str
    what: str
    budget: int
    spent: int
    exchange: Exchange

    @property
    def is_kept(self) -> bool:
        return self.spent <= self.budget and self.exchange.head_up <= HEAD


@contextmanager
def serving(dsn: str, folder: Path) -> Iterator[tuple[int, Technicians]]:
    """A server over a database that was just migrated: its port, and who is there."""
    seeded = seed(dsn, folder)
    port = free_port()
    process = serve(folder, dsn, port)
    process.start()
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
        yield port, seeded
    finally:
        process.stop()


def spend(port: int, seeded: Technicians) -> list[Budget]:
    """Each exchange once, in an order in which one leads to the other."""
    few, many = seeded.tokens[20], seeded.tokens[100]
    small = exchange(port, few, "GET", f"{CHANGES}?limit=200")
    large = exchange(port, many, "GET", f"{CHANGES}?limit=200")
    assert not small.answer["has_more"]
    assert not large.answer["has_more"]
    idle = exchange(port, many, "GET", f"{CHANGES}?cursor={large.answer['cursor']}")
    assert idle.status == 204
    same = exchange(port, many, "POST", "/v1/sync/reconcile", {"have": _have(large.answer["changes"])})
    assert same.answer["changes"] == []
    job = next(one for one in small.answer["changes"] if one["kind"] == "job" and len(one["data"]["tasks"]) > 2)
    pushed = exchange(port, few, "POST", "/v1/sync", envelope(job["data"], small.answer["cursor"]))
    results = pushed.answer["results"]
    assert [one["status"] for one in results] == ["applied"] * 12, results
    changed = exchange(port, few, "GET", f"{CHANGES}?cursor={small.answer['cursor']}")
    assert len([one for one in changed.answer["changes"] if one["kind"] == "job"]) == 1
    other = next(one for one in small.answer["changes"] if one["kind"] == "job" and one["id"] != job["id"])
    here = changed.answer["cursor"]
    departed = {"type": "visit.depart", "target": other["id"], **_stamped(1)}
    exchange(port, few, "POST", "/v1/sync", {"sent_at": utc_iso(clock.now()), "operations": [departed]})
    one = exchange(port, few, "GET", f"{CHANGES}?cursor={here}")
    assert [change["kind"] for change in one.answer["changes"]] == ["job"]
    return [
        Budget("idle poll", "all, both ways", 450, idle.total, idle),
        Budget("one job changed", "body down", 1_500, one.body_down, one),
        Budget("bootstrap of 20 jobs", "body down", 15_000, small.body_down, small),
        Budget("bootstrap of 100 jobs", "body down", 70_000, large.body_down, large),
        Budget("a job's 12 operations", "body up", 1_000, pushed.body_up, pushed),
        Budget("results of 12", "packed", 500, packed({"results": results}), pushed),
        Budget("reconcile of 100 jobs", "body up", 3_000, same.body_up, same),
    ]


def _have(changes: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    held: dict[str, dict[str, str]] = {}
    for one in changes:
        held.setdefault(one["kind"], {})[one["id"]] = one["rev"]
    return held


def _stamped(seq: int) -> dict[str, Any]:
    return {"op_id": str(uuid7()), "seq": seq, "occurred_at": milliseconds(), "age_ms": 61_000 * (13 - seq) + 417 * seq}


def milliseconds() -> str:
    return clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def envelope(job: dict[str, Any], cursor: str) -> dict[str, Any]:
    """What a whole job is to report, in one go, as the reference clients say it."""
    signature = uuid7()
    answers = {one["id"]: _answer(one) for one in job["tasks"]}
    said: list[tuple[str, dict[str, Any]]] = [
        ("visit.seen", {}),
        ("visit.accept", {}),
        ("visit.depart", {}),
        ("visit.arrive", {"lat": 53.56214, "lng": 9.91372, "acc_m": 12}),
        ("visit.start", {}),
        *(("task.set", {"task_id": id_, "done": True, "value": value}) for id_, value in list(answers.items())[:2]),
        ("part.use", {"part": "GSK-004", "qty": 1, "from": "van"}),
        ("note.add", {"text": "Replaced the gasket; the pump is loud, should be looked at next year."}),
        ("attachment.add", _file(signature, "signature:customer", "image/png", 8_114)),
        ("time.add", {"kind": "travel", "started_at": "2026-11-21T07:40:00Z", "ended_at": "2026-11-21T08:05:00Z"}),
        (
            "visit.complete",
            {
                "resolution": "replaced-part",
                "cause": "wear",
                "checklist": answers,
                "signature": {"attachment_id": str(signature), "name": "Mara Becker"},
            },
        ),
    ]
    operations = [
        {**_stamped(seq), "type": type_, "target": job["id"], "base_version": job["version"], "args": args}
        for seq, (type_, args) in enumerate(said, start=1)
    ]
    return {"sent_at": milliseconds(), "cursor": cursor, "limit": 100, "operations": operations}


def _answer(task: dict[str, Any]) -> Any:
    return {"yes_no": True, "measurement": 1.8, "choice": (task.get("choices") or ["fine"])[0]}.get(task["kind"], "ok")


def _file(id_: UUID, role: str, mime: str, size: int) -> dict[str, Any]:
    sha256 = uuid7().hex + uuid7().hex
    told = {"attachment_id": str(id_), "role": role, "mime": mime, "bytes": size, "sha256": sha256}
    return {**told, "captured_at": milliseconds()}


def contributors(job: dict[str, Any]) -> list[tuple[str, int]]:
    """The parts of a job document by what each adds to it, in bytes, the largest first."""
    parts = [(name, len(plain_text(job[name]))) for name in job]
    return sorted(parts, key=lambda part: -part[1])


def plain_text(value: Any) -> bytes:
    import json

    return json.dumps(value, separators=(",", ":")).encode()


def table(budgets: list[Budget]) -> str:
    lines = [f"{'':24}{'measured':>20}{'bytes':>9}{'budget':>9}{'head up':>9}{'head down':>11}"]
    for one in budgets:
        flag = "" if one.is_kept else "   OVER"
        heads = f"{one.exchange.head_up:9}{one.exchange.head_down:11}"
        lines.append(f"{one.name:24}{one.what:>20}{one.spent:9}{one.budget:9}{heads}{flag}")
    return "\n".join(lines)


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m bench.budgets", description=__doc__)
    asked.add_argument("--why", action="store_true", help="also what a job document is made of")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="budgets-") as name:
        folder = Path(name)
        with EmbeddedPostgres.start(folder / "postgres") as server:
            migrate(server.dsn)
            with serving(server.dsn, folder) as (port, seeded):
                budgets = spend(port, seeded)
    print(table(budgets))
    if given.why:
        jobs = [one["data"] for one in budgets[3].exchange.answer["changes"] if one["kind"] == "job"]
        print(f"{'':8} a job of {len(plain_text(jobs[0]))} bytes")
        for part, size in contributors(jobs[0]):
            print(f"{size:8} {part}")
    return 0 if all(one.is_kept for one in budgets) else 1


if __name__ == "__main__":
    sys.exit(main())
