"""What a technician fills in on site: the items of a checklist, how answers are judged, what a bad one opens.

The TypeScript client judges by the same rules: openapi/closure-vectors/checklists.json is the contract of both.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain.closure_texts import in_language
from app.domain.conditions import DEEPEST, Values, holds, is_number, is_present, is_text, same

#: The top of a scale that does not say it.
RATING = 5
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)


class ItemKind(StrEnum):
    YES_NO = "yes_no"
    TEXT = "text"
    NUMBER = "number"
    MEASUREMENT = "measurement"
    CHOICE = "choice"
    CHOICES = "choices"
    DATE = "date"
    """YYYY-MM-DD"""
    TIME = "time"
    """HH:MM"""
    PHOTO = "photo"
    """A list of ids of evidence."""
    SIGNATURE = "signature"
    """The id of evidence."""
    SCAN = "scan"
    RATING = "rating"
    """A whole number from 1 up to the top of the scale."""


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `passes`: the answers that are good; empty when every answer is.

    `minimum` and `maximum` bound a good number or measurement: one outside them is an answer, but not a good one. Of a
    rating, `maximum` is the top of the scale. `required_if` makes it required where the condition is true, `show_if`
    hides it where it is false. `form`: the key of the form that it comes from. `on_fail`: what a bad answer opens.
    """

    id: str
    label: Any
    """A text, or texts by language."""
    kind: ItemKind
    required: bool = False
    required_if: Any = None
    show_if: Any = None
    phase: str | None = None
    form: str | None = None
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    passes: tuple[Any, ...] = ()
    on_fail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AnswerSheet:
    """Ids of items in the order of the checklist: required but unanswered; answered impossibly; answered badly."""

    missing: tuple[str, ...]
    invalid: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A work order that a bad answer opens; where the item says nothing, the new one has it from the old one."""

    item_id: str
    title: str
    work_type: str | None = None
    """Its key."""
    priority: int | None = None
    problem_code: str | None = None


def items_of(checklist: Sequence[Mapping[str, Any]]) -> list[Item]:
    """The items as they are stored. What has no id or no known kind is left out; a field of a wrong shape is none."""
    return [item for entry in checklist if (item := _item(entry)) is not None]


def _item(entry: Any) -> Item | None:
    if not isinstance(entry, Mapping) or not is_text(entry.get("id")) or not is_kind(entry.get("kind")):
        return None
    choices, good, on_fail = entry.get("choices"), entry.get("pass"), entry.get("on_fail")
    return Item(
        id=entry["id"],
        label=entry.get("label"),
        kind=ItemKind(entry["kind"]),
        required=entry.get("required") is True,
        required_if=entry.get("required_if"),
        show_if=entry.get("show_if"),
        phase=_text(entry, "phase"),
        form=_text(entry, "form"),
        choices=tuple(choices) if isinstance(choices, list | tuple) else (),
        minimum=_number(entry, "min"),
        maximum=_number(entry, "max"),
        passes=() if good is None else tuple(good) if isinstance(good, list | tuple) else (good,),
        on_fail=on_fail if isinstance(on_fail, Mapping) else None,
    )


def is_kind(kind: Any) -> bool:
    return isinstance(kind, str) and any(kind == known for known in ItemKind)


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    return value if isinstance(value, str) else None


def _number(entry: Mapping[str, Any], name: str) -> float | None:
    value = entry.get(name)
    return value if is_number(value) else None


def judge(
    items: Sequence[Item], answers: Mapping[str, Any], values: Values, evidence: Mapping[str, str] | None = None
) -> AnswerSheet:
    """Judge the answers to the items that are visible, that is, whose condition is true of the values.

    Args:
        evidence: id → photo or signature: what answers may name.
    """
    missing, invalid, failed = [], [], []
    for item in items:
        if not holds(item.show_if, values):
            continue
        answer = answers.get(item.id)
        if not is_present(answer):
            if item.required or (item.required_if is not None and holds(item.required_if, values)):
                missing.append(item.id)
        elif not FITS[item.kind](item, answer, evidence or {}):
            invalid.append(item.id)
        elif not _is_good(item, answer):
            failed.append(item.id)
    return AnswerSheet(tuple(missing), tuple(invalid), tuple(failed))


def _is_rating(item: Item, answer: Any, evidence: Mapping[str, str]) -> bool:
    top = RATING if item.maximum is None else item.maximum
    return is_number(answer) and float(answer).is_integer() and 1 <= answer <= top


def _is_date(item: Item, answer: Any, evidence: Mapping[str, str]) -> bool:
    found = _DATE.fullmatch(answer) if isinstance(answer, str) else None
    if found is None:
        return False
    year, month, day = (int(part) for part in found.groups())
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    days = {2: 29 if leap else 28, 4: 30, 6: 30, 9: 30, 11: 30}.get(month, 31)
    return year >= 1 and 1 <= month <= 12 and 1 <= day <= days


#: Item, answer, evidence → whether the answer is one that the item can have.
FITS: Mapping[ItemKind, Callable[[Item, Any, Mapping[str, str]], bool]] = {
    ItemKind.YES_NO: lambda item, answer, evidence: isinstance(answer, bool),
    ItemKind.TEXT: lambda item, answer, evidence: isinstance(answer, str),
    ItemKind.SCAN: lambda item, answer, evidence: isinstance(answer, str),
    ItemKind.NUMBER: lambda item, answer, evidence: is_number(answer),
    ItemKind.MEASUREMENT: lambda item, answer, evidence: is_number(answer),
    ItemKind.RATING: _is_rating,
    ItemKind.DATE: _is_date,
    ItemKind.TIME: lambda item, answer, evidence: isinstance(answer, str) and _TIME.fullmatch(answer) is not None,
    ItemKind.CHOICE: lambda item, answer, evidence: any(same(answer, one) for one in item.choices),
    ItemKind.CHOICES: lambda item, answer, evidence: (
        isinstance(answer, list) and all(any(same(part, one) for one in item.choices) for part in answer)
    ),
    ItemKind.PHOTO: lambda item, answer, evidence: (
        isinstance(answer, list) and all(isinstance(one, str) and evidence.get(one) == "photo" for one in answer)
    ),
    ItemKind.SIGNATURE: lambda item, answer, evidence: isinstance(answer, str) and evidence.get(answer) == "signature",
}
BOUNDED = (ItemKind.NUMBER, ItemKind.MEASUREMENT, ItemKind.RATING)


def _is_good(item: Item, answer: Any) -> bool:
    if item.kind in BOUNDED:
        if item.minimum is not None and not float(answer) >= float(item.minimum):
            return False
        if item.maximum is not None and not float(answer) <= float(item.maximum):
            return False
    given = answer if isinstance(answer, list) else [answer]
    return not item.passes or all(any(same(part, good) for good in item.passes) for part in given)


def follow_ups(
    items: Sequence[Item],
    answers: Mapping[str, Any],
    values: Values,
    evidence: Mapping[str, str] | None = None,
    *,
    language: str = "en",
) -> list[FollowUp]:
    """What the bad answers to visible items open, in the order of the checklist."""
    failed = judge(items, answers, values, evidence).failed
    return [one for item in items if item.id in failed and (one := _follow_up(item, language)) is not None]


def _follow_up(item: Item, language: str) -> FollowUp | None:
    order = (item.on_fail or {}).get("create_work_order")
    if not isinstance(order, Mapping):
        return None
    priority = order.get("priority")
    return FollowUp(
        item_id=item.id,
        title=in_language(order.get("title"), language) or in_language(item.label, language) or item.id,
        work_type=_text(order, "work_type"),
        priority=int(priority) if is_number(priority) and float(priority).is_integer() else None,
        problem_code=_text(order, "problem_code"),
    )


def expanded(form_key: str, items: Sequence[Any]) -> list[dict[str, Any]]:
    """The items of a form as part of a checklist: `gas.leak` for the item `leak` of the form `gas`.

    In its conditions, paths to answers of the form itself get the longer name too; all others stay what they are.
    Entries that have no id are left out.
    """
    named = [entry for entry in items if isinstance(entry, Mapping) and is_text(entry.get("id"))]
    own = {f"answers.{entry['id']}": f"answers.{form_key}.{entry['id']}" for entry in named}
    return [
        {
            **entry,
            **{name: _renamed(entry[name], own, 0) for name in ("show_if", "required_if") if name in entry},
            "id": f"{form_key}.{entry['id']}",
            "form": form_key,
        }
        for entry in named
    ]


def _renamed(condition: Any, names: Mapping[str, str], depth: int) -> Any:
    """The condition with other paths in it; what is no condition stays what it is."""
    if depth >= DEEPEST or not isinstance(condition, Mapping):
        return condition
    return {operator: _renamed_operand(operator, operand, names, depth) for operator, operand in condition.items()}


def _renamed_operand(operator: str, operand: Any, names: Mapping[str, str], depth: int) -> Any:
    if operator in ("and", "or") and isinstance(operand, list):
        return [_renamed(part, names, depth + 1) for part in operand]
    if operator == "not":
        return _renamed(operand, names, depth + 1)
    if operator == "present" and isinstance(operand, str):
        return names.get(operand, operand)
    if operator in ("eq", "in", "gt") and isinstance(operand, list) and operand and isinstance(operand[0], str):
        return [names.get(operand[0], operand[0]), *operand[1:]]
    return operand
