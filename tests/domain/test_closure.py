"""The closure evaluator; what it says case by case is in tests/domain/vectors."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.domain.closure import Verdict, VerdictKind, draw_of, evaluate, is_sampled
from app.domain.closure_case import evaluate_case, facts_json, facts_of_json, submission_json, submission_of_json
from app.domain.closure_facts import Facts, Submission
from app.domain.closure_params import PARAMS
from app.domain.closure_policy import DEFAULT_RISKS, NotAPolicy, Risk, RuleKind, Severity, check_policy, policy_of
from app.domain.closure_rules import CHECKS
from app.domain.closure_texts import TEXTS
from tests.clients.closure_cases import cases, facts, odd, policies, submissions
from tests.domain.vectors.flow import a_case, rule, rules
from tests.domain.vectors.rules import ROWS

FINAL = {"verified", "waived", "pending_review", "awaiting_evidence", "unmet"}
ENDED = datetime(2026, 5, 4, 11, tzinfo=UTC)


@pytest.mark.parametrize("name", ROWS)
def test_a_rule_that_only_warns_never_keeps_the_visit_open(name: str) -> None:
    kind, params, submission, known, met = ROWS[name]

    answer = evaluate_case(a_case(rules(rule(kind, severity="warn", params=params)), submission, known))

    assert answer["findings"][0]["met"] == met
    assert answer["verdict"] == ("awaiting_evidence" if answer["missing"] else "verified")


@given(policies, submissions | odd, facts | odd, odd)
@settings(max_examples=200)
def test_whatever_is_sent_there_is_a_verdict(policy: Any, submission: Any, known: Any, language: Any) -> None:
    assume(not check_policy(policy))

    answer = evaluate_case({"policy": policy, "submission": submission, "facts": known, "language": language})

    assert answer["verdict"] in FINAL
    assert all(finding["message"] for finding in answer["findings"])


@given(odd | policies)
def test_whatever_the_office_writes_is_a_policy_or_has_flaws(policy: Any) -> None:
    if check_policy(policy):
        with pytest.raises(NotAPolicy):
            policy_of(policy)
    else:
        assert evaluate(policy_of(policy), Submission(), Facts(ended_at=ENDED)).kind in FINAL


@given(cases())
def test_a_waiver_never_turns_a_rule_that_is_met(case: dict[str, Any]) -> None:
    assume(not check_policy(case["policy"]))
    ids = [entry["id"] for entry in case["policy"].get("rules", [])]
    waivers = [{"rule_id": name, "reason": "because"} for name in ids]
    plain = without_waivers(case)
    waived = {
        **case,
        "submission": {**case["submission"], "waivers": waivers},
        "facts": {**case["facts"], "waivers": [{**waiver, "role": "supervisor"} for waiver in waivers]},
    }

    before, after = found(evaluate_case(plain)), found(evaluate_case(waived))

    assert {name: after[name]["met"] for name in ids if name in before and before[name]["met"] == "yes"} == {
        name: "yes" for name in ids if name in before and before[name]["met"] == "yes"
    }
    assert all(one["severity"] == "block" for one in after.values() if one["met"] == "waived")


@given(cases(), st.text(), st.text())
def test_a_waiver_of_a_rule_that_is_not_there_changes_nothing(case: dict[str, Any], name: str, reason: str) -> None:
    assume(not check_policy(case["policy"]))
    plain = without_waivers(case)
    known = {"evidence", *(entry["id"] for entry in case["policy"].get("rules", []))}
    waiver = {"rule_id": name if name not in known else f"{name} ", "reason": reason}
    assume(waiver["rule_id"] not in known)
    waived = {
        **plain,
        "submission": {**plain["submission"], "waivers": [waiver]},
        "facts": {**plain["facts"], "waivers": [{**waiver, "role": "supervisor"}]},
    }

    assert evaluate_case(waived) == evaluate_case(plain)


def without_waivers(case: dict[str, Any]) -> dict[str, Any]:
    return {
        **case,
        "submission": {**case["submission"], "waivers": []},
        "facts": {**case["facts"], "waivers": []},
    }


def found(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By rule; those of no rule come last, and may have the name of one."""
    return {one["rule_id"]: one for one in reversed(answer["findings"])}


@given(cases())
def test_what_was_judged_is_judged_the_same_from_what_was_kept(case: dict[str, Any]) -> None:
    assume(not check_policy(case["policy"]))
    submission, known = submission_of_json(case["submission"]), facts_of_json(case["facts"])

    kept = {**case, "submission": submission_json(submission), "facts": facts_json(known)}

    assert evaluate_case(kept) == evaluate_case(case)
    assert facts_of_json(kept["facts"]) == known
    assert submission_of_json(kept["submission"]) == submission


