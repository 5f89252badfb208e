"""What a technician fills in on site: the items of a work type's checklist and how answers to them are judged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain.conditions import Flaw, Values, flaws_of_condition, holds, is_number, is_present, same


class ItemKind(StrEnum):
    YES_NO = "yes_no"
    TEXT = "text"
    NUMBER = "number"
    MEASUREMENT = "measurement"
    CHOICE = "choice"
    CHOICES = "choices"


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `passes`: the answers that are good; empty when every answer is.

    `minimum` and `maximum` bound a good number or measurement: one outside them is an answer, but not a good one.
    """

    id: str
    label: str
    kind: ItemKind
    required: bool = False
    phase: str | None = None
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    passes: tuple[Any, ...] = ()
    when: Any = None


@dataclass(frozen=True, slots=True)
class AnswerSheet:
    """Ids of items in the order of the checklist: required but unanswered; answered impossibly; answered badly."""

    missing: tuple[str, ...]
    invalid: tuple[str, ...]
    failed: tuple[str, ...]


def items_of(checklist: Sequence[Mapping[str, Any]]) -> list[Item]:
    """The items as they are stored with the work type; entries of unknown shape are left out."""
    return [_item(entry) for entry in checklist if not any(True for _ in _flaws_of_item(entry, ""))]


def _item(entry: Mapping[str, Any]) -> Item:
    good = entry.get("pass")
    return Item(
        id=entry["id"],
        label=entry.get("label", entry["id"]),
        kind=ItemKind(entry["kind"]),
        required=entry.get("required", False),
        phase=entry.get("phase"),
        choices=tuple(entry.get("choices") or ()),
        minimum=entry.get("min"),
        maximum=entry.get("max"),
        passes=() if good is None else tuple(good) if isinstance(good, list) else (good,),
        when=entry.get("when"),
    )


def judge(items: Sequence[Item], answers: Mapping[str, Any], values: Values) -> AnswerSheet:
    """Judge the answers to the items that are visible, that is, whose condition is true of the values."""
    missing, invalid, failed = [], [], []
    for item in items:
        if not holds(item.when, values):
            continue
        answer = answers.get(item.id)
        if not is_present(answer):
            if item.required:
                missing.append(item.id)
        elif not FITS[item.kind](item, answer):
            invalid.append(item.id)
        elif not _is_good(item, answer):
            failed.append(item.id)
    return AnswerSheet(tuple(missing), tuple(invalid), tuple(failed))


FITS = {
    ItemKind.YES_NO: lambda item, answer: isinstance(answer, bool),
    ItemKind.TEXT: lambda item, answer: isinstance(answer, str),
    ItemKind.NUMBER: lambda item, answer: is_number(answer),
    ItemKind.MEASUREMENT: lambda item, answer: is_number(answer),
    ItemKind.CHOICE: lambda item, answer: any(same(answer, one) for one in item.choices),
    ItemKind.CHOICES: lambda item, answer: (
        isinstance(answer, list) and all(any(same(part, one) for one in item.choices) for part in answer)
    ),
}


def _is_good(item: Item, answer: Any) -> bool:
    if is_number(answer) and item.kind in (ItemKind.NUMBER, ItemKind.MEASUREMENT):
        if item.minimum is not None and not answer >= item.minimum:
            return False
        if item.maximum is not None and not answer <= item.maximum:
            return False
    given = answer if isinstance(answer, list) else [answer]
    return not item.passes or all(any(same(part, good) for good in item.passes) for part in given)


def check_checklist(checklist: Any) -> list[Flaw]:
    """What keeps this JSON from being a checklist; empty when it is one."""
    if not isinstance(checklist, list):
        return [Flaw("", "not-a-list", "A checklist is a list of items.")]
    flaws = [flaw for position, entry in enumerate(checklist) for flaw in _flaws_of_item(entry, f"/{position}")]
    seen: set[str] = set()
    for position, entry in enumerate(checklist):
        name = entry.get("id") if isinstance(entry, Mapping) else None
        if isinstance(name, str):
            if name in seen:
                flaws.append(Flaw(f"/{position}/id", "not-unique", f"There is another item `{name}`."))
            seen.add(name)
    return flaws


@dataclass(frozen=True, slots=True)
class _Shape:
    type: type | tuple[type, ...]
    says: str


_SHAPES: Mapping[str, _Shape] = {
    "label": _Shape(str, "text"),
    "required": _Shape(bool, "true or false"),
    "phase": _Shape(str, "text"),
    "choices": _Shape(list, "a list"),
    "min": _Shape((int, float), "a number"),
    "max": _Shape((int, float), "a number"),
}


def _flaws_of_item(entry: Any, pointer: str) -> Iterator[Flaw]:
    if not isinstance(entry, Mapping):
        yield Flaw(pointer, "not-an-item", "An item is an object.")
        return
    if not isinstance(entry.get("id"), str) or not entry["id"].strip():
        yield Flaw(f"{pointer}/id", "missing", "An item needs an id.")
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in list(ItemKind):
        yield Flaw(f"{pointer}/kind", "unknown-kind", f"The kind is one of {', '.join(ItemKind)}.")
    for name, shape in _SHAPES.items():
        value = entry.get(name)
        wrong_number = isinstance(value, bool) and shape.type is not bool
        if value is not None and (not isinstance(value, shape.type) or wrong_number):
            yield Flaw(f"{pointer}/{name}", "wrong-type", f"`{name}` must be {shape.says}.")
    if kind in (ItemKind.CHOICE, ItemKind.CHOICES) and not entry.get("choices"):
        yield Flaw(f"{pointer}/choices", "missing", "A choice needs a list of choices.")
    if entry.get("when") is not None:
        yield from flaws_of_condition(entry["when"], f"{pointer}/when")
