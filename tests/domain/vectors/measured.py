"""Rules about what was read, scanned and tested: name → row."""

from collections.abc import Mapping
from typing import Any

from tests.domain.vectors.rows import Row


def _reading(value: Any, unit: str | None = "bar", label: str = "Pressure") -> dict[str, Any]:
    return {"readings": [{"label": label, "value": value, "unit": unit}]}


MEASURED: Mapping[str, Row] = {
    "No reading": ("meter", {"label": "Pressure", "min": 1, "max": 2.5}, {}, {}, "no"),
    "A reading in range": ("meter", {"label": "Pressure", "min": 1, "max": 2.5}, _reading(2.5), {}, "yes"),
    "A reading out of range": ("meter", {"label": "Pressure", "min": 1, "max": 2.5}, _reading(2.51), {}, "no"),
    "A reading below the least": ("meter", {"label": "Pressure", "min": 1.0}, _reading(0.999), {}, "no"),
    "A reading above the most": ("meter", {"label": "Pressure", "max": 1e21}, _reading(1e22), {}, "no"),
    "Any reading will do without a range": ("meter", {"label": "Pressure"}, _reading(-1), {}, "yes"),
    "A reading of something else": ("meter", {"label": "Pressure"}, _reading(1, label="pressure"), {}, "no"),
    "A reading in the unit of the rule": ("meter", {"label": "Pressure", "unit": "bar"}, _reading(1), {}, "yes"),
    "A reading in another unit": ("meter", {"label": "Pressure", "unit": "bar"}, _reading(1, "psi"), {}, "no"),
    "A reading that is no number": ("meter", {"label": "Pressure"}, _reading("2"), {}, "no"),
    "True is no reading": ("meter", {"label": "Pressure"}, _reading(True), {}, "no"),
    "One of two readings is in range": (
        "meter",
        {"label": "Pressure", "max": 2},
        {"readings": [*_reading(3)["readings"], *_reading(2)["readings"]]},
        {},
        "yes",
    ),
    "No scan": ("serial_scan", {}, {}, {}, "no"),
    "Any scan will do": ("serial_scan", {}, {"scans": [{"tag": None, "value": "x"}]}, {}, "yes"),
    "A blank scan is none": ("serial_scan", {}, {"scans": [{"tag": None, "value": "\u2003"}]}, {}, "no"),
    "The serial number of the asset, written in another way": (
        "serial_scan",
        {"expected": "asset"},
        {"scans": [{"tag": "serial", "value": "ab 12\u00a0c"}]},
        {"asset": {"serial": "AB12 C"}},
        "yes",
    ),
    "Another serial number": (
        "serial_scan",
        {"expected": "asset"},
        {"scans": [{"tag": "serial", "value": "AB12D"}]},
        {"asset": {"serial": "AB12C"}},
        "no",
    ),
    "Only ASCII letters have another case": (
        "serial_scan",
        {"expected": ["Ä1"]},
        {"scans": [{"value": "ä1"}]},
        {},
        "no",
    ),
    "Without a known serial number any scan will do": (
        "serial_scan",
        {"expected": "asset"},
        {"scans": [{"value": "x"}]},
        {"asset": {"serial": None}},
        "yes",
    ),
    "One of the values that are expected": (
        "serial_scan",
        {"expected": ["A1", "A2"]},
        {"scans": [{"value": "zz"}, {"value": "a2"}]},
        {},
        "yes",
    ),
    "A scan with the tag": ("serial_scan", {"tag": "meter"}, {"scans": [{"tag": "meter", "value": "1"}]}, {}, "yes"),
    "A scan with another tag": ("serial_scan", {"tag": "meter"}, {"scans": [{"tag": "unit", "value": "1"}]}, {}, "no"),
    "No test": ("functional_test", {"name": "ignition"}, {}, {}, "no"),
    "A test that was passed": (
        "functional_test",
        {"name": "ignition"},
        {"tests": [{"name": "ignition", "value": True}]},
        {},
        "yes",
    ),
    "A test that was not passed": (
        "functional_test",
        {"name": "ignition"},
        {"tests": [{"name": "ignition", "value": False}]},
        {},
        "no",
    ),
    "One is not true": (
        "functional_test",
        {"name": "ignition"},
        {"tests": [{"name": "ignition", "value": 1}]},
        {},
        "no",
    ),
    "A test of something else": (
        "functional_test",
        {"name": "ignition"},
        {"tests": [{"name": "fan", "value": True}]},
        {},
        "no",
    ),
    "A test with a number in range": (
        "functional_test",
        {"name": "flow", "min": 5, "max": 7},
        {"tests": [{"name": "flow", "value": 5.0}]},
        {},
        "yes",
    ),
    "A test with a number out of range": (
        "functional_test",
        {"name": "flow", "min": 5},
        {"tests": [{"name": "flow", "value": 4.999}]},
        {},
        "no",
    ),
    "Where a number is asked for, true is none": (
        "functional_test",
        {"name": "flow", "min": 0},
        {"tests": [{"name": "flow", "value": True}]},
        {},
        "no",
    ),
    "A test with the result that is expected": (
        "functional_test",
        {"name": "lamp", "expected": "green"},
        {"tests": [{"name": "lamp", "value": "red"}, {"name": "lamp", "value": "green"}]},
        {},
        "yes",
    ),
    "A result that is expected beside a range": (
        "functional_test",
        {"name": "flow", "min": 5, "expected": "not needed"},
        {"tests": [{"name": "flow", "value": "not needed"}]},
        {},
        "yes",
    ),
}
