"""When a closure rule applies: a small expression in JSON over the answers, the work order and the asset.

    {"and": [c, …]}   {"or": [c, …]}   {"not": c}
    {"eq": ["answers.leak", true]}   {"in": ["work_order.priority", [1, 2]]}
    {"gt": ["answers.pressure", 2.5]}   {"present": "asset.serial"}

The phone evaluates the same expressions while it is offline: openapi/closure-vectors/conditions.json is the contract
of both. So everything here is total: whatever odd thing it is given, the answer is yes or no, never an error; and
nothing here depends on what only one language has: numbers are doubles, blank is what JavaScript trims.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

Values = Mapping[str, Any]
#: What the first part of a path may be.
GROUPS = ("answers", "work_order", "asset")
DEEPEST = 16
#: What `trim()` of JavaScript takes away, to the letter; `str.strip()` takes away U+001C to U+001F and U+0085 too.
BLANKS = (
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with something that the office wrote, and where: `pointer` is a JSON pointer into it."""

    pointer: str
    code: str
    detail: str


def holds(condition: Any, values: Values) -> bool:
    """Whether the condition is true of these values; no condition is true, one that makes no sense is false.

    Args:
        values: group → field → JSON value; a field that is not there is null.
    """
    return condition is None or _is_true(condition, values, 0)


def _is_true(condition: Any, values: Values, depth: int) -> bool:
    if depth >= DEEPEST or not isinstance(condition, Mapping) or len(condition) != 1:
        return False
    ((operator, operand),) = condition.items()
    evaluate = OPERATORS.get(operator) if isinstance(operator, str) else None
    return evaluate is not None and evaluate(operand, values, depth + 1)


def _and(operand: Any, values: Values, depth: int) -> bool:
    return isinstance(operand, list) and all(_is_true(part, values, depth) for part in operand)


def _or(operand: Any, values: Values, depth: int) -> bool:
    return isinstance(operand, list) and any(_is_true(part, values, depth) for part in operand)


def _not(operand: Any, values: Values, depth: int) -> bool:
    return isinstance(operand, Mapping) and not _is_true(operand, values, depth)


def _eq(operand: Any, values: Values, depth: int) -> bool:
    path, expected = _pair(operand)
    return path is not None and same(_value(path, values), expected)


def _in(operand: Any, values: Values, depth: int) -> bool:
    path, allowed = _pair(operand)
    if path is None or not isinstance(allowed, list):
        return False
    found = _value(path, values)
    return any(same(found, one) for one in allowed)


def _gt(operand: Any, values: Values, depth: int) -> bool:
    path, limit = _pair(operand)
    found = _value(path, values) if path is not None else None
    return is_number(found) and is_number(limit) and float(found) > float(limit)


def _present(operand: Any, values: Values, depth: int) -> bool:
    return isinstance(operand, str) and is_present(_value(operand, values))


OPERATORS: Mapping[str, Callable[[Any, Values, int], bool]] = {
    "and": _and,
    "or": _or,
    "not": _not,
    "eq": _eq,
    "in": _in,
    "gt": _gt,
    "present": _present,
}


def is_present(value: Any) -> bool:
    """False, 0 and "no" are answers; null, blank text, empty lists and empty objects are none."""
    if isinstance(value, str):
        return is_text(value)
    return value is not None and not (isinstance(value, list | Mapping) and not value)


def is_text(value: Any) -> TypeGuard[str]:
    """Text that is not blank."""
    return isinstance(value, str) and value.strip(BLANKS) != ""


def is_number(value: Any) -> TypeGuard[int | float]:
    """A number that a double can hold: 10^400 is none, for JavaScript reads it as infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def same(one: Any, other: Any) -> bool:
    """Equal as JSON scalars: 1 is 1.0, but true is not 1 and "1" is not 1; lists and objects equal nothing.

    Numbers are compared as doubles: beyond 2^53 neighbours are equal, as in JavaScript.
    """
    if is_number(one) and is_number(other):
        return float(one) == float(other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return (one is None and other is None) or (isinstance(one, str) and isinstance(other, str) and one == other)


def _pair(operand: Any) -> tuple[str | None, Any]:
    if isinstance(operand, list) and len(operand) == 2 and isinstance(operand[0], str):
        return operand[0], operand[1]
    return None, None


def _value(path: str, values: Values) -> Any:
    """`answers.a.b` is the field `a.b` of the answers."""
    group, _, field = path.partition(".")
    fields = values.get(group)
    return fields.get(field) if isinstance(fields, Mapping) else None


def flaws_of_condition(condition: Any, pointer: str, *, depth: int = 0) -> Iterator[Flaw]:
    """What keeps this from being a condition; nothing when it is one."""
    if depth >= DEEPEST:
        yield Flaw(pointer, "too-deep", f"A condition may be nested {DEEPEST} deep at most.")
        return
    if not isinstance(condition, Mapping) or len(condition) != 1:
        yield Flaw(pointer, "not-a-condition", "A condition is an object with one operator in it.")
        return
    ((operator, operand),) = condition.items()
    here = f"{pointer}/{operator}"
    if operator in ("and", "or"):
        if not isinstance(operand, list) or not operand:
            yield Flaw(here, "not-a-list", f"`{operator}` needs a list of conditions.")
            return
        for position, part in enumerate(operand):
            yield from flaws_of_condition(part, f"{here}/{position}", depth=depth + 1)
    elif operator == "not":
        yield from flaws_of_condition(operand, here, depth=depth + 1)
    elif operator in OPERATORS:
        yield from _flaws_of_comparison(operator, operand, here)
    else:
        yield Flaw(here, "unknown-operator", f"There is no operator `{operator}`; use {', '.join(OPERATORS)}.")


def _flaws_of_comparison(operator: str, operand: Any, pointer: str) -> Iterator[Flaw]:
    path, value = (operand, None) if operator == "present" else _pair(operand)
    if not isinstance(path, str):
        shape = "a path" if operator == "present" else "a list of a path and a value"
        yield Flaw(pointer, "bad-operand", f"`{operator}` needs {shape}.")
        return
    group, _, field = path.partition(".")
    if group not in GROUPS or not field:
        yield Flaw(pointer, "bad-path", f"`{path}` does not start with {', '.join(f'{one}.' for one in GROUPS)}.")
    if operator == "in" and not (isinstance(value, list) and value):
        yield Flaw(pointer, "bad-operand", "`in` needs a list of values to choose from.")
    if operator == "gt" and not is_number(value):
        yield Flaw(pointer, "bad-operand", "`gt` needs a number to compare with.")