def test_a_policy_with_no_rules_is_satisfied_by_anything() -> None:
    assert judged({}).kind is VerdictKind.VERIFIED
    assert policy_of({}).auto_close
    assert policy_of({}).asks_for_nothing
    assert policy_of({"review": {"within_hours": 1}}).asks_for_nothing
    assert not policy_of({"review": {"risk": "default"}}).asks_for_nothing


def judged(policy: dict[str, Any]) -> Verdict:
    return evaluate(policy_of(policy), Submission(), Facts(ended_at=ENDED))


def test_what_a_policy_does_not_say_is_as_usual() -> None:
    policy = policy_of({"rules": [{"id": "geo", "kind": "geo_presence"}, {"id": "p", "kind": "photo"}]})

    assert (policy.evidence_within_hours, policy.review.within_hours, policy.send_report) == (48, 24, False)
    assert [one.severity for one in policy.rules] == [Severity.WARN, Severity.BLOCK]
    assert policy_of({"report": {"send": True}, "match": {"priority": 1}}).send_report


def test_every_kind_of_rule_has_its_params_its_check_and_its_text_in_every_language() -> None:
    assert set(PARAMS) == {kind.value for kind in RuleKind}
    assert set(CHECKS) == set(RuleKind) - {RuleKind.SUPERVISOR_REVIEW}
    assert {tuple(table) for table in TEXTS.values()} == {tuple(TEXTS["en"])}
    assert {places(text) for text in TEXTS["en"].values()}
    for language, table in TEXTS.items():
        assert {key: places(text) for key, text in table.items()} == {
            key: places(text) for key, text in TEXTS["en"].items()
        }, language


def places(text: str) -> frozenset[str]:
    return frozenset(part.partition("}")[0] for part in text.split("{")[1:])


def test_every_risk_is_on_the_default_list() -> None:
    assert frozenset(Risk) == DEFAULT_RISKS
    assert policy_of({"review": {"risk": "default"}}).review.risk == DEFAULT_RISKS
    assert policy_of({"review": {"risk": []}}).review.risk == frozenset()


def test_the_sample_is_the_same_every_time_and_about_the_share_that_was_asked_for() -> None:
    names = [f"work-order-{number}" for number in range(10_000)]

    def sample(salt: bytes, percent: float) -> set[str]:
        return {name for name in names if is_sampled(draw_of(salt, name), percent)}

    shares = {percent: sample(b"salt", percent) for percent in (0, 0.5, 1, 10, 33.3, 50, 99, 100)}

    assert shares[10] == sample(b"salt", 10)
    assert shares[10] != sample(b"other", 10)
    assert all(abs(len(found) - percent * 100) <= 150 for percent, found in shares.items())
    assert (len(shares[0]), len(shares[100])) == (0, len(names))
    ascending = list(shares.values())
    assert all(less <= more for less, more in pairwise(ascending))


def test_who_does_not_know_the_lot_expects_a_review_only_when_all_are_reviewed() -> None:
    assert [is_sampled(None, percent) for percent in (0, 50, 99.99, 100)] == [False, False, False, True]


