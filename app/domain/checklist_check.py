"""Whether what the office wrote is a checklist."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.checklist import ItemKind, is_kind
from app.domain.closure_params import PHASES, Param, crossed_bounds, flaws_of_fields
from app.domain.conditions import Flaw, flaws_of_condition, is_number, is_text


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


#: Of the fields of an item; `id`, `kind`, `label`, `choices` and `on_fail` are looked at more closely.
FIELDS: Mapping[str, Param] = {
    "id": Param(object),
    "kind": Param(object),
    "label": Param(object),
    "required": Param(bool),
    "required_if": Param(object),
    "show_if": Param(object),
    "phase": Param(str, words=PHASES),
    "form": Param(str),
    "choices": Param(object),
    "min": Param(float),
    "max": Param(float),
    "unit": Param(str),
    "pass": Param(object),
    "on_fail": Param(object),
}
ORDER: Mapping[str, Param] = {
    "title": Param(object),
    "work_type": Param(str),
    "priority": Param(int, 0, 9),
    "problem_code": Param(str),
}


def _flaws_of_item(entry: Any, pointer: str) -> Iterator[Flaw]:
    if not isinstance(entry, Mapping):
        yield Flaw(pointer, "not-an-item", "An item is an object.")
        return
    yield from flaws_of_fields(entry, FIELDS, pointer)
    if not is_text(entry.get("id")):
        yield Flaw(f"{pointer}/id", "missing", "An item needs an id.")
    if not is_kind(entry.get("kind")):
        yield Flaw(f"{pointer}/kind", "unknown-kind", f"The kind is one of {', '.join(ItemKind)}.")
    yield from _flaws_of_text(entry, "label", pointer)
    yield from _flaws_of_choices(entry, pointer)
    yield from _flaws_of_bounds(entry, pointer)
    for name in ("show_if", "required_if"):
        if entry.get(name) is not None:
            yield from flaws_of_condition(entry[name], f"{pointer}/{name}")
    if entry.get("on_fail") is not None:
        yield from _flaws_of_on_fail(entry["on_fail"], f"{pointer}/on_fail")


def _flaws_of_text(entry: Mapping[str, Any], name: str, pointer: str) -> Iterator[Flaw]:
    text = entry.get(name)
    by_language = isinstance(text, Mapping) and all(isinstance(one, str) for one in text.values())
    if not (text is None or isinstance(text, str) or by_language):
        yield Flaw(f"{pointer}/{name}", "wrong-type", f"`{name}` is a text, or texts by language.")


def _flaws_of_choices(entry: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    choices = entry.get("choices")
    if choices is not None and not isinstance(choices, list):
        yield Flaw(f"{pointer}/choices", "wrong-type", "`choices` must be a list.")
    elif not choices and entry.get("kind") in (ItemKind.CHOICE, ItemKind.CHOICES):
        yield Flaw(f"{pointer}/choices", "missing", "A choice needs a list of choices.")


def _flaws_of_bounds(entry: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    high = entry.get("max")
    if entry.get("kind") == ItemKind.RATING and is_number(high) and not (float(high).is_integer() and 2 <= high <= 10):
        yield Flaw(f"{pointer}/max", "out-of-range", "The top of a scale is a whole number from 2 to 10.")
    yield from crossed_bounds(entry, "min", "max", pointer)


def _flaws_of_on_fail(on_fail: Any, pointer: str) -> Iterator[Flaw]:
    order = on_fail.get("create_work_order") if isinstance(on_fail, Mapping) else None
    if not isinstance(order, Mapping) or len(on_fail) != 1:
        yield Flaw(pointer, "wrong-type", "`on_fail` is an object with `create_work_order` in it, and nothing else.")
        return
    here = f"{pointer}/create_work_order"
    yield from flaws_of_fields(order, ORDER, here)
    yield from _flaws_of_text(order, "title", here)
