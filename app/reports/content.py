"""The report in one language: plain texts in the order in which they are told, for a page or a PDF to lay out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.domain.intervals import Interval, total_seconds
from app.reports.answers import answered_lines
from app.reports.facts import Facts
from app.reports.texts import language_of
from app.reports.words import Words

Fact = dict[str, str]
Content = dict[str, Any]
PAIRED = ("before", "after")
#: Photos of one report that are shown; how many more there are is said.
MOST_PHOTOS = 60


@dataclass(frozen=True, slots=True)
class Seal:
    """The certificate of the closing: what people type, and where anybody may look."""

    code: str
    url: str


def words_for(facts: Facts, wished: str | None) -> Words:
    """In the language that was asked for, else the contact's, else English; in the time zone of the site."""
    try:
        zone = ZoneInfo(facts.order["zone"] or "UTC")
    except (KeyError, ValueError, OSError):
        zone = ZoneInfo("UTC")
    return Words(language_of(wished, facts.order["language"]), zone)


def content_of(facts: Facts, words: Words, *, seal: Seal | None, at: datetime) -> Content:
    """All that the report says, as JSON; keys of pictures are the ids of the evidence."""
    order, texts = facts.order, words.texts
    room = MOST_PHOTOS
    visits = []
    for row in facts.visits:
        visit = _visit(facts, row, words, room)
        room -= len(visit["photos"]) + sum(len(pair) for pair in visit["pairs"])
        visits.append(visit)
    return {
        "language": words.language,
        "title": texts.title,
        "company": words.line(order["company"]),
        "number": words.line(order["number"]),
        "work": words.line(order["title"]),
        "facts": _head(facts, words),
        "notes": _notes(facts.notes, None, words),
        "parts": _parts(facts.parts, None, words),
        "visits": visits,
        "follow_ups": [
            {"number": words.line(one["number"]), "title": words.line(one["title"])} for one in facts.follow_ups
        ],
        "amendments": [
            {"when": words.moment(one["effective_at"]), "text": words.text(one["data"].get("text"))}
            for one in facts.amendments
        ],
        "certificate": None if seal is None else {"code": seal.code, "url": seal.url},
        "made": texts.made.format(moment=words.moment(at)),
        "zone": texts.times_are.format(zone=words.zone.key),
        "letter": order["currency"] in ("USD", "CAD", "MXN"),
    }


def pictures_of(content: Content) -> list[str]:
    """The ids of all pictures that the content shows."""
    shown: list[str] = []
    for visit in content["visits"]:
        shown += [one["id"] for pair in visit["pairs"] for one in pair.values()]
        shown += [one["id"] for one in (*visit["photos"], *visit["signatures"])]
    return shown


def _head(facts: Facts, words: Words) -> list[Fact]:
    order, texts = facts.order, words.texts
    place = ", ".join(words.line(part) for part in (order["site"], order["address"], order["postal_code"]) if part)
    return _told(
        (texts.customer, words.line(order["customer"])),
        (texts.site, place),
        (texts.asset, words.line(order["asset"])),
        (texts.model, words.line(order["model"])),
        (texts.serial, words.line(order["serial"])),
        (texts.reference, words.line(order["external_ref"])),
        (texts.requested, words.day(order["requested_at"])),
        (texts.completed, words.day(order["resolved_at"]) if order["resolved_at"] else ""),
        (texts.status, words.code(order["status"], texts.status_words)),
    )


def _told(*facts: tuple[str, str]) -> list[Fact]:
    return [{"label": label, "value": value} for label, value in facts if value]


def _visit(facts: Facts, row: Mapping[str, Any], words: Words, room: int) -> Content:
    texts, visit_id = words.texts, row["id"]
    began = row["arrived_at"] or row["started_at"] or row["ended_at"] or row["scheduled_start"]
    heading = texts.visit.format(number=row["number"])
    photos = [one for one in facts.evidence if one["visit_id"] == visit_id and one["kind"] == "photo"]
    shown = [_photo(one, words) for one in photos[: max(room, 0)]]
    unseen = len(photos) - len(shown)
    answers = {one["task_id"]: True if one["value"] is None else one["value"] for one in facts.ticked
               if one["visit_id"] == visit_id}  # fmt: skip
    answers |= row["body"].get("answers") or {}
    return {
        "heading": f"{heading} · {words.day(began)}" if began else heading,
        "facts": _told(
            (
                texts.technicians,
                ", ".join(words.line(one["name"]) for one in facts.crew if one["visit_id"] == visit_id),
            ),
            (texts.arrived, words.moment(row["arrived_at"])),
            (texts.started, words.moment(row["started_at"]) if row["started_at"] != row["arrived_at"] else ""),
            (texts.ended, words.moment(row["ended_at"])),
            (texts.on_site, _on_site(facts.times, visit_id, words)),
            (texts.result, _result(row, words)),
        ),
        "notes": _notes(facts.notes, visit_id, words),
        "answers": answered_lines(row["checklist"], answers, row["facts"], words),
        "parts": _parts(facts.parts, visit_id, words),
        "readings": _readings(facts.readings, row, words),
        "tests": [_test(one, words) for one in row["body"].get("tests") or []],
        "pairs": _pairs(shown),
        "photos": _unpaired(shown),
        "more_photos": texts.more_photos.format(count=unseen) if unseen else "",
        "signatures": _signatures(facts.evidence, visit_id, words),
        "refusals": _refusals(row["body"], words),
        "confirmations": _confirmations(row, words),
        "left_out": _left_out(row["findings"], words),
    }


