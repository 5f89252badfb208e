"""Rules about what was filled in: name → row."""

from collections.abc import Mapping
from typing import Any

from tests.domain.vectors.rows import Row, evidence, photo

CHECKLIST = [
    {"id": "safe", "label": "Power is off", "kind": "yes_no", "required": True, "pass": True},
    {"id": "bar", "label": "Pressure", "kind": "measurement", "required": True, "min": 1, "max": 3, "phase": "work"},
    {"id": "grade", "label": {"en": "Grade", "de": "Note"}, "kind": "choice", "choices": ["A", "B"]},
    {
        "id": "why",
        "label": "Why it leaks",
        "kind": "text",
        "required": True,
        "show_if": {"eq": ["answers.leak", True]},
    },
]
FORMS = [
    {"id": "own", "kind": "yes_no", "required": True},
    {"id": "gas.tight", "form": "gas", "label": "Gas is tight", "kind": "yes_no", "required": True},
    {"id": "gas.ppm", "form": "gas", "kind": "number", "required_if": {"eq": ["answers.gas.tight", False]}},
]
PICTURES = [{"id": "plate", "label": "Type plate", "kind": "photo", "required": True}]
GOOD = {"safe": True, "bar": 2.0}


def _answers(answers: dict[str, Any]) -> dict[str, Any]:
    return {"answers": answers}


ASKED = {"checklist": CHECKLIST}
CHECKLISTS: Mapping[str, Row] = {
    "A checklist that is answered well is met": ("checklist", {}, _answers(GOOD), ASKED, "yes"),
    "A required answer that is missing": ("checklist", {}, _answers({"safe": True}), ASKED, "no"),
    "False is an answer, but a bad one": ("checklist", {}, _answers({"safe": False, "bar": 2}), ASKED, "no"),
    "A bad answer is only noted where the rule says so": (
        "checklist",
        {"failures": "note"},
        _answers({"safe": False, "bar": 9}),
        ASKED,
        "yes",
    ),
    "An impossible answer is never only noted": (
        "checklist",
        {"failures": "note"},
        _answers({"safe": 1, "bar": 2}),
        ASKED,
        "no",
    ),
    "A measurement at its upper bound is good": ("checklist", {}, _answers({"safe": True, "bar": 3}), ASKED, "yes"),
    "A measurement just above its bound is bad": ("checklist", {}, _answers({"safe": True, "bar": 3.01}), ASKED, "no"),
    "An answer that is none of the choices": ("checklist", {}, _answers({**GOOD, "grade": "C"}), ASKED, "no"),
    "A question that was hidden has appeared": ("checklist", {}, _answers({**GOOD, "leak": True}), ASKED, "no"),
    "Blank text answers no question": ("checklist", {}, _answers({**GOOD, "leak": True, "why": " \t"}), ASKED, "no"),
    "Only the named items are asked": ("checklist", {"items": ["safe"]}, _answers({"safe": True}), ASKED, "yes"),
    "Only the items of the phase are asked": ("checklist", {"phase": "work"}, _answers({"bar": 1}), ASKED, "yes"),
    "Only the items of the form are asked": (
        "checklist",
        {"form": "gas"},
        _answers({"gas.tight": True}),
        {"checklist": FORMS},
        "yes",
    ),
    "A bad answer in a form asks for another one": (
        "checklist",
        {"form": "gas"},
        _answers({"gas.tight": False}),
        {"checklist": FORMS},
        "no",
    ),
    "Items of a form may be named as the form names them": (
        "checklist",
        {"form": "gas", "items": ["ppm"]},
        _answers({"gas.tight": False, "gas.ppm": 0}),
        {"checklist": FORMS},
        "yes",
    ),
    "Items of a form may be named as the checklist names them": (
        "checklist",
        {"form": "gas", "items": ["gas.ppm"]},
        _answers({"gas.tight": False}),
        {"checklist": FORMS},
        "no",
    ),
    "A form that is not there asks for nothing": ("checklist", {"form": "oil"}, {}, {"checklist": FORMS}, "yes"),
    "A photo as an answer names evidence that is here": (
        "checklist",
        {},
        _answers({"plate": ["p1"]}),
        {"checklist": PICTURES, **evidence(photo(tag="serial"))},
        "yes",
    ),
    "A photo as an answer that names what nobody knows": (
        "checklist",
        {},
        _answers({"plate": ["p9"]}),
        {"checklist": PICTURES, **evidence(photo(tag="serial"))},
        "no",
    ),
}
