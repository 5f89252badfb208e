"""What a technician sees: the server's document with the reports on top that the server has not answered yet."""

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
#: A new document; the one that it gets stays as it is. Reports that it does not know leave no trace.
Project = Callable[[Json, list[Json]], Json]

STATUS_AFTER = {
    "visit.accept": "accepted",
    "visit.decline": "declined",
    "visit.depart": "en_route",
    "visit.arrive": "on_site",
    "visit.start": "in_progress",
    "visit.pause": "paused",
    "visit.complete": "completed",
    "visit.end_incomplete": "incomplete",
    "visit.no_access": "incomplete",
}
#: Which status operations make sense next, so that a whole job can be done without network.
NEXT: dict[str, list[str]] = {
    "accepted": ["decline", "depart", "arrive", "start"],
    "en_route": ["arrive", "start", "pause", "end_incomplete", "no_access"],
    "on_site": ["start", "pause", "complete", "end_incomplete", "no_access"],
    "in_progress": ["pause", "complete", "end_incomplete"],
    "paused": ["resume", "complete", "end_incomplete"],
}


def _note(doc: Json, op: Json, args: Json) -> None:
    note = {"id": op["op_id"], "text": args.get("text"), "at": op["occurred_at"], "waiting": True}
    doc["notes"] = [note, *doc.get("notes", [])]


def _part(kind: str) -> Callable[[Json, Json, Json], None]:
    def add(doc: Json, op: Json, args: Json) -> None:
        part = {"op_id": op["op_id"], "kind": kind, "part": args.get("part"), "qty": args.get("qty"), "waiting": True}
        doc["parts_used"] = [*doc.get("parts_used", []), part]

    return add


def _task(doc: Json, _op: Json, args: Json) -> None:
    done = {"done": args.get("done"), "value": args.get("value"), "waiting": True}
    tasks = doc.get("tasks", [])
    doc["tasks"] = [{**task, **done} if task["id"] == args.get("task_id") else task for task in tasks]


def _file(doc: Json, _op: Json, args: Json) -> None:
    told = {name: args.get(name) for name in ("role", "mime", "bytes", "sha256")}
    file = {"id": args.get("attachment_id"), **told, "state": "pending", "waiting": True}
    doc["attachments"] = [*doc.get("attachments", []), file]


EFFECTS: dict[str, Callable[[Json, Json, Json], None]] = {
    "note.add": _note,
    "part.use": _part("used"),
    "part.return": _part("returned"),
    "task.set": _task,
    "attachment.add": _file,
}


def project(doc: Json, operations: list[Json]) -> Json:
    shown = dict(doc)
    before_pause = "in_progress"
    for op in operations:
        if op["type"] in EFFECTS:
            EFFECTS[op["type"]](shown, op, op.get("args") or {})
        status = before_pause if op["type"] == "visit.resume" else STATUS_AFTER.get(op["type"])
        if status is None:
            continue
        if status == "paused":
            before_pause = shown.get("status", before_pause)
        shown["status"] = status
        others = [type_ for type_ in shown.get("allowed", []) if not type_.startswith("visit.")]
        shown["allowed"] = [*(f"visit.{action}" for action in NEXT.get(status, [])), *others]
    return shown
