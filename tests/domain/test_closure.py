from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import Verdict, VerdictKind, evaluate, is_sampled
from app.domain.closure_policy import NotAPolicy, check_policy, policy_of
from app.domain.closure_rules import EvidenceFact, Facts, Met, Submission

odd_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
ENDED = datetime(2026, 5, 4, 11, tzinfo=UTC)
ARRIVED = ENDED - timedelta(hours=2)
CHECKLIST = [
    {"id": "safe", "label": "Power is off", "kind": "yes_no", "required": True, "pass": True},
    {"id": "bar", "label": "Pressure", "kind": "measurement", "required": True, "min": 1, "max": 3, "phase": "test"},
    {"id": "grade", "label": "Grade", "kind": "choice", "choices": ["A", "B"]},
    {
        "id": "why",
        "label": "Why it leaks",
        "kind": "text",
        "required": True,
        "when": {"eq": ["answers.leak", True]},
    },
]
GOOD_ANSWERS = {"safe": True, "bar": 2.0}


def facts(**more: Any) -> Facts:
    return Facts(
        **{
            "work_order_id": "wo",
            "salt": b"salt",
            "ended_at": ENDED,
            "arrived_at": ARRIVED,
            "checklist": CHECKLIST,
            **more,
        }
    )


def photo(name: str = "p1", tag: str = "after", **more: Any) -> EvidenceFact:
    return EvidenceFact(name, "photo", tag, **more)


def signature(role: str = "customer", **more: Any) -> EvidenceFact:
    return EvidenceFact("s1", "signature", role, **more)


def verdict(kind: str, params: dict[str, Any], submission: Submission, known: Facts, **rule: Any) -> Verdict:
    policy = policy_of({"rules": [{"id": "r", "kind": kind, "params": params, **rule}]})
    return evaluate(policy, submission, known)


