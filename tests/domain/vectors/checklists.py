"""Answers to checklists: name → (item, answer, what it is: good, missing, invalid or failed)."""

from collections.abc import Mapping
from typing import Any

EVIDENCE = {"p1": "photo", "p2": "photo", "s1": "signature"}
#: Each is judged as an item `i` beside which nothing is asked.
ANSWERS: Mapping[str, tuple[dict[str, Any], Any, str]] = {
    "No is an answer": ({"kind": "yes_no"}, False, "good"),
    "No is a bad answer where yes passes": ({"kind": "yes_no", "pass": True}, False, "failed"),
    "Yes is no text": ({"kind": "yes_no"}, "yes", "invalid"),
    "Nothing is missing where nothing is required": ({"kind": "text"}, None, "good"),
    "Nothing is missing where something is required": ({"kind": "text", "required": True}, None, "missing"),
    "Only true makes required": ({"kind": "text", "required": 1}, None, "good"),
    "Blank text is missing": ({"kind": "text", "required": True}, "\u2003\t", "missing"),
    "A number is no text": ({"kind": "text"}, 5, "invalid"),
    "A text that passes": ({"kind": "text", "pass": ["ok", "fine"]}, "fine", "good"),
    "A text that does not pass": ({"kind": "text", "pass": ["ok", "fine"]}, "Fine", "failed"),
    "A number": ({"kind": "number"}, -1.5, "good"),
    "True is no number": ({"kind": "number"}, True, "invalid"),
    "A text is no number": ({"kind": "measurement"}, "1", "invalid"),
    "A number at its lower bound": ({"kind": "number", "min": 0}, 0, "good"),
    "A number below it": ({"kind": "number", "min": 0}, -0.001, "failed"),
    "A number above its upper bound": ({"kind": "measurement", "max": 3, "unit": "bar"}, 3.0001, "failed"),
    "A bound that is no number is none": ({"kind": "number", "max": "3"}, 4, "good"),
    "2.0 is among the numbers that pass": ({"kind": "number", "pass": [1, 2]}, 2.0, "good"),
    "A choice": ({"kind": "choice", "choices": ["A", 1, None]}, 1.0, "good"),
    "No choice": ({"kind": "choice", "choices": ["A", "B"]}, "a", "invalid"),
    "A choice without choices": ({"kind": "choice"}, "A", "invalid"),
    "A bad choice": ({"kind": "choice", "choices": ["A", "B"], "pass": "A"}, "B", "failed"),
    "Several choices": ({"kind": "choices", "choices": ["A", "B", "C"]}, ["C", "A"], "good"),
    "One of several is no choice": ({"kind": "choices", "choices": ["A", "B"]}, ["A", "D"], "invalid"),
    "One choice is no list of choices": ({"kind": "choices", "choices": ["A"]}, "A", "invalid"),
    "One of several is a bad choice": ({"kind": "choices", "choices": ["A", "B"], "pass": ["A"]}, ["A", "B"], "failed"),
    "No choices are no answer": ({"kind": "choices", "choices": ["A"], "required": True}, [], "missing"),
    "A day": ({"kind": "date"}, "2026-05-04", "good"),
    "A leap day": ({"kind": "date"}, "2024-02-29", "good"),
    "A leap day of a century that is none": ({"kind": "date"}, "1900-02-29", "invalid"),
    "A leap day of a century that is one": ({"kind": "date"}, "2000-02-29", "good"),
    "There is no 31st of April": ({"kind": "date"}, "2026-04-31", "invalid"),
    "There is no 13th month": ({"kind": "date"}, "2026-13-01", "invalid"),
    "There is no day 0": ({"kind": "date"}, "2026-01-00", "invalid"),
    "There is no year 0": ({"kind": "date"}, "0000-01-01", "invalid"),
    "A day with a time is no day": ({"kind": "date"}, "2026-05-04T10:00", "invalid"),
    "A day and a line feed is no day": ({"kind": "date"}, "2026-05-04\n", "invalid"),
    "Arabic digits are none here": ({"kind": "date"}, "٢٠٢٦-05-04", "invalid"),
    "A time": ({"kind": "time"}, "23:59", "good"),
    "There is no 24:00": ({"kind": "time"}, "24:00", "invalid"),
    "A time has two digits": ({"kind": "time"}, "9:30", "invalid"),
    "A time has no seconds": ({"kind": "time"}, "09:30:00", "invalid"),
    "A photo": ({"kind": "photo"}, ["p1"], "good"),
    "Two photos": ({"kind": "photo", "required": True}, ["p1", "p2"], "good"),
    "A photo that nobody knows": ({"kind": "photo"}, ["p1", "p3"], "invalid"),
    "A signature is no photo": ({"kind": "photo"}, ["s1"], "invalid"),
    "A photo comes in a list": ({"kind": "photo"}, "p1", "invalid"),
    "A signature": ({"kind": "signature"}, "s1", "good"),
    "A photo is no signature": ({"kind": "signature"}, "p1", "invalid"),
    "What every object inherits is no signature": ({"kind": "signature"}, "toString", "invalid"),
    "A signature is one": ({"kind": "signature"}, ["s1"], "invalid"),
    "A scan": ({"kind": "scan"}, "4006381333931", "good"),
    "A number is no scan": ({"kind": "scan"}, 4006381333931, "invalid"),
    "A rating": ({"kind": "rating"}, 5, "good"),
    "A rating above the scale": ({"kind": "rating"}, 6, "invalid"),
    "A rating on a longer scale": ({"kind": "rating", "max": 10}, 6.0, "good"),
    "There is no rating of 0": ({"kind": "rating"}, 0, "invalid"),
    "There is no half a rating": ({"kind": "rating"}, 3.5, "invalid"),
    "A bad rating": ({"kind": "rating", "min": 3}, 2, "failed"),
    "Hidden items are not asked": (
        {"kind": "text", "required": True, "show_if": {"eq": ["answers.x", 1]}},
        None,
        "good",
    ),
    "Answers to hidden items are not judged": ({"kind": "text", "show_if": {"eq": ["answers.x", 1]}}, 5, "good"),
    "Shown items are asked": (
        {"kind": "text", "required": True, "show_if": {"eq": ["answers.other", True]}},
        None,
        "missing",
    ),
    "A condition that makes no sense hides": ({"kind": "text", "required": True, "show_if": "always"}, None, "good"),
    "`when` is no condition of an item": ({"kind": "text", "required": True, "when": {"eq": [1, 2]}}, None, "missing"),
    "Required where the condition is true": (
        {"kind": "text", "required_if": {"gt": ["work_order.priority", 1]}},
        None,
        "missing",
    ),
    "Not required where it is false": (
        {"kind": "text", "required_if": {"gt": ["work_order.priority", 2]}},
        None,
        "good",
    ),
    "A condition that makes no sense requires nothing": ({"kind": "text", "required_if": True}, None, "good"),
    "An item of a kind that nobody knows is not asked": ({"kind": "video", "required": True}, None, "good"),
    "An item without a name is not asked": ({"id": " ", "kind": "text", "required": True}, None, "good"),
}
VALUES: Mapping[str, Any] = {"work_order": {"priority": 2}, "asset": {}}
OTHER = {"other": True}

