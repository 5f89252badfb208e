"""Closure rules that look at what was read, scanned and tested."""

from typing import Any

from app.domain.closure_facts import Asked, Finding, Met, entries, plain_number
from app.domain.conditions import BLANKS, same

_WITHOUT_BLANKS = str.maketrans("", "", BLANKS)
#: Not `upper()`: what it does to letters beyond ASCII differs from language to language, and in length.
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def serial_scan(asked: Asked) -> Finding:
    """A scan, with the tag where one is asked for, says the expected serial number.

    Blanks and the case of ASCII letters do not count. Without a known serial number any scan will do.
    """
    tag, expected = asked.param("tag"), asked.param("expected")
    wanted = [asked.facts.asset.get("serial")] if expected == "asset" else expected or []
    good = {code for one in wanted if (code := _bare(one))}
    scans = [one for one in asked.submission.scans if _bare(one.get("value"))]
    found = [one["value"] for one in scans if tag is None or one.get("tag") == tag]
    met = any(not good or _bare(one) in good for one in found)
    return asked.finding(
        Met.YES if met else Met.NO,
        fix="" if met else asked.say("serial_scan.fix.other" if found else "serial_scan.fix"),
        tag=tag,
        scanned=found,
        expected=[one for one in wanted if _bare(one)],
    )


def _bare(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    return value.translate(_WITHOUT_BLANKS).translate(_UPPER)


def meter(asked: Asked) -> Finding:
    """A reading with the label, and in the unit where one is asked for, is within its range."""
    label, unit = asked.param("label"), asked.param("unit")
    low, high = plain_number(asked.param("min")), plain_number(asked.param("max"))
    read = [
        value
        for one in entries(asked.submission.readings, "label", label)
        if (value := plain_number(one.get("value"))) is not None and (unit is None or one.get("unit") == unit)
    ]
    met = any(_is_within(value, low, high) for value in read)
    bounds = _range(asked, low, high)
    return asked.finding(
        Met.YES if met else Met.NO,
        message=asked.say("meter", label=label, range=bounds) if bounds else asked.say("meter.any", label=label),
        fix="" if met else asked.say("meter.fix.range" if read else "meter.fix", label=label),
        label=label,
        read=read,
        min=low,
        max=high,
        unit=unit,
    )


def functional_test(asked: Asked) -> Finding:
    """A test of the name gave a number in the range, or what is expected: true, where nothing else is said."""
    name, expected = asked.param("name"), asked.param("expected")
    low, high = plain_number(asked.param("min")), plain_number(asked.param("max"))
    ranged = low is not None or high is not None
    if expected is None and not ranged:
        expected = True
    done = [one.get("value") for one in entries(asked.submission.tests, "name", name)]
    done = [value for value in done if value is not None]
    met = any(
        (expected is not None and same(value, expected)) or (ranged and _is_within(value, low, high)) for value in done
    )
    return asked.finding(
        Met.YES if met else Met.NO,
        message=asked.say("functional_test", name=name),
        fix="" if met else asked.say("functional_test.fix.failed" if done else "functional_test.fix", name=name),
        name=name,
        tested=len(done),
        min=low,
        max=high,
        expected=plain_number(expected) if plain_number(expected) is not None else expected,
    )


def _is_within(value: Any, low: float | None, high: float | None) -> bool:
    number = plain_number(value)
    return number is not None and (low is None or number >= low) and (high is None or number <= high)


def _range(asked: Asked, low: float | None, high: float | None) -> str:
    """The bounds in words; empty when there are none."""
    if low is not None and high is not None:
        return asked.say("range.between", min=low, max=high)
    if low is not None:
        return asked.say("range.from", min=low)
    return asked.say("range.to", max=high) if high is not None else ""
