"""RxDB (tested with 17.6): one collection a kind, pulled only, and the collection `operation`, pushed only.

A document has the thing's `id` (the primary key), its `rev`, and in `data` what the feed says of it: RxDB takes no
fields that a schema does not name, except inside of others, and `data` may get more. Of what has left there is `id`
and `_deleted` alone, so that no schema requires more than `id`.

An `operation` document is an operation with its `op_id` as `id`, and `state`, which the app sets to `pending`. The push
answers every one of them as a conflict, with what the server knows: RxDB's default conflict handler writes `state` and
`result` into the app's document, and sends no more of it. `deferred` means later: set it to `pending` again after
`result.retry_after_s`, and RxDB sends it once more.

RxDB keeps a checkpoint only when documents came with it, and stops asking at a page that is not full. So a page is
filled from as many of the feed's as it takes, and a comparison always brings one document at least.

A checkpoint that is of no use any more is answered 410, as everywhere. The pull handler then says what the collection
has (id → rev; no revs where `recovery` is `bootstrap`) to `reconcile`, and returns that page instead: what is missing,
what is another, what is gone, and a checkpoint that is good again. A replication that restarts anew would keep ghosts.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import orjson
from sqlmodel import Session

from app.identity.access import Caller
from app.sync import pulling
from app.sync.adapters.outbox import push_rows
from app.sync.pushing import Push

Collection = Literal["job", "stock", "issue", "manifest", "me"]
Document = dict[str, Any]
RESYNC = "data: RESYNC\n\n"


def pull_documents(
    db: Session, me: Caller, collection: Collection, cursor: str | None, *, limit: int, at: datetime
) -> dict[str, Any]:
    """A page of one collection: full, or the last. Only jobs are acknowledged: that is what `delivered` means.

    Raises:
        ResetNeeded: nothing can follow this cursor.
    """
    documents: list[Document] = []
    is_receipt = collection == "job"
    while True:
        page = pulling.pull(db, me, cursor, limit=limit - len(documents), kind=collection, is_receipt=is_receipt, at=at)
        documents += map(document_of, page.changes)
        cursor, is_receipt = page.cursor, False
        if not page.has_more or len(documents) == limit:
            return {"documents": documents, "checkpoint": {"cursor": cursor}}


def reconcile_documents(
    db: Session, me: Caller, collection: Collection, have: Mapping[str, str], *, at: datetime
) -> dict[str, Any]:
    """All that differs from what the collection has, in one page; one document at least where it has any."""
    held = {**have, **dict.fromkeys(list(have)[:1], "")}
    documents: list[Document] = []
    while True:
        compared = [(collection, id_, rev) for id_, rev in held.items()]
        page = pulling.reconcile(db, me, compared, limit=pulling.PAGE_MAX, kind=collection, at=at)
        for document in map(document_of, page.changes):
            documents.append(document)
            held.pop(document["id"], None)
            if not document["_deleted"]:
                held[document["id"]] = document["rev"]
        if not page.has_more:
            return {"documents": documents, "checkpoint": {"cursor": page.cursor}}


def document_of(change: bytes) -> Document:
    said = orjson.loads(change)
    if said["op"] == "remove":
        return {"id": said["id"], "_deleted": True}
    return {"id": said["id"], "rev": said["rev"], "data": said["data"], "_deleted": False}


def push_documents(db: Session, pushed: Push, changed: Iterable[Document]) -> list[Document]:
    """These documents as the server knows them; one that the app threw away is nobody's operation."""
    documents = [document for document in changed if not document.get("_deleted")]
    results = push_rows(db, pushed, documents)
    return [_with_result(document, results[str(document.get("id"))]) for document in documents]


def _with_result(document: Document, result: dict[str, Any]) -> Document:
    kept = {name: value for name, value in document.items() if name != "age_ms"}
    return {**kept, "state": result["status"], "result": result}