S = Submission
TABLE: list[tuple[str, str, dict[str, Any], Submission, Facts, Met]] = [
    ("all is answered well", "checklist", {}, S(GOOD_ANSWERS), facts(), Met.YES),
    ("an answer is missing", "checklist", {}, S({"safe": True}), facts(), Met.NO),
    ("false is an answer but a bad one", "checklist", {}, S({"safe": False, "bar": 2}), facts(), Met.NO),
    ("a bad answer is only noted", "checklist", {"failures": "note"}, S({"safe": False, "bar": 9}), facts(), Met.YES),
    (
        "an impossible answer is never noted",
        "checklist",
        {"failures": "note"},
        S({"safe": 1, "bar": 2}),
        facts(),
        Met.NO,
    ),
    ("outside its bounds", "checklist", {}, S({"safe": True, "bar": 3.01}), facts(), Met.NO),
    ("not a choice", "checklist", {}, S({**GOOD_ANSWERS, "grade": "C"}), facts(), Met.NO),
    ("a hidden question has appeared", "checklist", {}, S({**GOOD_ANSWERS, "leak": True}), facts(), Met.NO),
    ("only these items are asked", "checklist", {"items": ["safe"]}, S({"safe": True}), facts(), Met.YES),
    ("only this phase is asked", "checklist", {"phase": "test"}, S({"bar": 1}), facts(), Met.YES),
    ("no photo", "photo", {"tag": "after"}, S(), facts(), Met.NO),
    ("a photo of another tag", "photo", {"tag": "after"}, S(), facts(evidence=[photo(tag="before")]), Met.NO),
    ("a photo", "photo", {"tag": "after"}, S(), facts(evidence=[photo()]), Met.YES),
    ("a promised photo", "photo", {"tag": "after"}, S(), facts(evidence=[photo(stored=False)]), Met.AWAITING),
    (
        "one here and one promised, of two",
        "photo",
        {"min": 2},
        S(),
        facts(evidence=[photo(), photo("p2", stored=False)]),
        Met.AWAITING,
    ),
    ("one of two", "photo", {"min": 2}, S(), facts(evidence=[photo()]), Met.NO),
    (
        "a photo that is too old",
        "photo",
        {"max_age_minutes": 30},
        S(),
        facts(evidence=[photo(captured_at=ENDED - timedelta(minutes=31))]),
        Met.NO,
    ),
    (
        "a photo from before the arrival",
        "photo",
        {"tolerance_minutes": 10},
        S(),
        facts(evidence=[photo(captured_at=ARRIVED - timedelta(minutes=11))]),
        Met.NO,
    ),
    (
        "a photo within the tolerance",
        "photo",
        {"tolerance_minutes": 10},
        S(),
        facts(evidence=[photo(captured_at=ARRIVED - timedelta(minutes=9))]),
        Met.YES,
    ),
    ("a photo from afar", "photo", {"radius_m": 200}, S(), facts(evidence=[photo(distance_m=201.0)]), Met.NO),
    ("a photo from nobody knows where", "photo", {"radius_m": 200}, S(), facts(evidence=[photo()]), Met.YES),
    ("no signature", "signature", {}, S(), facts(), Met.NO),
    ("signed", "signature", {}, S(), facts(evidence=[signature()]), Met.YES),
    ("signed by somebody else", "signature", {}, S(), facts(evidence=[signature("witness")]), Met.NO),
    ("signed, on the phone still", "signature", {}, S(), facts(evidence=[signature(stored=False)]), Met.AWAITING),
    ("no name beside it", "signature", {"name_required": True}, S(), facts(evidence=[signature()]), Met.NO),
    (
        "with a name",
        "signature",
        {"name_required": True},
        S(),
        facts(evidence=[signature(signer_name="Cleo")]),
        Met.YES,
    ),
    (
        "refused where it may be",
        "signature",
        {"refusal_allowed": True},
        S(refusals={"customer": "not at home"}),
        facts(),
        Met.YES,
    ),
    ("refused where it may not be", "signature", {}, S(refusals={"customer": "no"}), facts(), Met.NO),
    (
        "refused without a reason",
        "signature",
        {"refusal_allowed": True},
        S(refusals={"customer": " "}),
        facts(),
        Met.NO,
    ),
    ("no code", "resolution_codes", {}, S(), facts(), Met.NO),
    ("any code", "resolution_codes", {}, S(resolution_code="fixed"), facts(), Met.YES),
    ("a code of the list", "resolution_codes", {"codes": ["fixed"]}, S(resolution_code="fixed"), facts(), Met.YES),
    ("no code of the list", "resolution_codes", {"codes": ["fixed"]}, S(resolution_code="other"), facts(), Met.NO),
    ("no cause", "resolution_codes", {"cause_codes": ["wear"]}, S(resolution_code="fixed"), facts(), Met.NO),
    (
        "code and cause",
        "resolution_codes",
        {"codes": ["fixed"], "cause_codes": ["wear"]},
        S(resolution_code="fixed", cause_code="wear"),
        facts(),
        Met.YES,
    ),
    ("nothing said of parts", "parts_declared", {}, S(), facts(), Met.NO),
    ("a part was recorded", "parts_declared", {}, S(), facts(movements=1), Met.YES),
    ("no parts, it is said", "parts_declared", {}, S(no_parts_used=True), facts(), Met.YES),
]
VERDICT_OF = {
    Met.YES: VerdictKind.VERIFIED,
    Met.NO: VerdictKind.UNMET,
    Met.AWAITING: VerdictKind.AWAITING_EVIDENCE,
}


