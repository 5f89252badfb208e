"""WatermelonDB (tested with 0.28): one table a kind, pulled only, and the table `operations`, pushed.

A row has the `id` of the thing (`x.` and hexadecimal where that has odd characters), its `rev`, what apps sort and
filter by in columns of its own, and the whole document as text in `data`; the columns are `TABLES`, and a schema takes
those that it wants. All of them come as `updated`: `sendCreatedAsUpdated` belongs into the call of `synchronize`.

A row of `operations` is an operation with its `op_id` as `id` (so the app's ids are UUIDs: `setGenerator`), `args` and
`depends_on` as text, and the app's own `state` and `result`. The push names the rows that have no final result yet as
`experimentalRejectedIds`: they stay and are sent again. What became of the others is written into them by the next
pull, for those that the app asks for in `operations`: the ids of its rows whose `state` is `pending`.

The timestamp is no time: epoch * 2^24 + position, below 2^53. One that the feed cannot go on from, and a migration of
the schema, are answered with everything and the strategy `replacement` for all tables but `operations`. It carries no
name of a technician: who signs out resets the database.
"""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from app.identity.access import Caller
from app.kit.runtime import runtime_of
from app.sync import pulling
from app.sync.adapters.outbox import push_rows
from app.sync.cursors import Cursor, ResetNeeded, read_cursor, write_cursor
from app.sync.ledger import results_of
from app.sync.pushing import Push

Row = dict[str, Any]
Changes = dict[str, dict[str, list[Any]]]
SEQ_BITS = 24
PLAIN = re.compile(r"[A-Za-z0-9._-]{1,100}")
OPERATIONS = "operations"

#: Kind → its table, and from where in the document each column is.
TABLES: Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]] = {
    "job": (
        "jobs",
        {
            "number": ("no",),
            "status": ("status",),
            "category": ("category",),
            "priority": ("priority",),
            "type": ("type",),
            "summary": ("summary",),
            "scheduled_start": ("scheduled", "start"),
            "scheduled_end": ("scheduled", "end"),
            "site_name": ("site", "name"),
            "address": ("site", "address"),
        },
    ),
    "stock": ("stock", {"part": ("part",), "name": ("name",), "qty": ("qty",)}),
    "issue": ("issues", {"code": ("code",), "severity": ("severity",), "target": ("target",), "op_id": ("op_id",)}),
    "manifest": ("manifests", {"url": ("url",), "sha256": ("sha256",), "bytes": ("bytes",)}),
    "me": ("me", {"name": ("name",)}),
}
REPLACED = {"default": "incremental", "override": {table: "replacement" for table, _ in TABLES.values()}}


def pull_changes(
    db: Session, me: Caller, last_pulled_at: int | None, *, anew: bool, waiting: Collection[UUID], at: datetime
) -> dict[str, Any]:
    """Everything since then in one answer, which is how this library pulls.

    Args:
        anew: send everything, whatever was pulled before.
        waiting: operations whose results the app would like to know.
    """
    replaces = anew and last_pulled_at is not None
    try:
        latest, timestamp = _pull_all(db, me, None if anew else last_pulled_at, at=at)
    except ResetNeeded:
        replaces = True
        latest, timestamp = _pull_all(db, me, None, at=at)
    changes: Changes = {table: _nothing() for table, _ in TABLES.values()} if replaces else {}
    for change in latest:
        _note(changes, change)
    if results := results_of(db, me, waiting):
        changes[OPERATIONS] = {**_nothing(), "updated": [_result_row(id_, one) for id_, one in results.items()]}
    return {"changes": changes, "timestamp": timestamp, **({"experimentalStrategy": REPLACED} if replaces else {})}


def _pull_all(db: Session, me: Caller, last_pulled_at: int | None, *, at: datetime) -> tuple[list[dict[str, Any]], int]:
    """The newest change of each thing, and the timestamp to go on from.

    Raises:
        ResetNeeded: nothing can follow this timestamp.
    """
    assert me.technician_id is not None, "who has none is turned away at the door"
    secret = runtime_of(db).secret
    cursor = None
    if last_pulled_at is not None:
        epoch, seq = divmod(last_pulled_at, 1 << SEQ_BITS)
        cursor = write_cursor(Cursor(epoch, seq), me.technician_id, secret=secret)
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    is_receipt, has_more = True, True
    while has_more:
        page = pulling.pull(db, me, cursor, limit=pulling.PAGE_MAX, is_receipt=is_receipt, at=at)
        latest |= {(one["kind"], one["id"]): one for one in map(orjson.loads, page.changes)}
        cursor, is_receipt, has_more = page.cursor, False, page.has_more
    assert cursor is not None, "a page has a cursor"
    now = read_cursor(cursor, me.technician_id, secret=secret)
    return list(latest.values()), (now.epoch << SEQ_BITS) + now.seq


def _nothing() -> dict[str, list[Any]]:
    return {"created": [], "updated": [], "deleted": []}


def _note(changes: Changes, change: Mapping[str, Any]) -> None:
    table, columns = TABLES[change["kind"]]
    noted = changes.setdefault(table, _nothing())
    id_ = row_id(change["id"])
    if change["op"] == "remove":
        noted["deleted"].append(id_)
        return
    document = change["data"]
    row = {column: _at(document, path) for column, path in columns.items()}
    noted["updated"].append({"id": id_, "rev": change["rev"], **row, "data": orjson.dumps(document).decode()})


def row_id(id_: str) -> str:
    """The library says that only plain characters are safe in an id; a part's number may have others."""
    return id_ if PLAIN.fullmatch(id_) else "x." + id_.encode().hex()


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        document = (document or {}).get(name)
    return document


def _result_row(id_: UUID, result: Mapping[str, Any]) -> Row:
    """Columns that are not said stay as they are."""
    return {"id": str(id_), "state": result["status"], "result": orjson.dumps(result).decode()}


def push_changes(db: Session, pushed: Push, changes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Which operations have to be sent again, and all results. Rows of other tables are the server's: not looked at."""
    given = changes.get(OPERATIONS) or {}
    operations = [*(given.get("created") or ()), *(given.get("updated") or ())]
    results = push_rows(db, pushed, operations)
    again = [id_ for id_, result in results.items() if not _is_final(result)]
    return {
        "experimentalRejectedIds": {OPERATIONS: again},
        "results": [{"op_id": id_, **result} for id_, result in results.items()],
    }


def _is_final(result: Mapping[str, Any]) -> bool:
    """What is no operation has no result in the ledger either: it stays where somebody can look at it."""
    return result["status"] != "deferred" and result.get("code") != "malformed"
