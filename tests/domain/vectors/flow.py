"""What follows from what was found: name → (case, what the verdict says: verdict, met of each finding, review…)."""

from collections.abc import Mapping
from typing import Any

from tests.domain.vectors.rows import ARRIVED, ENDED, evidence, photo

Told = tuple[dict[str, Any], dict[str, Any]]


def a_case(
    policy: dict[str, Any],
    submission: dict[str, Any] | None = None,
    facts: dict[str, Any] | None = None,
    language: str = "en",
) -> dict[str, Any]:
    when = {"ended_at": ENDED, "arrived_at": ARRIVED}
    return {"policy": policy, "submission": submission or {}, "facts": {**when, **(facts or {})}, "language": language}


def rules(*listed: dict[str, Any], **policy: Any) -> dict[str, Any]:
    return {"rules": list(listed), **policy}


def rule(kind: str = "parts_declared", name: str = "r", **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": kind, **more}


CONFIRM, REVIEW = rule("customer_confirm", "c"), rule("supervisor_review", "s", params={"always": True})
PROMISED = evidence(photo("late", stored=False))
NO, WAITING, SILENT = ({"confirmation": {"answer": answer}} for answer in ("no", "waiting", "not_answered"))
DONE = {"no_parts_used": True}
MINE = {"waivers": [{"rule_id": "r", "reason": "The van was empty"}]}
THEIRS = {"waivers": [{"rule_id": "r", "reason": "Agreed by phone", "role": "supervisor"}]}
URGENT = {"eq": ["work_order.priority", 1]}

ORDER: Mapping[str, Told] = {
    "A policy with no rules is satisfied by anything": (a_case({}), {"verdict": "verified", "met": []}),
    "What blocks comes before what is waited for": (
        a_case(rules(rule()), {}, PROMISED),
        {"verdict": "unmet", "met": ["no", "awaiting"], "missing": ["late"]},
    ),
    "What is waited for comes before a review": (
        a_case({"review": {"always": True}}, {}, PROMISED),
        {"verdict": "awaiting_evidence", "met": ["awaiting", "awaiting"], "review": ["always"]},
    ),
    "A review comes before a waiver": (
        a_case(rules(rule(waivable_by="technician"), review={"always": True}), MINE),
        {"verdict": "pending_review", "met": ["waived", "awaiting"]},
    ),
    "A waiver comes before verified": (
        a_case(rules(rule(waivable_by="technician"), rule("parts_declared", "other", severity="warn")), MINE),
        {"verdict": "waived", "met": ["waived", "no"]},
    ),
    "What was promised is waited for even when no rule asks for it": (
        a_case({}, {}, PROMISED),
        {"verdict": "awaiting_evidence", "missing": ["late"]},
    ),
    "What was promised is waited for even when the rule only warns": (
        a_case(rules(rule("photo", severity="warn")), {}, PROMISED),
        {"verdict": "awaiting_evidence", "met": ["awaiting", "awaiting"]},
    ),
    "A rule whose condition is false is not there": (
        a_case(rules(rule(when=URGENT)), {}, {"work_order": {"priority": 3}}),
        {"verdict": "verified", "met": []},
    ),
    "A rule whose condition is true is there": (
        a_case(rules(rule(when=URGENT)), {}, {"work_order": {"priority": 1.0}}),
        {"verdict": "unmet", "met": ["no"]},
    ),
    "A condition may look at answers": (
        a_case(rules(rule(when={"present": "answers.leak"})), {"answers": {"leak": False}}),
        {"verdict": "unmet"},
    ),
    "A warning never keeps the visit open": (
        a_case(rules(rule(severity="warn"))),
        {"verdict": "verified", "met": ["no"]},
    ),
    "Being near the site only warns, where nothing is said": (
        a_case(rules(rule("geo_presence"))),
        {"verdict": "verified", "met": ["no"]},
    ),
    "Being near the site blocks where the rule says so": (
        a_case(rules(rule("geo_presence", severity="block"))),
        {"verdict": "unmet", "met": ["no"]},
    ),
    "Null is as good as left out": (
        a_case(rules(rule("photo", severity=None, when=None, params={"tag": None, "min": None}, message=None))),
        {"verdict": "unmet"},
    ),
    "A customer who says no is a supervisor's matter": (
        a_case(rules(CONFIRM), {}, NO),
        {"verdict": "pending_review", "met": ["no", "awaiting"], "review": ["customer_disagreed"]},
    ),
    "A customer who says nothing is a supervisor's matter": (
        a_case(rules(CONFIRM), {}, SILENT),
        {"verdict": "pending_review", "met": ["no", "awaiting"], "review": ["customer_not_answered"]},
    ),
    "A customer who has yet to answer is waited for": (
        a_case(rules(CONFIRM, REVIEW), {}, WAITING),
        {"verdict": "awaiting_evidence", "met": ["awaiting", "awaiting"], "review": ["always"]},
    ),
    "A customer's no does not hide what is unmet": (
        a_case(rules(CONFIRM, rule()), {}, NO),
        {"verdict": "unmet", "met": ["no", "no", "awaiting"]},
    ),
    "A customer's no that only warns is only shown": (
        a_case(rules({**CONFIRM, "severity": "warn"}), {}, NO),
        {"verdict": "verified", "met": ["no"], "review": []},
    ),
    "A customer who is not waited for": (
        a_case(rules({**CONFIRM, "severity": "warn"}), {}, WAITING),
        {"verdict": "verified", "met": ["awaiting"]},
    ),
}
REVIEWS: Mapping[str, Told] = {
    "Always": (a_case({"review": {"always": True}}), {"verdict": "pending_review", "review": ["always"]}),
    "Sent back before": (a_case({}, {}, {"sent_back": True}), {"verdict": "pending_review", "review": ["sent_back"]}),
    "Each reason once, in their order": (
        a_case(
            rules(CONFIRM, REVIEW, review={"always": True, "sample_percent": 100, "risk": "default"}),
            {"refusals": {"customer": "no"}},
            {**NO, "sent_back": True, "risks": ["install", "busy_asset"], "draw": 0},
        ),
        {
            "verdict": "pending_review",
            "review": [
                "sent_back",
                "customer_disagreed",
                "always",
                "sample",
                "busy_asset",
                "install",
                "signature_refused",
            ],
        },
    ),
    "A review can be a rule with a condition": (
        a_case(rules({**REVIEW, "when": URGENT}), {}, {"work_order": {"priority": 1}}),
        {"verdict": "pending_review", "review": ["always"]},
    ),
    "And is not asked for where the condition is false": (
        a_case(rules({**REVIEW, "when": URGENT}), {}, {"work_order": {"priority": 2}}),
        {"verdict": "verified", "review": []},
    ),
    "A review that only warns asks nobody": (
        a_case(rules({**REVIEW, "severity": "warn"})),
        {"verdict": "verified", "met": [], "review": []},
    ),
    "No waiver replaces a review": (
        a_case(rules({**REVIEW, "waivable_by": "technician"}), {"waivers": [{"rule_id": "s", "reason": "In a hurry"}]}),
        {"verdict": "pending_review", "review": ["always"]},
    ),
    "In the sample": (
        a_case({"review": {"sample_percent": 12.5}}, {}, {"draw": 1249}),
        {"verdict": "pending_review", "review": ["sample"]},
    ),
    "Just outside the sample": (
        a_case({"review": {"sample_percent": 12.5}}, {}, {"draw": 1250}),
        {"verdict": "verified", "review": []},
    ),
    "The smallest sample": (a_case({"review": {"sample_percent": 0.01}}, {}, {"draw": 0}), {"review": ["sample"]}),
    "No sample": (a_case({"review": {"sample_percent": 0}}, {}, {"draw": 0}), {"review": []}),
    "Who does not know the lot expects no review": (
        a_case({"review": {"sample_percent": 99.99}}, {}, {"draw": None}),
        {"verdict": "verified"},
    ),
    "Who does not know the lot expects one when all are reviewed": (
        a_case({"review": {"sample_percent": 100}}),
        {"verdict": "pending_review", "review": ["sample"]},
    ),
    "A risk that is not listed": (
        a_case({"review": {"risk": ["install"]}}, {}, {"risks": ["contractor"]}),
        {"verdict": "verified", "review": []},
    ),
    "A risk that nobody has heard of": (
        a_case({"review": {"risk": "default"}}, {}, {"risks": ["moon"]}),
        {"review": []},
    ),
    "A signature that was refused": (
        a_case({"review": {"risk": "default"}}, {"refusals": {"witness": ""}}),
        {"review": ["signature_refused"]},
    ),
    "A photo that was used before": (
        a_case({"review": {"risk": ["reused_photo"]}}, {}, evidence(photo(reused=True))),
        {"review": ["reused_photo"]},
    ),
    "A waiver that was used": (
        a_case(rules(rule(waivable_by="supervisor"), review={"risk": ["waiver_used"]}), {}, THEIRS),
        {"verdict": "pending_review", "met": ["waived", "awaiting"], "review": ["waiver_used"]},
    ),
    "A waiver that was not needed is no risk": (
        a_case(rules(rule(waivable_by="supervisor"), review={"risk": ["waiver_used"]}), DONE, THEIRS),
        {"verdict": "verified", "review": []},
    ),
    **{
        f"The risk {risk} is one of the default list": (
            a_case({"review": {"risk": "default"}}, {}, {"risks": [risk]}),
            {"verdict": "pending_review", "review": [risk]},
        )
        for risk in (
            "install",
            "retired_asset",
            "busy_asset",
            "contractor",
            "odd_duration",
            "geo_mismatch",
            "new_technician",
        )
    },
}