@pytest.mark.parametrize(
    ("kind", "params", "submission", "known", "met"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_each_kind_of_rule_is_met_exactly_when_its_row_says_so(
    kind: str, params: dict[str, Any], submission: Submission, known: Facts, met: Met
) -> None:
    answer = verdict(kind, params, submission, known)

    finding = answer.findings[0]
    assert finding.met is met
    assert answer.kind is VERDICT_OF[met]
    assert finding.message
    assert bool(finding.how_to_fix) is (met is Met.NO)


@pytest.mark.parametrize(
    ("kind", "params", "submission", "known", "met"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_a_rule_that_only_warns_never_keeps_the_visit_open(
    kind: str, params: dict[str, Any], submission: Submission, known: Facts, met: Met
) -> None:
    answer = verdict(kind, params, submission, known, severity="warn")

    assert answer.findings[0].met is met
    assert answer.kind is not VerdictKind.UNMET


@given(st.dictionaries(st.sampled_from(["safe", "bar", "grade", "leak", "why"]), odd_json))
def test_whatever_was_answered_there_is_a_verdict(answers: dict[str, Any]) -> None:
    assert verdict("checklist", {}, S(answers), facts()).kind in (VerdictKind.VERIFIED, VerdictKind.UNMET)


def test_a_rule_applies_only_when_its_condition_is_true() -> None:
    only_urgent = {"eq": ["work_order.priority", 1]}

    calm = verdict("parts_declared", {}, S(), facts(work_order={"priority": 3}), when=only_urgent)
    urgent = verdict("parts_declared", {}, S(), facts(work_order={"priority": 1}), when=only_urgent)

    assert (calm.kind, calm.findings) == (VerdictKind.VERIFIED, ())
    assert urgent.kind is VerdictKind.UNMET


def test_the_office_speaks_in_the_language_it_was_asked_for() -> None:
    policy = policy_of({"rules": [{"id": "r", "kind": "parts_declared", "message": {"en": "Parts!", "de": "Teile!"}}]})

    assert evaluate(policy, S(), facts(), language="de").findings[0].message == "Teile!"
    assert evaluate(policy, S(), facts(), language="fr").findings[0].message == "Parts!"


def test_a_policy_with_no_rules_is_satisfied_by_anything() -> None:
    assert evaluate(policy_of({}), S(), facts()).kind is VerdictKind.VERIFIED
    assert policy_of({}).auto_close


def test_evidence_that_was_promised_is_waited_for_even_when_no_rule_asks_for_it() -> None:
    answer = evaluate(policy_of({}), S(), facts(evidence=[photo("late", stored=False)]))

    assert (answer.kind, answer.missing) == (VerdictKind.AWAITING_EVIDENCE, ("late",))


@pytest.mark.parametrize(
    ("review", "known", "submission", "reasons"),
    [
        ({"always": True}, facts(), S(), ("always",)),
        ({"sample_percent": 100}, facts(), S(), ("sample",)),
        ({"sample_percent": 0}, facts(), S(), ()),
        ({"risk": ["contractor"]}, facts(risks=frozenset({"contractor"})), S(), ("contractor",)),
        ({"risk": ["install"]}, facts(risks=frozenset({"contractor"})), S(), ()),
        ({"risk": ["signature_refused"]}, facts(), S(refusals={"customer": "no"}), ("signature_refused",)),
        ({"risk": ["reused_photo"]}, facts(evidence=[photo(reused=True)]), S(), ("reused_photo",)),
        ({}, facts(sent_back=True), S(), ("sent_back",)),
    ],
)
def test_a_supervisor_is_asked_for_a_reason_that_the_verdict_names(
    review: dict[str, Any], known: Facts, submission: Submission, reasons: tuple[str, ...]
) -> None:
    answer = evaluate(policy_of({"review": review}), submission, known)

    assert answer.review == reasons
    assert answer.kind is (VerdictKind.PENDING_REVIEW if reasons else VerdictKind.VERIFIED)


def test_a_review_can_be_a_rule_with_a_condition() -> None:
    rule = {"when": {"in": ["work_order.type", ["gas"]]}}

    gas = verdict("supervisor_review", {"always": True}, S(), facts(work_order={"type": "gas"}), **rule)
    water = verdict("supervisor_review", {"always": True}, S(), facts(work_order={"type": "water"}), **rule)

    assert (gas.kind, water.kind) == (VerdictKind.PENDING_REVIEW, VerdictKind.VERIFIED)


def test_the_sample_is_the_same_every_time_and_about_the_share_that_was_asked_for() -> None:
    names = [f"work-order-{number}" for number in range(4000)]
    sampled = {name for name in names if is_sampled(b"salt", name, 10)}

    assert sampled == {name for name in names if is_sampled(b"salt", name, 10)}
    assert 320 < len(sampled) < 480
    assert sampled != {name for name in names if is_sampled(b"other", name, 10)}
    assert sampled <= {name for name in names if is_sampled(b"salt", name, 20)}


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
        ({"review": {"sample_percent": 101}}, "/review/sample_percent", "out-of-range"),
        ({"review": {"risk": ["full_moon"]}}, "/review/risk/0", "unknown-risk"),
    ],
)
def test_a_flawed_policy_is_named_by_place_and_code(policy: Any, pointer: str, code: str) -> None:
    assert [(flaw.pointer, flaw.code) for flaw in check_policy(policy)] == [(pointer, code)]
    with pytest.raises(NotAPolicy):
        policy_of(policy)
