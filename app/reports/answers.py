"""The checklist as it was answered, in words."""

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from app.domain.checklist import BOUNDED, RATING, Item, ItemKind, items_of, judge
from app.domain.closure_texts import in_language
from app.domain.conditions import holds, is_number, is_present
from app.reports.words import Words

Line = dict[str, str]


def answered_lines(
    checklist: Sequence[Mapping[str, Any]], answers: Mapping[str, Any], facts: Mapping[str, Any], words: Words
) -> list[Line]:
    """The questions that were shown and answered, in their order: `{label, answer, verdict}`.

    `verdict` is `passed`, `failed`, or empty where no answer is a bad one. Questions that the answers hide are left
    out.
    """
    values = {"answers": answers, "work_order": facts.get("work_order") or {}, "asset": facts.get("asset") or {}}
    items = items_of(checklist)
    sheet = judge(items, answers, values)
    units = {entry.get("id"): entry.get("unit") for entry in checklist}
    return [
        {
            "label": words.line(in_language(item.label, words.language) or item.id),
            "answer": in_words(item, answers[item.id], units[item.id], words),
            "verdict": "failed" if item.id in sheet.failed else "passed" if _passed(item, sheet.invalid) else "",
        }
        for item in items
        if holds(item.show_if, values) and is_present(answers.get(item.id))
    ]


def _passed(item: Item, invalid: Sequence[str]) -> bool:
    """The answer is a good one, of a question that has bad ones; the top of a scale makes no answer bad."""
    bounded = item.minimum is not None or (item.maximum is not None and item.kind is not ItemKind.RATING)
    return item.id not in invalid and bool(item.passes or (item.kind in BOUNDED and bounded))


def in_words(item: Item, answer: Any, unit: Any, words: Words) -> str:
    """One answer as a sentence of the language would have it; what does not fit its kind is shown as it is."""
    if item.kind in (ItemKind.PHOTO, ItemKind.SIGNATURE):
        return _pictures(item, answer, words)
    if isinstance(answer, list):
        return ", ".join(words.line(in_words(item, one, unit, words)) for one in answer[:100])
    if isinstance(answer, bool):
        return words.texts.yes if answer else words.texts.no
    if is_number(answer):
        return _number(item, answer, unit, words)
    if item.kind in (ItemKind.DATE, ItemKind.TIME):
        return _calendar(item, str(answer), words)
    return words.text(answer)


def _pictures(item: Item, answer: Any, words: Words) -> str:
    if item.kind is ItemKind.SIGNATURE:
        return words.texts.signed_here
    one, many = words.texts.pictures
    count = len(answer) if isinstance(answer, list) else 1
    return one if count == 1 else many.format(count=count)


def _number(item: Item, answer: float, unit: Any, words: Words) -> str:
    said = words.number(answer)
    if item.kind is ItemKind.RATING:
        return words.texts.rating.format(given=said, most=words.number(item.maximum or RATING))
    return f"{said} {words.line(unit)}".strip()


def _calendar(item: Item, answer: str, words: Words) -> str:
    try:
        if item.kind is ItemKind.DATE:
            return words.date(date.fromisoformat(answer))
        return words.time(time.fromisoformat(answer))
    except ValueError:
        return words.text(answer)