ORDER = {"title": {"en": "Replace the valve", "de": "Ventil tauschen"}, "work_type": "repair", "priority": 2}
#: Name → (items, answers, language).
FOLLOW_UPS: Mapping[str, tuple[list[Any], dict[str, Any], str]] = {
    "A bad answer opens a work order": (
        [{"id": "i", "kind": "yes_no", "pass": True, "on_fail": {"create_work_order": ORDER}}],
        {"i": False},
        "en",
    ),
    "In the language of who reads it": (
        [{"id": "i", "kind": "yes_no", "pass": True, "on_fail": {"create_work_order": ORDER}}],
        {"i": False},
        "de-AT",
    ),
    "Without a title it is called as the item": (
        [{"id": "i", "label": "Valve is tight", "kind": "yes_no", "pass": True, "on_fail": {"create_work_order": {}}}],
        {"i": False},
        "fr",
    ),
    "A good answer opens nothing": (
        [{"id": "i", "kind": "yes_no", "pass": True, "on_fail": {"create_work_order": ORDER}}],
        {"i": True},
        "en",
    ),
    "An impossible answer opens nothing": (
        [{"id": "i", "kind": "yes_no", "pass": True, "on_fail": {"create_work_order": ORDER}}],
        {"i": "no"},
        "en",
    ),
    "A bad answer to a hidden item opens nothing": (
        [
            {
                "id": "i",
                "kind": "yes_no",
                "pass": True,
                "show_if": {"eq": ["answers.other", True]},
                "on_fail": {"create_work_order": ORDER},
            }
        ],
        {"i": False},
        "en",
    ),
    "Each bad answer opens its own, in the order of the checklist": (
        [
            {"id": "b", "kind": "number", "max": 1, "on_fail": {"create_work_order": {"problem_code": "high"}}},
            {"id": "a", "kind": "rating", "min": 3, "on_fail": {"create_work_order": {"title": " ", "priority": 0.5}}},
            {"id": "c", "kind": "rating", "min": 3, "on_fail": {"tell": "everybody"}},
        ],
        {"a": 1, "b": 2, "c": 1},
        "en",
    ),
}
_IF_TIGHT = {"eq": ["answers.tight", False]}
#: Name → (key of the form, its items).
FORMS: Mapping[str, tuple[str, list[Any]]] = {
    "Items get the name of the form before theirs": ("gas", [{"id": "tight", "label": "Tight", "kind": "yes_no"}]),
    "Paths to answers of the form get it too": (
        "gas",
        [
            {"id": "tight", "kind": "yes_no"},
            {
                "id": "ppm",
                "kind": "number",
                "show_if": {"or": [_IF_TIGHT, {"not": {"present": "answers.tight"}}]},
                "required_if": {"and": [{"in": ["answers.tight", [False]]}, {"gt": ["answers.ppm", 1]}]},
            },
        ],
    ),
    "Paths to anything else stay what they are": (
        "gas",
        [
            {"id": "tight", "kind": "yes_no", "show_if": {"eq": ["answers.elsewhere", 1]}},
            {"id": "b", "kind": "text", "required_if": {"eq": ["asset.tight", "answers.tight"]}},
        ],
    ),
    "What makes no sense stays what it is": (
        "gas",
        [{"id": "a", "kind": "text", "show_if": {"lt": ["answers.a"]}, "required_if": ["answers.a"]}, "x", {"id": 5}],
    ),
}
