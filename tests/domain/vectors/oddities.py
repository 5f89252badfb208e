"""Languages, and odd input: name → (case, what the verdict says)."""

from collections.abc import Mapping
from typing import Any

from tests.domain.vectors.flow import Told, a_case, rule, rules
from tests.domain.vectors.rows import evidence, photo

PARTS = {"en": "Parts!", "de": "Teile!"}
LABEL = {"en": "Grade", "de": "Note"}
ASKED = {"checklist": [{"id": "grade", "label": LABEL, "kind": "text", "required": True}, {"id": "b", "kind": "time"}]}
DE = "Die verbrauchten Teile müssen angegeben werden."
EN = "Parts must be declared."


def _said(language: str, told: str, **more: Any) -> Told:
    return a_case(rules(rule(**more)), language=language), {"message": told}


LANGUAGES: Mapping[str, Told] = {
    "In English": _said("en", EN),
    "In German": _said("de", DE),
    "In the German of Austria": _said("de-AT", DE),
    "In a language that nobody has written": _said("fr", EN),
    "In what every object inherits": _said("constructor", EN),
    "The office's own words": _said("de", "Teile!", message=PARTS),
    "The office's own words in the first part of a language": _said("de-CH", "Teile!", message=PARTS),
    "The office's own words in English, where they are in no other": _said("fr", "Parts!", message=PARTS),
    "The office's own words in any language, before ours": _said(
        "en", "Pezzi!", message={"nl": "Delen!", "it": "Pezzi!"}
    ),
    "Blank words are none": _said("de", DE, message={"de": " ", "en": ""}),
    "The office's place holders are text": _said("en", "{needed}", message={"en": "{needed}"}),
    "Labels are in the language too": (
        a_case(rules(rule("checklist")), {}, ASKED, "de"),
        {"fix": "Beantworten oder berichtigen: Note."},
    ),
    "An item without a label is called by its id": (
        a_case(rules(rule("checklist")), {"answers": {"grade": "A", "b": "9"}}, ASKED, "de"),
        {"fix": "Beantworten oder berichtigen: b."},
    ),
    "What is put in is not looked through again": (
        a_case(rules(rule("photo", params={"tag": "{more}"}))),
        {"fix": "Take 1 more photo “{more}” here and now."},
    ),
    "Numbers in texts are as JavaScript writes them": (
        a_case(rules(rule("meter", params={"label": "p", "min": 1e-7, "max": 1e21}))),
        {"message": "The reading “p” must be taken, between 1e-7 and 1e+21."},
    ),
    "Whole numbers in texts have no point": (
        a_case(rules(rule("meter", params={"label": "p", "min": -2.0, "max": 2.5}))),
        {"message": "The reading “p” must be taken, between -2 and 2.5."},
    ),
    **{
        f"Every text of {kind} in German": (a_case(rules(rule(kind, params=params)), {}, facts, "de"), {})
        for kind, params, facts in (
            ("checklist", {}, ASKED),
            ("photo", {"min": 3}, {}),
            ("signature", {"role": "witness", "refusal_allowed": True}, {}),
            ("customer_code", {}, {"code": {"state": "locked", "how": "online"}}),
            ("customer_confirm", {}, {"confirmation": {"answer": "not_answered"}}),
            ("resolution_codes", {"codes": ["a", "b"], "cause_codes": ["c"]}, {}),
            ("labor_present", {"min_minutes": 7.5}, {}),
            ("duration_sanity", {"max_factor": 0.5}, {"worked_seconds": 3599, "estimated_minutes": 60}),
            ("meter", {"label": "Druck", "max": 3}, {}),
            ("serial_scan", {}, {}),
            ("functional_test", {"name": "Zündung"}, {}),
            ("geo_presence", {"radius_m": 99.5}, {}),
            ("no_open_items", {}, {"open_items": {"tasks": 1, "returns": 2, "requests": 3}}),
        )
    },
}
ODD: Mapping[str, Told] = {
    "A submission that is nothing": ({**a_case({}), "submission": None}, {"verdict": "verified"}),
    "Facts that are nothing": ({**a_case(rules(rule("photo"))), "facts": []}, {"verdict": "unmet"}),
    "A case without a language": ({"policy": rules(rule())}, {"verdict": "unmet", "message": EN}),
    "A language that is no text": ({**a_case(rules(rule())), "language": 5}, {"message": EN}),
    "Without an end the work ended in 1970": (
        a_case(
            rules(rule("photo", params={"tolerance_minutes": 1})),
            {},
            {"ended_at": "2026-05-04", "arrived_at": None, **evidence(photo(captured_at="1970-01-01T00:00:59Z"))},
        ),
        {"verdict": "verified"},
    ),
    "A day that is not in the calendar is no time": (
        a_case(
            rules(rule("photo", params={"max_age_minutes": 1})),
            {},
            evidence(photo(captured_at="2026-02-29T10:00:00Z")),
        ),
        {"verdict": "verified"},
    ),
    "There is no second 60": (
        a_case(
            rules(rule("photo", params={"max_age_minutes": 1})),
            {},
            evidence(photo(captured_at="2016-12-31T23:59:60Z")),
        ),
        {"verdict": "verified"},
    ),
    "A time without a zone is no time": (
        a_case(
            rules(rule("photo", params={"max_age_minutes": 1})),
            {},
            evidence(photo(captured_at="2026-05-04T08:00:00")),
        ),
        {"verdict": "verified"},
    ),
    "No zone is a day away": (
        a_case(
            rules(rule("photo", params={"max_age_minutes": 1})),
            {},
            evidence(photo(captured_at="2026-05-04T08:00:00+24:00")),
        ),
        {"verdict": "verified"},
    ),
    "A zone may be a day away but for a minute": (
        a_case(
            rules(rule("photo", params={"tolerance_minutes": 0})),
            {},
            evidence(photo(captured_at="2026-05-03T10:30:00-23:59")),
        ),
        {"verdict": "verified"},
    ),
    "A time is in upper case": (
        a_case(
            rules(rule("photo", params={"max_age_minutes": 1})),
            {},
            evidence(photo(captured_at="2026-05-04t08:00:00z")),
        ),
        {"verdict": "verified"},
    ),
    "Evidence without an id is none": (
        a_case(rules(rule("photo")), {}, evidence({"kind": "photo"}, {"id": 5, "kind": "photo"})),
        {"verdict": "unmet"},
    ),
    "Evidence that does not say otherwise is stored": (
        a_case(rules(rule("photo")), {}, evidence({"id": "p", "kind": "photo"})),
        {"verdict": "verified"},
    ),
    "Answers that are a list answer nothing": (
        a_case(rules(rule("checklist")), {"answers": ["grade"]}, ASKED),
        {"verdict": "unmet"},
    ),
    "A checklist that is an object asks nothing": (
        a_case(rules(rule("checklist")), {}, {"checklist": ASKED["checklist"][0]}),
        {"verdict": "verified"},
    ),
    "Half a movement is none": (a_case(rules(rule()), {}, {"movements": 0.5}), {"verdict": "unmet"}),
    "One movement as 1.0": (a_case(rules(rule()), {}, {"movements": 1.0}), {"verdict": "verified"}),
    "Seconds of work that are no whole number are not known": (
        a_case(rules(rule("labor_present")), {}, {"worked_seconds": 99.5}),
        {"verdict": "unmet"},
    ),
    "A distance that is a text is not known": (
        a_case(rules(rule("geo_presence", severity="block")), {}, {"presence_m": "5"}),
        {"verdict": "unmet"},
    ),
    "A refusal that is no text is none": (
        a_case(rules(rule("signature", params={"refusal_allowed": True})), {"refusals": {"customer": True}}),
        {"verdict": "unmet"},
    ),
    "Readings, scans and tests that are none": (
        a_case(
            rules(
                rule("meter", "m", params={"label": "p"}),
                rule("serial_scan", "s"),
                rule("functional_test", "t", params={"name": "n"}),
            ),
            {"readings": [None, {"label": ["p"], "value": 1}], "scans": [{"value": 5}, "x"], "tests": [{"name": "n"}]},
        ),
        {"verdict": "unmet", "met": ["no", "no", "no"]},
    ),
    "What is open is a number, or it is nothing": (
        a_case(rules(rule("no_open_items")), {}, {"open_items": {"tasks": "3", "returns": None, "requests": True}}),
        {"verdict": "verified"},
    ),
    "A reading beyond what a double holds exactly": (
        a_case(
            rules(rule("meter", params={"label": "p", "max": 9007199254740993})),
            {"readings": [{"label": "p", "value": 9007199254740992}]},
        ),
        {"verdict": "verified"},
    ),
}