def _on_site(times: Sequence[Mapping[str, Any]], visit_id: UUID, words: Words) -> str:
    """How long somebody was at work there; two at the same time count once."""
    worked = [Interval(one["started_at"], one["ended_at"]) for one in times if one["visit_id"] == visit_id]
    return words.duration(total_seconds(worked)) if worked else ""


def _result(row: Mapping[str, Any], words: Words) -> str:
    texts = words.texts
    if row["outcome"] is None:
        return ""
    said = texts.outcome_words.get(row["outcome"], "")
    because = texts.incomplete_words.get(row["incomplete_reason"] or "", "")
    if row["outcome"] == "resolved" and row["resolution_code"]:
        return f"{said}: {words.code(row['resolution_code'])}"
    return f"{said}: {because}" if because and row["outcome"] != "no_access" else said


def _notes(notes: Sequence[Mapping[str, Any]], visit_id: UUID | None, words: Words) -> list[Content]:
    return [
        {"when": words.moment(note["effective_at"]), "text": words.text(note["text"])}
        for note in notes
        if note["visit_id"] == visit_id and note["text"].strip()
    ]


def _parts(parts: Sequence[Mapping[str, Any]], visit_id: UUID | None, words: Words) -> list[Content]:
    return [
        {
            "number": words.line(part["part_number"]),
            "name": words.line(part["name"]),
            "quantity": words.number(part["quantity"]),
            "serials": ", ".join(words.line(serial) for serial in part["serials"]),
        }
        for part in parts
        if part["visit_id"] == visit_id
    ]


def _readings(readings: Sequence[Mapping[str, Any]], row: Mapping[str, Any], words: Words) -> list[Fact]:
    """What was reported on site and what was sent with the closing; the same reading is told once."""
    own = [one for one in readings if one["visit_id"] == row["id"]]
    told = [
        {
            "label": words.line(one["label"]),
            "value": f"{words.number(one['value'])} {words.line(one.get('unit'))}".strip(),
        }
        for one in (*own, *(row["body"].get("readings") or []))
    ]
    return [one for place, one in enumerate(told) if one not in told[:place]]


def _test(test: Mapping[str, Any], words: Words) -> Fact:
    value = test.get("value")
    if isinstance(value, bool):
        said = words.texts.passed if value else words.texts.failed
    elif isinstance(value, int | float):
        said = words.number(value)
    else:
        said = words.text(value)
    return {"label": words.line(test.get("name")), "value": said}


def _photo(row: Mapping[str, Any], words: Words) -> Content:
    word = words.code(row["tag"], words.texts.tag_words)
    when = words.moment(row["captured_at"])
    taken = words.texts.taken.format(moment=when) if when else ""
    return {
        "id": str(row["id"]),
        "tag": row["tag"],
        "word": word,
        "when": when,
        "alt": ", ".join(part for part in (f"{words.texts.photo}: {word}", taken) if part),
        "width": row["width"],
        "height": row["height"],
    }


def _pairs(photos: Sequence[Content]) -> list[dict[str, Content]]:
    """The first photo before with the first after, and so on; only when there are both."""
    before, after = ([one for one in photos if one["tag"] == tag] for tag in PAIRED)
    return [{"before": one, "after": other} for one, other in zip(before, after, strict=False)]


def _unpaired(photos: Sequence[Content]) -> list[Content]:
    paired = {one["id"] for pair in _pairs(photos) for one in pair.values()}
    return [one for one in photos if one["id"] not in paired]


def _signatures(evidence: Sequence[Mapping[str, Any]], visit_id: UUID, words: Words) -> list[Content]:
    return [
        {
            "id": str(one["id"]),
            "role": words.code(one["tag"], words.texts.role_words),
            "name": words.line(one["signer_name"]),
            "when": words.moment(one["captured_at"] or one["recorded_at"]),
            "width": one["width"],
            "height": one["height"],
        }
        for one in evidence
        if one["visit_id"] == visit_id and one["kind"] == "signature"
    ]


def _refusals(body: Mapping[str, Any], words: Words) -> list[Content]:
    said = body.get("refused_signatures") or []
    return [
        {
            "says": words.texts.refused.format(role=words.code(one["role"], words.texts.role_words)),
            "reason": words.text(one["reason"]),
        }
        for one in said
    ]


def _confirmations(row: Mapping[str, Any], words: Words) -> list[str]:
    said = ((words.texts.confirmed_by_code, row["code_used_at"]), (words.texts.confirmed, row["confirmed_at"]))
    return [text.format(moment=words.moment(when)) for text, when in said if when is not None]


def _left_out(findings: Sequence[Mapping[str, Any]], words: Words) -> list[str]:
    """What was waived, in words of ours: the reasons are between the technician and the office."""
    kinds = [one.get("kind", "") if one.get("rule_id") != "evidence" else "evidence" for one in findings
             if one.get("met") == "waived"]  # fmt: skip
    return [text for kind, text in words.texts.left_out_words.items() if kind in kinds]
