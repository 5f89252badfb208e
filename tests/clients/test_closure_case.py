"""What a device expects of a closure before it is sent, from the job that it holds: the server then says the same."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from app.identity.models import Organization
from app.kit import clock
from app.kit.canonical import canonical_sha256
from app.kit.database import utc_iso
from app.kit.runtime import Runtime
from tests.clients.closure_node import NodeEvaluator
from tests.closure.acts import closure_of
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, make_job
from tests.sync.phone import Phone

CHECKLIST: list[dict[str, Any]] = [
    {"id": "safe", "label": {"en": "Power is off", "de": "Strom ist aus"}, "kind": "yes_no", "required": True},
    {"id": "bar", "label": "Pressure", "kind": "measurement", "required": True, "min": 1, "max": 3},
    {
        "id": "why",
        "label": "Why it leaks",
        "kind": "text",
        "required_if": {"eq": ["answers.safe", False]},
        "show_if": {"present": "work_order.priority"},
    },
]
SUMMARY = {"work": "Burner cleaned", "price": {"amount": 12.5, "currency": "EUR"}}
RULES: dict[str, dict[str, Any]] = {
    "checklist": {"kind": "checklist"},
    "photo": {"kind": "photo", "params": {"tag": "after", "max_age_minutes": 60}},
    "signature": {"kind": "signature", "params": {"bound": True, "name_required": True, "refusal_allowed": True}},
    "codes": {"kind": "resolution_codes", "params": {"codes": ["cleaned", "replaced"]}},
    "parts": {"kind": "parts_declared"},
    "labor": {"kind": "labor_present", "params": {"min_minutes": 30}},
    "sane": {"kind": "duration_sanity", "params": {"min_factor": 0.5, "max_factor": 3}},
    "meter": {"kind": "meter", "params": {"label": "gas", "min": 0.5}},
    "test": {"kind": "functional_test", "params": {"name": "flame"}, "waivable_by": "technician"},
    "near": {"kind": "geo_presence"},
    "open": {"kind": "no_open_items"},
    "only": {"kind": "parts_declared", "when": {"gt": ["work_order.reopen_count", 0]}},
}


@pytest.fixture
def new_job(runtime: Runtime, organization: Organization, ana: Somebody) -> Callable[..., Job]:
    def make(*rules: str, **policy: Any) -> Job:
        assert ana.technician is not None
        named = [{"id": one, **RULES[one]} for one in rules or RULES]
        given = {"rules": named, **policy}
        return make_job(runtime, organization.id, ana.technician.id, policy=given, checklist=CHECKLIST)

    return make


@pytest.fixture
def phone(api: CheckedClient, ana: Somebody) -> Phone:
    return Phone(api, ana).register()


def full_args() -> dict[str, Any]:
    """All that the policy asks for; the pictures are still on the device."""
    return {
        "resolution": "cleaned",
        "checklist": {"safe": True, "bar": 2.5},
        "signature": {
            "attachment_id": str(uuid4()),
            "name": "Cleo",
            "role": "customer",
            "document_hash": canonical_sha256(SUMMARY),
        },
        "closure": {
            "evidence": [
                {
                    "id": str(uuid4()),
                    "kind": "photo",
                    "tag": "after",
                    "captured_at": utc_iso(clock.now() - timedelta(minutes=20)),
                }
            ],
            "no_parts_used": True,
            "readings": [{"label": "gas", "value": 1.25}],
            "tests": [{"name": "flame", "value": True}],
            "shown": [SUMMARY],
        },
    }


def expected_and_told(
    evaluator: NodeEvaluator, phone: Phone, job: Job, args: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the device expects, and what the server says when the same is sent."""
    phone.pull()
    operation = phone.operation("visit.complete", job.visit_id, at=clock.now() - timedelta(minutes=5), **args)
    document = phone.job(job.visit_id)
    case = evaluator.ask("case", job=document, typed=args, more={"endedAt": operation["occurred_at"]})
    expected = evaluator.ask("verdict", case=case)
    (result,) = phone.push(operation)
    assert result["status"] in ("applied", "noted"), result
    told = closure_of(phone.api, job, phone.who)["submissions"][0]
    return expected, {"verdict": told["verdict"], "findings": told["findings"], "missing": told["missing_evidence"]}


def test_the_server_says_what_the_device_expected_of_a_closure_with_everything(
    evaluator: NodeEvaluator, phone: Phone, new_job: Callable[..., Job]
) -> None:
    expected, told = expected_and_told(evaluator, phone, new_job(), full_args())

    assert expected["verdict"] == "awaiting_evidence"
    assert told == {name: expected[name] for name in told}
    met = {one["rule_id"]: one["met"] for one in expected["findings"]}
    assert (met["signature"], met["photo"], met["near"], "only" in met) == ("awaiting", "awaiting", "no", False)


def test_the_server_says_what_the_device_expected_of_a_closure_with_nothing(
    evaluator: NodeEvaluator, phone: Phone, new_job: Callable[..., Job]
) -> None:
    expected, told = expected_and_told(evaluator, phone, new_job(), {})

    assert expected["verdict"] == "unmet"
    assert told == {name: expected[name] for name in told}


REFUSED = {"closure": {"refused_signatures": [{"role": "customer", "reason": "Away"}]}}
PASSED = {"closure": {"tests": [{"name": "flame", "value": True}]}}
WAIVED = {"closure": {"waivers": [{"rule_id": "test", "reason": "No gas today"}]}}


@pytest.mark.parametrize(
    ("rule", "review", "args", "verdict"),
    [
        ("signature", {}, REFUSED, "verified"),
        ("signature", {"risk": ["signature_refused"]}, REFUSED, "pending_review"),
        ("test", {}, PASSED, "verified"),
        ("test", {"always": True}, PASSED, "pending_review"),
        ("test", {}, WAIVED, "waived"),
        ("test", {"risk": ["waiver_used"]}, WAIVED, "pending_review"),
        ("checklist", {}, {"checklist": {"safe": False, "bar": 2.5}}, "unmet"),
        ("parts", {}, {"parts": [{"part": "X-1", "qty": 1}]}, "verified"),
    ],
)
def test_the_device_expects_what_the_server_then_says(
    evaluator: NodeEvaluator,
    phone: Phone,
    new_job: Callable[..., Job],
    rule: str,
    review: dict[str, Any],
    args: dict[str, Any],
    verdict: str,
) -> None:
    job = new_job(rule, review=review)

    expected, told = expected_and_told(evaluator, phone, job, args)

    assert expected["verdict"] == verdict
    assert told == {name: expected[name] for name in told}


def test_what_was_ticked_before_counts(evaluator: NodeEvaluator, phone: Phone, new_job: Callable[..., Job]) -> None:
    job = new_job("checklist")
    phone.do("task.set", job.visit_id, task_id="safe", done=True)
    phone.do("task.set", job.visit_id, task_id="bar", done=True, value=9)

    expected, told = expected_and_told(evaluator, phone, job, {})

    assert expected["findings"][0]["facts"] == {"missing": [], "invalid": [], "failed": ["bar"]}
    assert told == {name: expected[name] for name in told}
