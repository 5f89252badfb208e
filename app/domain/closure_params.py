"""What a closure rule may be told, by kind: the shape and bounds of each parameter. Null is as good as left out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.domain.conditions import Flaw, is_number, is_text


@dataclass(frozen=True, slots=True)
class Param:
    """`type`: bool, int, float (any number), str or list (of texts). `words`: the only texts that are good."""

    type: type
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    required: bool = False


HOURS = Param(float, 0.01, 8_760)
MINUTES = Param(float, 0, 5_256_000)
METRES = Param(float, 0, 40_000_000)
NUMBER = Param(float)
PHASES = ("pre_visit", "arrival", "work", "closure")
OPEN_ITEMS = ("tasks", "returns", "requests")
#: By the names of `RuleKind`. `expected`, and the `risk` of reviews, have shapes of their own.
PARAMS: Mapping[str, Mapping[str, Param]] = {
    "checklist": {
        "form": Param(str),
        "items": Param(list),
        "phase": Param(str, words=PHASES),
        "failures": Param(str, words=("block", "note")),
    },
    "photo": {
        "tag": Param(str),
        "min": Param(int, 0, 1_000),
        "max_age_minutes": MINUTES,
        "tolerance_minutes": MINUTES,
        "radius_m": METRES,
    },
    "signature": {
        "role": Param(str, words=("customer", "technician", "witness")),
        "name_required": Param(bool),
        "refusal_allowed": Param(bool),
        "bound": Param(bool),
    },
    "customer_code": {
        "channel": Param(str, words=("sms", "email", "shown")),
        "ttl_hours": HOURS,
        "attempts": Param(int, 1, 20),
        "online_required": Param(bool),
    },
    "customer_confirm": {"hours": HOURS, "silence": Param(str, words=("ask", "accept"))},
    "resolution_codes": {"codes": Param(list), "cause_codes": Param(list)},
    "parts_declared": {},
    "labor_present": {"min_minutes": Param(float, 0, 100_000)},
    "duration_sanity": {"min_factor": Param(float, 0, 1_000), "max_factor": Param(float, 0, 1_000)},
    "meter": {"label": Param(str, required=True), "min": NUMBER, "max": NUMBER, "unit": Param(str)},
    "serial_scan": {"tag": Param(str), "expected": Param(object)},
    "functional_test": {"name": Param(str, required=True), "min": NUMBER, "max": NUMBER, "expected": Param(object)},
    "geo_presence": {"radius_m": METRES, "source": Param(str, words=("arrival", "any"))},
    "no_open_items": {"of": Param(list, words=OPEN_ITEMS)},
    "supervisor_review": {
        "always": Param(bool),
        "sample_percent": Param(float, 0, 100),
        "risk": Param(object),
    },
}
PAIRS = (("min", "max"), ("min_factor", "max_factor"))


def flaws_of_params(kind: str, params: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    yield from flaws_of_fields(params, PARAMS[kind], pointer)
    for low, high in PAIRS:
        if high in PARAMS[kind]:
            yield from crossed_bounds(params, low, high, pointer)
    expected = params.get("expected")
    if kind == "serial_scan" and expected is not None and expected != "asset" and not _is_list_of_texts(expected):
        yield Flaw(f"{pointer}/expected", "wrong-type", '`expected` is "asset" or a list of texts.')
    if kind == "functional_test" and not (expected is None or isinstance(expected, str | bool) or is_number(expected)):
        yield Flaw(f"{pointer}/expected", "wrong-type", "`expected` is a text, a number, true or false.")


def crossed_bounds(entry: Mapping[str, Any], low: str, high: str, pointer: str) -> Iterator[Flaw]:
    least, most = entry.get(low), entry.get(high)
    if is_number(least) and is_number(most) and float(least) > float(most):
        yield Flaw(f"{pointer}/{high}", "out-of-range", f"`{high}` is less than `{low}`.")


def flaws_of_fields(entry: Mapping[str, Any], known: Mapping[str, Param], pointer: str) -> Iterator[Flaw]:
    """Fields that are not known, that are missing, or whose value is not what it may be."""
    yield from unknown_fields(entry, tuple(known), pointer)
    for name, param in known.items():
        value, here = entry.get(name), f"{pointer}/{name}"
        if value is None:
            if param.required:
                yield Flaw(here, "missing", f"`{name}` is needed.")
        elif not _fits(param, value):
            yield Flaw(here, "wrong-type", f"`{name}` has the wrong type.")
        else:
            yield from _flaws_of_value(name, param, value, here)


def _fits(param: Param, value: Any) -> bool:
    if param.type is list:
        return _is_list_of_texts(value)
    if param.type is float:
        return is_number(value)
    if param.type is int:
        return isinstance(value, int) and is_number(value)
    return isinstance(value, param.type)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _flaws_of_value(name: str, param: Param, value: Any, here: str) -> Iterator[Flaw]:
    if param.required and not is_text(value):
        yield Flaw(here, "missing", f"`{name}` is blank.")
    if param.words:
        for place, word in [(here, value)] if isinstance(value, str) else _places(here, value):
            if word not in param.words:
                yield Flaw(place, "unknown-word", f"`{name}` is one of {', '.join(param.words)}.")
    if param.low is not None and not value >= param.low:
        code = "negative" if value < 0 else "out-of-range"
        yield Flaw(here, code, f"`{name}` is at least {param.low:g}.")
    if param.high is not None and not value <= param.high:
        yield Flaw(here, "out-of-range", f"`{name}` is at most {param.high:g}.")


def _places(here: str, listed: Sequence[str]) -> list[tuple[str, str]]:
    return [(f"{here}/{position}", one) for position, one in enumerate(listed)]


def unknown_fields(entry: Mapping[str, Any], known: Sequence[str], pointer: str) -> Iterator[Flaw]:
    for name in entry:
        if name not in known:
            allowed = ", ".join(known) or "none"
            yield Flaw(f"{pointer}/{name}", "unknown-field", f"There is no `{name}` here; allowed: {allowed}.")
