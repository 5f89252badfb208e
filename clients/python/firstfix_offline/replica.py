"""What the server sent and how it is kept: pages, removals, answers. All of it runs inside one transaction.

An *operation* is what was reported, as it is sent: op_id, seq, type, target, occurred_at, and if there are any args,
base_version, depends_on; it never changes. A *row* of the outbox: op, state (pending, deferred) and mark, what the
monotonic clock of that run of the program said; in the attention list also result. An *entry* of the replica: kind,
id, rev, doc, gen, and locked for a stub: it left this device while a report on it is unanswered.
"""

import hashlib
from typing import Any

from firstfix_offline.storage import Transaction

Json = dict[str, Any]

#: Where a device stands. `gen` counts its bootstraps; while `sweeping`, what is of an older one goes at the end.
BEGINNING: Json = {"cursor": None, "gen": 0, "sweeping": False, "seq": 0, "revoked": False, "digest_at": 0}
FINAL = frozenset({"applied", "noted", "rejected", "quarantined"})
#: What a stub still shows.
OF_A_STUB = ("id", "no", "summary", "status", "type")


def state_of(tx: Transaction) -> Json:
    return tx.get("meta", "state") or dict(BEGINNING)


def keep(tx: Transaction, state: Json) -> None:
    tx.put("meta", "state", state)


def waiting(tx: Transaction) -> list[Json]:
    return sorted(tx.all("outbox"), key=lambda row: row["op"]["seq"])


def apply_page(tx: Transaction, state: Json, page: Json) -> list[Json]:
    """The next page of the feed. The first one without a cursor begins a generation, the last one sweeps the others.

    Returns what left the device: kind, id, reason.
    """
    if state["cursor"] is None:
        state |= {"gen": state["gen"] + 1, "sweeping": True}
    gone = _apply_changes(tx, state["gen"], page["changes"])
    if state["sweeping"] and not page["has_more"]:
        old = [one for one in tx.all("replica") if one["gen"] < state["gen"] and not one.get("locked")]
        removals = [{"kind": one["kind"], "id": one["id"], "op": "remove"} for one in old]
        gone += _apply_changes(tx, state["gen"], removals)
        state["sweeping"] = False
    state["cursor"] = page["cursor"]
    keep(tx, state)
    return gone


def apply_difference(tx: Transaction, state: Json, page: Json) -> list[Json]:
    """The difference that a reconcile answers. Until its last part the old cursor stays, so that it begins again."""
    gone = _apply_changes(tx, state["gen"], page["changes"])
    if not page["has_more"]:
        state |= {"cursor": page["cursor"], "sweeping": False}
    keep(tx, state)
    return gone


def _apply_changes(tx: Transaction, gen: int, changes: list[Json]) -> list[Json]:
    gone: list[Json] = []
    busy = _unanswered(tx) if any(change["op"] == "remove" for change in changes) else set()
    for change in changes:
        kind, id_ = change["kind"], change["id"]
        key = f"{kind}|{id_}"
        if change["op"] == "put":
            entry = {"kind": kind, "id": id_, "rev": change["rev"], "doc": change["data"], "gen": gen}
            tx.put("replica", key, entry)
        elif change["op"] == "remove" and (entry := tx.get("replica", key)) is not None:
            if id_ in busy:
                tx.put("replica", key, {**entry, "doc": _stub(entry["doc"]), "rev": "", "locked": True})
            else:
                tx.delete("replica", key)
            gone.append({"kind": kind, "id": id_, "reason": change.get("reason", "reconcile")})
    return gone


def _stub(doc: Json) -> Json:
    return {name: doc[name] for name in OF_A_STUB if name in doc}


def apply_results(tx: Transaction, sent: list[Json], results: list[Json]) -> list[Json]:
    """Put the answers to what was sent where they belong; only a final one takes a report out of the outbox.

    Returns the final ones.
    """
    asked = {op["op_id"] for op in sent}
    final = []
    for result in results:
        op_id = result["op_id"]
        row = tx.get("outbox", op_id)
        if row is None or op_id not in asked:
            continue
        if result["status"] not in FINAL:
            tx.put("outbox", op_id, {**row, "state": "deferred", "code": result.get("code")})
            continue
        if result["status"] == "rejected":
            tx.put("attention", op_id, {**row, "result": result})
        if row["op"]["type"] == "attachment.add":
            _link_file(tx, row["op"], result)
        tx.delete("outbox", op_id)
        final.append(result)
    if final:
        drop_stubs(tx)
    return final


def _link_file(tx: Transaction, op: Json, result: Json) -> None:
    """A file waits for the answer to its link: what is not wanted is let go, what is wanted gets its turn."""
    id_ = op["args"]["attachment_id"]
    file, upload = tx.get("files", id_), result.get("upload")
    if file is None or result["status"] == "rejected":
        return
    if upload == "not_needed":
        drop_file(tx, id_)
    else:
        tx.put("files", id_, {**file, "state": "linked", "url": upload["url"] if upload else None})


def drop_file(tx: Transaction, id_: str) -> None:
    tx.delete("files", id_)
    tx.delete("bytes", id_)


def drop_stubs(tx: Transaction) -> None:
    """A stub goes when the last report on it is answered."""
    busy = _unanswered(tx)
    for entry in tx.all("replica"):
        if entry.get("locked") and entry["id"] not in busy:
            tx.delete("replica", f"{entry['kind']}|{entry['id']}")


def _unanswered(tx: Transaction) -> set[str | None]:
    stuck = [one for one in tx.all("attention") if one["result"]["status"] == "unanswered"]
    return {row["op"]["target"] for row in [*tx.all("outbox"), *stuck]}


def forget_customers(tx: Transaction) -> None:
    """Customer data goes; what the technician has reported and not yet sent stays."""
    for entry in tx.all("replica"):
        tx.delete("replica", f"{entry['kind']}|{entry['id']}")
    keep(tx, {**state_of(tx), "cursor": None, "sweeping": False, "revoked": True})


def have(entries: list[Json]) -> Json:
    """What this device holds, as a reconcile asks for it: kind → id → rev."""
    held: Json = {}
    for entry in entries:
        held.setdefault(entry["kind"], {})[entry["id"]] = entry["rev"]
    return held


def held_entries(tx: Transaction) -> list[Json]:
    """Everything but stubs, which are no longer the server's."""
    return [entry for entry in tx.all("replica") if not entry.get("locked")]


def digest_of(entries: list[Json]) -> str:
    """`"<count>:<hex>"`: XOR over everything held of the first 8 bytes of SHA-256(`kind|id|rev`)."""
    mixed = 0
    for entry in entries:
        said = f"{entry['kind']}|{entry['id']}|{entry['rev']}"
        mixed ^= int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big")
    return f"{len(entries)}:{mixed:016x}"
