"""Everything the server says to devices is looked at on its way, whether it gets there or not."""

import gzip
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from tests.sim.inside import Ask, Reply
from tests.sim.world import World

FINAL = ("applied", "noted", "rejected", "quarantined")
BIGGEST_JOB = 65_536
#: A contact is shown from the dispatch on.
BEFORE_DISPATCH = ("scheduled",)

SCOPE = """
SELECT v.id::text FROM visits v
WHERE v.organization_id = %(o)s
  AND (v.technician_id = %(t)s OR EXISTS (
      SELECT FROM visit_members m WHERE m.organization_id = v.organization_id AND m.visit_id = v.id
      AND m.technician_id = %(t)s AND m.left_at IS NULL))
  AND v.status NOT IN ('canceled', 'declined', 'no_show')
UNION ALL
SELECT i.id::text FROM issues i
WHERE i.organization_id = %(o)s AND i.technician_id = %(t)s AND i.owner = 'technician' AND i.state = 'open'
"""
EVER = """
SELECT v.id::text FROM visits v
WHERE v.organization_id = %(o)s
  AND (v.technician_id = %(t)s
       OR EXISTS (SELECT FROM visit_members m WHERE m.organization_id = v.organization_id AND m.visit_id = v.id
                  AND m.technician_id = %(t)s)
       OR EXISTS (SELECT FROM events e WHERE e.organization_id = v.organization_id AND e.visit_id = v.id
                  AND e.data ->> 'technician_id' = %(t)s::text))
UNION ALL
SELECT i.id::text FROM issues i
WHERE i.organization_id = %(o)s AND i.technician_id = %(t)s AND i.owner = 'technician'
"""


@dataclass(frozen=True)
class Heard:
    """An answer to one device. `allowed`: what its technician might see while it was made. `ended`: the operations
    that had a final answer before. `alone`: nothing else was going on."""

    technician: int
    ask: Ask
    reply: Reply
    allowed: set[str]
    ended: set[str]
    made_at: datetime
    alone: bool


@dataclass
class Watch:
    """`said`: (technician, kind, id, rev) → hash of the document. `ended`: op_id → how it ended."""

    world: World
    said: dict[tuple[int, str, str, str], bytes] = field(default_factory=dict)
    ended: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    came: dict[str, timedelta] = field(default_factory=dict)
    """op_id → how long its slowest way to the server took."""
    violations: list[str] = field(default_factory=list)

    def scope(self, technician: int) -> set[str]:
        """Ids of the jobs and issues that this technician's devices may hold now."""
        return {row["id"] for row in self.world.sql(SCOPE, t=self.world.technicians[technician])}

    def hear(self, heard: Heard) -> None:
        ask, reply = heard.ask, heard.reply
        if not ask.path.startswith("/v1/sync"):
            return
        if reply.status not in (200, 204, 410):
            self.violations.append(f"{ask.path} answered {reply.status}: {reply.body[:500]!r}")
        if reply.headers.get("sync-protocol") != "1":
            self.violations.append(f"{ask.path} answered without the marker")
        if reply.status != 200 or not reply.body:
            self.world.count(f"answer {reply.status}")
            return
        answer = reply.json()
        for change in answer.get("changes") or ():
            self._change(heard, change)
        if ask.method == "POST" and ask.path == "/v1/sync":
            self._results(heard, answer)

    def _change(self, heard: Heard, change: dict[str, Any]) -> None:
        kind, id_, technician = change["kind"], change["id"], heard.technician
        self.world.count(f"{change['op']} {kind}")
        if change["op"] != "put":
            return
        body = orjson.dumps(change["data"])
        digest = sha256(body).digest()
        if self.said.setdefault((technician, kind, id_, change["rev"]), digest) != digest:
            self.violations.append(f"{kind} {id_} says two things under rev {change['rev']} (I13)")
        is_allowed = id_ in heard.allowed or (not heard.alone and id_ in self._ever(technician))
        if kind in ("job", "issue") and not is_allowed:
            self.violations.append(f"{kind} {id_} was sent to technician {technician}, who may not see it (I4)")
        if kind == "job" and len(body) > BIGGEST_JOB:
            self.violations.append(f"job {id_} has {len(body)} bytes")
        if kind == "job" and change["data"].get("contact") and change["data"]["status"] in BEFORE_DISPATCH:
            self.violations.append(f"job {id_} shows a contact before it was dispatched (I4)")

    def _ever(self, technician: int) -> set[str]:
        return {row["id"] for row in self.world.sql(EVER, t=self.world.technicians[technician])}

    def _results(self, heard: Heard, answer: dict[str, Any]) -> None:
        packed = heard.ask.body
        body = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
        sent = [one["op_id"] for one in orjson.loads(body)["operations"]]
        results = answer["results"]
        if [one["op_id"] for one in results] != sent:
            self.violations.append("the results are not those of the operations, in their order")
        for op_id in sent:
            self.came[op_id] = max(self.came.get(op_id, timedelta()), self.world.now - heard.made_at)
        for result in results:
            self._result(result, heard.ended)

    def _result(self, result: dict[str, Any], ended: set[str]) -> None:
        op_id, code = result["op_id"], result.get("code")
        self.world.count(f"result {result['status']}")
        if code == "internal_error" and op_id not in self.world.met_poison:
            self.violations.append(f"operation {op_id} met an error that was not played (I8)")
        if result["status"] in FINAL:
            now = (result["status"], code)
            if self.ended.setdefault(op_id, now) != now:
                self.violations.append(f"operation {op_id} ended as {self.ended[op_id]} and as {now} (I5, I6)")
        elif op_id in ended:
            self.violations.append(f"operation {op_id} had ended as {self.ended[op_id]}, and now {result} (I5, I6)")

    def scope_of_jobs(self, technician_id: UUID) -> set[str]:
        """From scratch, at this time: the jobs that belong on the technician's devices."""
        found = self.world.sql(
            SCOPE.partition("UNION ALL")[0] + " AND (v.ended_at IS NULL OR v.ended_at > %(since)s)",
            t=technician_id,
            since=self.world.now - timedelta(days=14),
        )
        return {row["id"] for row in found}
