"""What the books say now, beside what was sealed: what was changed, is missing or was added, and what came later."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson

from app.certificates.content import JUDGED, LISTS, ORDER_ROW, content_of
from app.certificates.material import Material, Row
from app.certificates.sealing import amendments_in
from app.domain.ledger import EventType
from app.kit.canonical import canonical_json

What = Literal["changed", "missing", "added"]
Entry = Mapping[str, Any]

#: A request that came before the sealing may have been written after it: nothing takes longer than this.
ON_ITS_WAY = timedelta(seconds=90)
#: When a row of each part came into being.
BORN = {
    "closures": "recorded_at",
    "answers": "recorded_at",
    "evidence": "recorded_at",
    "waivers": "granted_at",
    "codes": "created_at",
    "confirmations": "asked_at",
    "movements": "recorded_at",
    "terms": "recorded_at",
}
#: What is empty at first and may be filled in once, whatever has become of the work.
FILLED_IN = {
    "closures": ("escalated_at",),
    "codes": ("used_at", "checked"),
    "confirmations": ("answered_at", "comment"),
}
#: What may become of a question as long as nobody has answered it.
OF_A_QUESTION = ("answer", "submission_id", "due_at")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something is not as it was sealed. `part`: where in the certificate, or beside it; `id`: of what."""

    part: str
    id: str | None
    what: What
    detail: str


@dataclass(frozen=True, slots=True)
class Later:
    """Something came after the sealing and changes nothing of what was sealed."""

    part: str
    id: str | None
    detail: str
    at: str | None = None


@dataclass(slots=True)
class Compared:
    differences: list[Difference]
    later: list[Later]


def compared(document: Entry, material: Material) -> Compared:
    """A closing's document beside the rows as they are."""
    count, found = document["ledger"]["count"], Compared([], [])
    found.later += _events_after(material, count)
    try:
        now = orjson.loads(canonical_json(content_of(material, count=count)))
    except (ValueError, KeyError, TypeError, AttributeError):
        found.differences.append(Difference("events", None, "changed", "The events cannot be read."))
        return found
    intact = _ledger(document, now, found)
    _work_order(document, now, material, found, intact=intact)
    _subject(document, now, found)
    _visits(document, now, found, intact=intact)
    for part in (*LISTS, "signatures"):
        _list(part, document, now, material, found)
    return found


def _events_after(material: Material, count: int) -> Iterator[Later]:
    for row in material.events:
        if row["seq"] > count:
            yield Later("events", row["id"], row["type"], row["effective_at"].replace("+00:00", "Z"))


def _ledger(document: Entry, now: Entry, found: Compared) -> bool:
    was, is_ = document["ledger"], now["ledger"]
    if is_["count"] < was["count"]:
        gone = was["count"] - is_["count"]
        found.differences.append(Difference("events", None, "missing", f"{gone} of {was['count']} events are gone."))
    elif is_["sha256"] != was["sha256"]:
        text = f"The first {was['count']} events are not those that were sealed."
        found.differences.append(Difference("events", None, "changed", text))
    return bool(is_ == was)


def _work_order(document: Entry, now: Entry, material: Material, found: Compared, *, intact: bool) -> None:
    was, is_ = document["work_order"], now["work_order"]
    edited = _edited_since(material, document["ledger"]["count"])
    names = _changed(was, is_)
    _note(found, "work_order", was["id"], [name for name in names if name in ORDER_ROW and name not in edited])
    _read_otherwise(found, "work_order", was["id"], [name for name in names if name not in ORDER_ROW], intact=intact)
    for name in names:
        if name in edited:
            found.later.append(Later("work_order", was["id"], f"{name} was edited"))


def _edited_since(material: Material, count: int) -> set[str]:
    """The fields that the office has edited after the sealing, and said so."""
    return {
        name
        for row in material.events
        if row["seq"] > count and row["type"] == EventType.EDITED
        for name in row["data"].get("changes", {})
    }


def _subject(document: Entry, now: Entry, found: Compared) -> None:
    """A site or asset that has got another name is the same; a work order that has got another site is not."""
    was, is_ = document["subject"], now["subject"]
    ids = {"customer_id": (was["customer_id"], is_["customer_id"])}
    ids |= {kind: (was[kind]["id"], is_[kind]["id"]) for kind in ("site", "asset")}
    for name, (before, after) in ids.items():
        if before is None and after is not None:
            found.later.append(Later("subject", after, f"{name} was filled in"))
        elif before != after:
            found.differences.append(Difference("subject", before, "changed", name))
        elif name in ("site", "asset") and was[name] != is_[name]:
            found.later.append(Later("subject", before, f"The {name} is described otherwise now."))