@pytest.mark.parametrize(
    ("policy", "pointer", "code"),
    [
        ([], "", "not-a-policy"),
        ({"rulez": []}, "/rulez", "unknown-field"),
        ({"auto_close": "yes"}, "/auto_close", "wrong-type"),
        ({"version": True}, "/version", "wrong-type"),
        ({"rules": ["photo"]}, "/rules/0", "not-a-rule"),
        ({"rules": [{"kind": "photo"}]}, "/rules/0/id", "missing"),
        ({"rules": [{"id": "r", "kind": "selfie"}]}, "/rules/0/kind", "unknown-kind"),
        ({"rules": [{"id": "r", "kind": "photo", "severity": "bad"}]}, "/rules/0/severity", "unknown-word"),
        ({"rules": [{"id": "r", "kind": "photo", "params": {"tags": 1}}]}, "/rules/0/params/tags", "unknown-field"),
        ({"rules": [{"id": "r", "kind": "photo", "params": {"min": "2"}}]}, "/rules/0/params/min", "wrong-type"),
        ({"rules": [{"id": "r", "kind": "photo", "params": {"min": -1}}]}, "/rules/0/params/min", "negative"),
        (
            {"rules": [{"id": "r", "kind": "signature", "params": {"role": "boss"}}]},
            "/rules/0/params/role",
            "unknown-word",
        ),
        (
            {"rules": [{"id": "r", "kind": "resolution_codes", "params": {"codes": [1]}}]},
            "/rules/0/params/codes",
            "wrong-type",
        ),
        ({"rules": [{"id": "r", "kind": "photo", "when": {"lt": []}}]}, "/rules/0/when/lt", "unknown-operator"),
        ({"rules": [{"id": "r", "kind": "photo", "message": "Hi"}]}, "/rules/0/message", "wrong-type"),
        (
            {"rules": [{"id": "r", "kind": "photo"}, {"id": "r", "kind": "checklist"}]},
            "/rules/1/id",
            "not-unique",
        ),
        ({"evidence_within_hours": 0}, "/evidence_within_hours", "out-of-range"),
        ({"evidence_within_hours": "48"}, "/evidence_within_hours", "wrong-type"),
        ({"report": True}, "/report", "wrong-type"),
        ({"report": {"send": 1}}, "/report/send", "wrong-type"),
        ({"report": {"to": "all"}}, "/report/to", "unknown-field"),
        ({"review": []}, "/review", "wrong-type"),
        ({"rules": {}}, "/rules", "wrong-type"),
        ({"review": {"within_hours": 9999}}, "/review/within_hours", "out-of-range"),
        ({"review": {"risk": "all"}}, "/review/risk", "wrong-type"),
        ({"review": {"sample_percent": -1}}, "/review/sample_percent", "negative"),
        ({"review": {"sample_percent": float("nan")}}, "/review/sample_percent", "wrong-type"),
        ({"review": {"sample_percent": 101}}, "/review/sample_percent", "out-of-range"),
        ({"review": {"risk": ["full_moon"]}}, "/review/risk/0", "unknown-risk"),
    ],
)
def test_a_flawed_policy_is_named_by_place_and_code(policy: Any, pointer: str, code: str) -> None:
    assert [(flaw.pointer, flaw.code) for flaw in check_policy(policy)] == [(pointer, code)]
    with pytest.raises(NotAPolicy):
        policy_of(policy)


@pytest.mark.parametrize(
    ("kind", "params", "place", "code"),
    [
        ("photo", {"min": 10**400}, "min", "wrong-type"),
        ("photo", {"min": 2.0}, "min", "wrong-type"),
        ("photo", {"min": True}, "min", "wrong-type"),
        ("photo", {"min": 1001}, "min", "out-of-range"),
        ("photo", {"radius_m": -0.5}, "radius_m", "negative"),
        ("checklist", {"phase": "later"}, "phase", "unknown-word"),
        ("checklist", {"form": 1}, "form", "wrong-type"),
        ("signature", {"bound": "yes"}, "bound", "wrong-type"),
        ("customer_code", {"channel": "fax"}, "channel", "unknown-word"),
        ("customer_code", {"attempts": 0}, "attempts", "out-of-range"),
        ("customer_code", {"ttl_hours": 9000}, "ttl_hours", "out-of-range"),
        ("customer_confirm", {"silence": "refuse"}, "silence", "unknown-word"),
        ("customer_confirm", {"hours": 0}, "hours", "out-of-range"),
        ("labor_present", {"min_minutes": -1}, "min_minutes", "negative"),
        ("duration_sanity", {"min_factor": 2, "max_factor": 1}, "max_factor", "out-of-range"),
        ("meter", {}, "label", "missing"),
        ("meter", {"label": "\u00a0"}, "label", "missing"),
        ("meter", {"label": "x", "min": 2, "max": 1}, "max", "out-of-range"),
        ("meter", {"label": "x", "max": "2"}, "max", "wrong-type"),
        ("serial_scan", {"expected": "serial"}, "expected", "wrong-type"),
        ("serial_scan", {"expected": [1]}, "expected", "wrong-type"),
        ("functional_test", {"expected": True}, "name", "missing"),
        ("functional_test", {"name": "x", "expected": []}, "expected", "wrong-type"),
        ("geo_presence", {"source": "sky"}, "source", "unknown-word"),
        ("no_open_items", {"of": ["tasks", "wishes"]}, "of/1", "unknown-word"),
        ("no_open_items", {"of": "tasks"}, "of", "wrong-type"),
        ("parts_declared", {"min": 1}, "min", "unknown-field"),
        ("supervisor_review", {"within_hours": 3}, "within_hours", "unknown-field"),
        ("supervisor_review", {"risk": [None]}, "risk/0", "unknown-risk"),
    ],
)
def test_a_flawed_param_is_named_by_place_and_code(kind: str, params: dict[str, Any], place: str, code: str) -> None:
    flaws = check_policy({"rules": [{"id": "r", "kind": kind, "params": params}]})

    assert [(flaw.pointer, flaw.code) for flaw in flaws] == [(f"/rules/0/params/{place}", code)]
