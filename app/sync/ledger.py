"""The ledger of operations: who sent what, and what they were told. A row is claimed before anything happens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from app.identity.access import Caller
from app.kit.database import rows, utc_iso
from app.kit.repeats import fingerprint_of
from app.sync.models import OperationStatus
from app.sync.operations.outcome import Outcome, Sent


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger says of an operation; `attempts` in a row that came to nothing for the same reason, `code`."""

    is_new: bool
    actor_id: UUID
    body_hash: bytes
    status: OperationStatus
    result: dict[str, Any] | None = None
    code: str | None = None
    attempts: int = 0
    received_at: datetime | None = None


#: In the order of the ids, so that two requests with the same operations wait for one another and never crosswise.
CLAIM = """
INSERT INTO operations (organization_id, id, actor_id, device_id, technician_id, seq, type, target, body, body_hash,
                        depends_on, status, attempts, occurred_at, age_ms, effective_at, clock_source, received_at)
SELECT %(o)s, n.id, %(actor)s, %(device)s, %(technician)s, n.seq, n.type, n.target, n.body, n.body_hash,
       n.depends_on, 'deferred', 0, n.occurred_at, n.age_ms, n.effective_at, n.clock_source, %(at)s
FROM jsonb_populate_recordset(NULL::operations, %(new)s) n ORDER BY n.id
ON CONFLICT (organization_id, id) DO NOTHING RETURNING id
"""
KNOWN = """
SELECT id, actor_id, body_hash, status, result, code, attempts, received_at FROM operations
WHERE organization_id = %(o)s AND id = ANY(%(ids)s) ORDER BY id FOR UPDATE
"""


def claim(db: Session, sent: Sequence[Sent]) -> dict[UUID, Known]:
    """op_id → what is known of it. What somebody else is working on is waited for: then it has been answered."""
    me, at = sent[0].me, sent[0].at
    hashes = {one.id: fingerprint_of(one.given) for one in sent}
    made = rows(
        db,
        CLAIM,
        o=me.organization_id,
        actor=me.id,
        device=me.device_id,
        technician=me.technician_id,
        at=at,
        new=orjson.dumps([_row(one, hashes[one.id]) for one in sent]).decode(),
    )
    new = {row["id"] for row in made}
    known = {one.id: Known(True, me.id, hashes[one.id], OperationStatus.DEFERRED) for one in sent if one.id in new}
    rest = [one.id for one in sent if one.id not in new]
    for row in rows(db, KNOWN, o=me.organization_id, ids=rest) if rest else ():
        known[row["id"]] = Known(
            False,
            row["actor_id"],
            bytes(row["body_hash"]),
            OperationStatus(row["status"]),
            row["result"],
            row["code"],
            row["attempts"],
            row["received_at"],
        )
    return known


def _row(sent: Sent, said: bytes) -> dict[str, Any]:
    given = sent.given
    return {
        "id": given.op_id,
        "seq": given.seq,
        "type": given.type,
        "target": given.target,
        "body": given.model_dump(mode="json", exclude={"age_ms"}),
        "body_hash": "\\x" + said.hex(),
        "depends_on": given.depends_on,
        "occurred_at": given.occurred_at,
        "age_ms": given.age_ms,
        "effective_at": sent.effective_at,
        "clock_source": sent.clock_source.value,
    }


#: Of the same sender: nobody learns what became of somebody else's.
STATES = """
SELECT id, status FROM operations WHERE organization_id = %(o)s AND id = ANY(%(ids)s) AND actor_id = %(actor)s
"""


def dependencies_of(db: Session, me: Caller, sent: Iterable[Sent]) -> dict[UUID, OperationStatus | None]:
    """op_id → how it ended, for all that these name as coming before them; those of the same request count as open."""
    mine = {one.id for one in sent}
    named = {other for one in sent for other in one.given.depends_on}
    if not named:
        return {}
    found = rows(db, STATES, o=me.organization_id, ids=list(named), actor=me.id)
    return {row["id"]: OperationStatus(row["status"]) for row in found} | dict.fromkeys(
        (named & mine) - {row["id"] for row in found if row["status"] != OperationStatus.DEFERRED}
    )


#: What the devices are told beside the outcome: the version of the job now, and the issue that was raised.
SETTLE = """
WITH ended AS (
    SELECT n.*, v.version, i.id AS issue_id
    FROM jsonb_to_recordset(%(ended)s) AS n(id uuid, target uuid, status text, code text, result jsonb, final boolean)
    LEFT JOIN visits v ON v.organization_id = %(o)s AND v.id = n.target AND n.status IN ('applied', 'noted')
    LEFT JOIN LATERAL (
        SELECT id FROM issues WHERE organization_id = %(o)s AND op_id = n.id
        ORDER BY owner = 'technician' DESC, id LIMIT 1) i ON true
)
UPDATE operations p
SET status = e.status, code = e.code, trouble = coalesce(%(trouble)s, p.trouble),
    attempts = CASE WHEN p.code IS DISTINCT FROM e.code THEN 1 ELSE p.attempts + 1 END,
    finished_at = CASE WHEN e.final THEN %(at)s::timestamptz END,
    result = e.result || jsonb_strip_nulls(jsonb_build_object('version', e.version, 'issue_id', e.issue_id))
FROM ended e
WHERE p.organization_id = %(o)s AND p.id = e.id
RETURNING p.id, p.result
"""


def settle(
    db: Session, ended: Sequence[tuple[Sent, Known, Outcome]], *, trouble: str | None = None
) -> dict[UUID, dict[str, Any]]:
    """Write down how these ended: op_id → what its sender is told, now and whenever it sends it again."""
    if not ended:
        return {}
    me, at = ended[0][0].me, ended[0][0].at
    told = [
        {
            "id": sent.id,
            "target": sent.given.target,
            "status": outcome.status.value,
            "code": outcome.code,
            "final": outcome.status is not OperationStatus.DEFERRED,
            "result": outcome.told() | {"effective_at": utc_iso(sent.effective_at), "clock": sent.clock_source.value},
        }
        for sent, _, outcome in ended
    ]
    found = rows(
        db, SETTLE, o=me.organization_id, at=at, ended=orjson.dumps(told, default=str).decode(), trouble=trouble
    )
    return {row["id"]: row["result"] for row in found}


ENDED = """
SELECT id, status, result FROM operations
WHERE organization_id = %(o)s AND actor_id = %(actor)s AND id = ANY(%(ids)s) AND status <> 'deferred'
"""


def results_of(db: Session, me: Caller, ids: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
    """op_id → what its sender was told, for those of the caller's own among these that have come to an end."""
    wanted = list(ids)
    found = rows(db, ENDED, o=me.organization_id, actor=me.id, ids=wanted) if wanted else []
    return {row["id"]: row["result"] or {"status": row["status"], "result_expired": True} for row in found}
