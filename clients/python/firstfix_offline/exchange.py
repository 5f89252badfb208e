"""One exchange: operations up, results and changes down. Killed at any line, it goes on where it was."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from firstfix_offline.device import Device
from firstfix_offline.replica import (
    apply_difference,
    apply_page,
    apply_results,
    digest_of,
    have,
    held_entries,
    keep,
    state_of,
    waiting,
)
from firstfix_offline.storage import Storage, Transaction
from firstfix_offline.wire import NoNetwork, Refused, Wire

Json = dict[str, Any]
#: Tells what happens while it runs: `result`, `removed`, `change`, `log`, and with what.
News = Callable[[str, Any], None]


@dataclass(frozen=True, slots=True)
class Limits:
    max_ops: int = 100
    max_body_bytes: int = 262_144
    chunk_bytes: int = 262_144


PAGE = 100
RECONCILED_AT_ONCE = 5000
A_DAY = 86_400_000
#: Answers that say that something in the batch is at fault; a crash says so only when it comes again and again.
BLAMED = frozenset({400, 413, 422, 500})
CRASHES = 3
#: More resets than this in one exchange are a quarrel; it goes on later.
RESETS = 4


class Exchange:
    def __init__(self, wire: Wire, storage: Storage, device: Device, limits: Limits, news: News) -> None:
        self._wire = wire
        self._storage = storage
        self._device = device
        self._limits = limits
        self._news = news
        self.poll_after_ms = 60_000.0
        """When the server wants to be asked again."""
        self._batch_size = limits.max_ops
        self._crashes = 0
        self._resets = 0
        self._checked = False

    def run(self) -> None:
        """Send every waiting report once, in batches, and apply what comes back.

        Raises:
            NoNetwork: there is no answer of the server's.
            Refused: there is one, and it is no.
        """
        self._resets = 0
        asked: set[str] = set()
        is_done = False
        while True:
            with self._storage.transaction() as tx:
                batch, state = self._take(tx, asked), state_of(tx)
            if not batch and state["revoked"]:
                raise Refused(403, {"code": "device_revoked"})
            if not batch and is_done:
                return
            reply = self._push(batch, state)
            if reply is None:
                continue
            is_done = True
            asked |= {row["op"]["op_id"] for row in batch}
            if reply.get("reset"):
                self._recover(reply["reset"].get("recovery"))
            elif (reply.get("has_more") or reply.get("changes") is None) and not state["revoked"]:
                self._pull()

    def _take(self, tx: Transaction, asked: set[str]) -> list[Json]:
        """The next batch: what was never answered before what was deferred, within the limits."""
        rows = [row for row in waiting(tx) if row["op"]["op_id"] not in asked]
        batch: list[Json] = []
        room = self._limits.max_body_bytes - 1024
        for row in sorted(rows, key=lambda row: row["state"] != "pending"):
            room -= len(json.dumps(row["op"]).encode()) + 32
            if len(batch) == self._batch_size or (room < 0 and batch):
                break
            batch.append(row)
        return sorted(batch, key=lambda row: row["op"]["seq"])

    def _push(self, batch: list[Json], state: Json) -> Json | None:
        """The reply to a batch, applied; None when the batch was at fault: then a smaller one is next."""
        try:
            reply = self._send(batch, state["cursor"])
        except Refused as refused:
            self._blame(batch, state, refused)
            return None
        self._crashes = 0
        self._batch_size = min(self._limits.max_ops, self._batch_size * 2)
        self.poll_after_ms = (reply.get("poll_after_s") or self.poll_after_ms / 1000) * 1000
        page = reply if reply.get("changes") is not None else None
        results = self._apply(state, page, apply_page, [row["op"] for row in batch], reply["results"])
        for result in results:
            self._news("result", result)
        return reply

    def _send(self, batch: list[Json], cursor: str | None, limit: int = PAGE) -> Json:
        self._device.step("before sending")
        operations = [{**row["op"], "age_ms": self._device.age(row)} for row in batch]
        envelope = {"sent_at": self._device.time(), "cursor": cursor, "limit": limit, "operations": operations}
        reply: Any = self._wire.json("POST", "/v1/sync", envelope)
        self._device.step("after sending")
        if not isinstance(reply, dict) or not isinstance(reply.get("results"), list):
            raise NoNetwork("an answer without results")
        return reply

    def _blame(self, batch: list[Json], state: Json, refused: Refused) -> None:
        """Halve a batch that the server cannot take. One report alone is put aside, with its text."""
        if refused.status not in BLAMED or not batch:
            raise refused
        if refused.status == 500:
            self._crashes += 1
            if self._crashes < CRASHES:
                raise refused
        self._crashes = 0
        self._batch_size = (len(batch) + 1) // 2
        if len(batch) > 1:
            return
        # It is to blame only if the server understands the same without it; if not, this raises.
        self._send([], state["cursor"], 1)
        row = batch[0]
        op_id = row["op"]["op_id"]
        result = {"op_id": op_id, "status": "unanswered", "code": refused.code or str(refused.status)}
        with self._storage.transaction() as tx:
            tx.put("attention", op_id, {**row, "result": result})
            tx.delete("outbox", op_id)
        self._news("result", result)
        self._news("change", None)

    def _pull(self, more: str = "") -> Json | None:
        """Pages until there are no more: the last one; None when there was none or all was begun anew."""
        while True:
            with self._storage.transaction() as tx:
                state = state_of(tx)
            start = "" if state["cursor"] is None else f"&cursor={quote(state['cursor'], safe='')}"
            try:
                page: Json | None = self._wire.json("GET", f"/v1/sync/changes?limit={PAGE}{more}{start}")
            except Refused as refused:
                if refused.status != 410:
                    raise
                self._recover(refused.problem.get("recovery"))
                return None
            self._device.step("page here")
            if page is None:
                return None
            if page["has_more"] and page["cursor"] == state["cursor"]:
                raise Refused(502, {"detail": "the same page again"})
            self._apply(state, page, apply_page)
            if not page["has_more"]:
                return page

    def _recover(self, recovery: str | None) -> None:
        """A cursor that is good no more: compare what is held, or begin anew. The outbox is none of its business."""
        self._resets += 1
        if self._resets > RESETS:
            raise Refused(503, {"detail": "reset again and again"})
        if recovery == "reconcile":
            return self._reconcile()
        with self._storage.transaction() as tx:
            keep(tx, {**state_of(tx), "cursor": None})
        self._device.step("cursor forgotten")
        self._pull()

    def _reconcile(self) -> None:
        while True:
            with self._storage.transaction() as tx:
                state, entries = state_of(tx), held_entries(tx)
            if state["cursor"] is None or len(entries) > RECONCILED_AT_ONCE:
                return self._recover("bootstrap")
            try:
                page = self._wire.json("POST", "/v1/sync/reconcile", {"have": have(entries), "limit": 2 * PAGE})
            except Refused as refused:
                if refused.status not in (410, 413):
                    raise
                return self._recover("bootstrap")
            self._device.step("difference here")
            if page["has_more"] and not page["changes"]:
                raise Refused(502, {"detail": "more of nothing"})
            self._apply(state, page, apply_difference)
            if not page["has_more"]:
                return

    def check(self) -> None:
        """Once a day and at the start: does this device hold what the server thinks it holds?"""
        with self._storage.transaction() as tx:
            asked_at = state_of(tx)["digest_at"]
        if self._checked and abs(self._device.now() - asked_at) < A_DAY:
            return
        page = self._pull("&digest=1")
        with self._storage.transaction() as tx:
            mine = digest_of(held_entries(tx))
        self._device.step("digest here")
        if page is not None and page.get("digest") and page["digest"] != mine:
            self._news("log", f"digest {mine} here, {page['digest']} there: reconciling")
            self._reconcile()
        self._checked = True
        with self._storage.transaction() as tx:
            keep(tx, {**state_of(tx), "digest_at": self._device.now()})

    def _apply(
        self,
        asked: Json,
        page: Json | None,
        how: Callable[[Transaction, Json, Json], list[Json]],
        operations: list[Json] | None = None,
        results: list[Json] | None = None,
    ) -> list[Json]:
        """All that an answer brought, in one local transaction; not a page that another program has overtaken."""
        with self._storage.transaction() as tx:
            final = apply_results(tx, operations or [], results or [])
            self._device.step("results applied")
            state = state_of(tx)
            fits = page is not None and not state["revoked"] and state["cursor"] == asked["cursor"]
            gone = how(tx, state, page) if fits and page is not None else []
            self._device.step("before keeping")
        self._device.step("kept")
        for removal in gone:
            self._news("removed", removal)
        if operations or (page is not None and page["changes"]):
            self._news("change", None)
        return final
