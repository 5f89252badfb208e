"""The yardstick: Starlette, asyncpg and orjson doing the same SQL work, without tokens, rules or logging.

Served by `uvicorn bench.bare:app`; `BENCH_DSN` and `BENCH_SEED` say where the data is.
"""

import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.kit.ids import uuid7
from app.visits.jobs import IN_WINDOW, JOBS
from bench.seed import Seeded


def numbered(sql: str, *names: str) -> str:
    """A statement with `%(name)s` as asyncpg wants it: `$1`, `$2`, in the order of `names`."""
    return re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", sql)


LIST = numbered(JOBS + IN_WINDOW, "o", "t", "from", "to", "statuses")
LOCK = """
SELECT w.*, v.status AS v_status, v.version AS v_version, v.technician_id AS v_technician_id
FROM visits v JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
WHERE v.organization_id = $1 AND v.id = $2 FOR UPDATE OF w
"""
WRITE = """
WITH event AS (
    INSERT INTO events (organization_id, id, work_order_id, seq, type, visit_id, actor_kind, actor_id, occurred_at,
                        effective_at, recorded_at, clock_source, implied, data, answer)
    VALUES ($1, $2, $3, $4, $5, $6, 'person', $7, $8, $8, $8, 'server', false, '{}', $9)
), visit AS (
    UPDATE visits SET status = $10, version = version + 1 WHERE organization_id = $1 AND id = $6
), ended AS (
    UPDATE time_entries SET ended_at = $8 WHERE organization_id = $1 AND visit_id = $6 AND ended_at IS NULL
), begun AS (
    INSERT INTO time_entries (organization_id, id, work_order_id, visit_id, technician_id, kind, started_at)
    VALUES ($1, $11, $3, $6, $7, $12, $8)
)
UPDATE work_orders SET event_count = $4, last_event_at = $8, version = version + 1
WHERE organization_id = $1 AND id = $3
"""
HEAD = "SELECT head FROM feeds WHERE organization_id = $1 AND id = $2"
SINCE = """
SELECT kind, entity_id, seq, epoch, document FROM feed_entries
WHERE organization_id = $1 AND feed_id = $2 AND seq > $3 ORDER BY seq LIMIT 100
"""
MOVES = {"pause": ("visit.paused", "paused", "break"), "resume": ("visit.resumed", "in_progress", "work")}


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    app.state.seed = Seeded.read(Path(os.environ["BENCH_SEED"]))
    app.state.pool = await asyncpg.create_pool(
        os.environ["BENCH_DSN"], min_size=4, max_size=4, server_settings={"application_name": "bare"}, init=_texts
    )
    async with app.state.pool:
        yield


async def _texts(connection: Any) -> None:
    await connection.set_type_codec("uuid", encoder=str, decoder=str, schema="pg_catalog", format="text")


def row_of(record: Any) -> dict[str, Any]:
    """A record as it is sent; what is JSON in the database is passed on as it is."""
    row = dict(record)
    for name in ("history", "notes", "planned_parts", "checklist", "closure_policy"):
        if row[name] is not None:
            row[name] = orjson.Fragment(row[name])
    return row


async def list_jobs(request: Request) -> Response:
    seed, at = request.app.state.seed, datetime.now(UTC)
    two_weeks = timedelta(days=14)
    found = await request.app.state.pool.fetch(
        LIST, seed.organization_id, seed.technician_id, at - two_weeks, at + two_weeks, None
    )
    return Response(orjson.dumps({"items": [row_of(one) for one in found]}), media_type="application/json")


async def pull_changes(request: Request) -> Response:
    """The cursor is a bare number."""
    seed, after = request.app.state.seed, int(request.query_params["cursor"])
    async with request.app.state.pool.acquire() as connection:
        if await connection.fetchval(HEAD, seed.organization_id, seed.technician_id) == after:
            return Response(status_code=204)
        found = await connection.fetch(SINCE, seed.organization_id, seed.technician_id, after)
    changes = [
        {"kind": kind, "id": id_, "op": "put", "rev": f"{epoch}.{seq}", "data": orjson.Fragment(document)}
        for kind, id_, seq, epoch, document in found
    ]
    return Response(orjson.dumps({"changes": changes, "cursor": str(found[-1]["seq"])}), media_type="application/json")


async def post_status_update(request: Request) -> Response:
    given = orjson.loads(await request.body())
    organization_id, visit_id = request.app.state.seed.organization_id, request.path_params["visit_id"]
    event, status, kind = MOVES[given["action"]]
    answer = {"id": given["id"], "visit_id": visit_id, "status": status, "action": given["action"]}
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        order = await connection.fetchrow(LOCK, organization_id, visit_id)
        await connection.execute(
            WRITE, organization_id, given["id"], order["id"], order["event_count"] + 1, event, visit_id,
            order["v_technician_id"], datetime.fromisoformat(given["occurred_at"]), json.dumps(answer), status,
            str(uuid7()), kind,
        )  # fmt: skip
    return Response(orjson.dumps(answer), status_code=201, media_type="application/json")


app = Starlette(
    routes=[
        Route("/v1/me/jobs", list_jobs),
        Route("/v1/sync/changes", pull_changes),
        Route("/v1/visits/{visit_id}/status-updates", post_status_update, methods=["POST"]),
    ],
    lifespan=lifespan,
)