def _visits(document: Entry, now: Entry, found: Compared, *, intact: bool) -> None:
    was, is_ = _by_id(document["visits"]), _by_id(now["visits"])
    for id, visit in was.items():
        if id not in is_:
            found.differences.append(Difference("visits", id, "missing", "The events do not tell of it."))
            continue
        if is_[id]["number"] is None:
            found.differences.append(Difference("visits", id, "missing", "There is no such visit."))
            continue
        names = _changed(visit, is_[id])
        stored = [name for name in names if name in ("number", "row", "terms")]
        _note(found, "visits", id, stored)
        _read_otherwise(found, "visits", id, [name for name in names if name not in stored], intact=intact)
    for id in is_.keys() - was.keys():
        found.differences.append(Difference("visits", id, "added", "The events tell of one more."))


def _list(part: str, document: Entry, now: Entry, material: Material, found: Compared) -> None:
    was, is_ = _by_id(document[part]), _by_id(now[part])
    for id in was.keys() - is_.keys():
        found.differences.append(Difference(part, id, "missing", "It was sealed, and is gone."))
    for id in was.keys() & is_.keys():
        names = _changed(was[id], is_[id])
        came = _came_legitimately(part, was[id], names, material, document["ledger"]["count"])
        _note(found, part, id, [name for name in names if name not in came])
        if came:
            found.later.append(Later(part, id, f"Since then: {', '.join(came)}."))
    if part == "signatures":
        return
    table, _ = LISTS[part]
    born = {row["id"]: row[BORN[part]] for row in material.rows[table]}
    before = datetime.fromisoformat(document["sealed_at"]) - ON_ITS_WAY
    for id in is_.keys() - was.keys():
        if part != "terms" and datetime.fromisoformat(born[id]) < before:
            found.differences.append(Difference(part, id, "added", f"It says that it is of {born[id]}."))
        else:
            found.later.append(Later(part, id, "came later", born[id].replace("+00:00", "Z")))


def _came_legitimately(part: str, was: Entry, names: list[str], material: Material, count: int) -> list[str]:
    """The fields that may have changed since: empty ones that were filled in, and the judgement of work begun anew."""
    may = {name for name in FILLED_IN.get(part, ()) if was.get(name) is None}
    if part == "closures" and _judged_since(material, was["id"], count):
        may.update(JUDGED)
    if part == "confirmations" and was["answered_at"] is None:
        may.update(OF_A_QUESTION)
    return [name for name in names if name in may]


def _judged_since(material: Material, submission_id: str, count: int) -> bool:
    """Whether the work was opened again, and this submission decided about again."""
    since = [row for row in material.events if row["seq"] > count]
    opened = any(row["type"] == EventType.REOPENED for row in since)
    return opened and any(row["data"].get("submission_id") == submission_id for row in since)


def _note(found: Compared, part: str, id: str | None, names: list[str]) -> None:
    if names:
        found.differences.append(Difference(part, id, "changed", ", ".join(names)))


def _read_otherwise(found: Compared, part: str, id: str | None, names: list[str], *, intact: bool) -> None:
    """What follows from events that are as they were sealed can only be read otherwise, by another version of us."""
    if names and intact:
        found.later.append(Later(part, id, f"The same events are read otherwise now: {', '.join(names)}."))
    else:
        _note(found, part, id, names)


def _changed(was: Entry, is_: Entry) -> list[str]:
    return sorted(name for name in was.keys() | is_.keys() if was.get(name) != is_.get(name))


def _by_id(entries: Iterable[Entry]) -> dict[str, Entry]:
    return {entry["id"]: entry for entry in entries}


def amendment_compared(document: Entry, material: Material, event: Row | None) -> list[Difference]:
    """An amendment beside the event that says the same."""
    id = document["amendment"].get("id")
    if event is None:
        return [Difference("amendments", id, "missing", "The events do not tell of it.")]
    said = document["amendment"]
    now = {name: event["data"].get(name) for name in ("text", "reason", "changes")}
    now |= {"id": event["data"].get("amendment_id"), "by": event["actor_id"]}
    now["at"] = event["effective_at"].replace("+00:00", "Z")
    names = _changed(said, orjson.loads(canonical_json(now)))
    return [Difference("amendments", id, "changed", ", ".join(names))] if names else []


def amendment_event(material: Material, id: str) -> Row | None:
    return next((row for row in amendments_in(material) if row["data"].get("amendment_id") == id), None)
