"""The phone judges a closure as the server does, to the byte."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings

from app.domain.closure_case import evaluate_case
from app.domain.closure_policy import check_policy
from app.domain.conditions import holds
from app.kit.canonical import canonical_json
from tests.clients import closure_cases
from tests.clients.closure_node import NodeEvaluator

VECTORS = Path(__file__).parents[2] / "openapi" / "closure-vectors"
#: CLOSURE_CASES=20000 looks longer.
EXAMPLES = int(os.environ.get("CLOSURE_CASES", "400"))


def vectors(*names: str) -> list[Any]:
    found = [one for name in names for one in json.loads((VECTORS / f"{name}.json").read_text())["cases"]]
    return [pytest.param(one["case"], one["expected"], id=one["name"]) for one in found]


def canonical(expected: Any) -> str:
    """Numbers are doubles, beyond 2^53 too."""
    return canonical_json(json.loads(json.dumps(expected), parse_int=float)).decode()


@pytest.mark.parametrize(("case", "expected"), vectors("rules", "verdicts", "generated"))
def test_the_phone_judges_each_shared_case_as_it_is_written_down(
    evaluator: NodeEvaluator, case: dict[str, Any], expected: dict[str, Any]
) -> None:
    said = evaluator.ask("evaluate", case=case)

    assert json.loads(said)["findings"] == expected["findings"]
    assert said == canonical(expected)


@pytest.mark.parametrize(("case", "expected"), vectors("conditions"))
def test_the_phone_finds_each_shared_condition_true_or_not(
    evaluator: NodeEvaluator, case: dict[str, Any], expected: bool
) -> None:
    assert evaluator.ask("holds", **case) is expected


@pytest.mark.parametrize(("case", "expected"), vectors("checklists"))
def test_the_phone_judges_the_answers_of_each_shared_checklist(
    evaluator: NodeEvaluator, case: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert evaluator.ask("checklist", case=case) == canonical(expected)


@pytest.mark.parametrize(("number", "expected"), vectors("numbers"))
def test_the_phone_writes_numbers_into_texts_as_the_server_does(
    evaluator: NodeEvaluator, number: float, expected: str
) -> None:
    rule = {"id": "r", "kind": "meter", "params": {"label": "x", "min": number}}

    said = json.loads(evaluator.ask("evaluate", case={"policy": {"rules": [rule]}, "facts": {}}))

    assert said["findings"][0]["message"] == f"The reading “x” must be taken, at least {expected}."


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(case=closure_cases.cases())
@example(
    case={
        "policy": {"rules": [{"id": "r", "kind": "parts_declared", "message": {"😀": "by units", "ﬀ": "by points"}}]},
        "facts": {},
        "language": "fr",
    }
)
@example(
    case={
        "policy": {"rules": [{"id": "r", "kind": "checklist"}]},
        "submission": {"answers": {"a": 2**53 + 1}},
        "facts": {"checklist": [{"id": "a", "kind": "number", "max": 2**53}]},
    }
)
def test_whatever_case_it_is_phone_and_server_say_the_same(evaluator: NodeEvaluator, case: dict[str, Any]) -> None:
    assume(not check_policy(case["policy"]))

    assert evaluator.ask("evaluate", case=case) == canonical_json(evaluate_case(case)).decode()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=closure_cases.conditions | closure_cases.odd, values=closure_cases.odd_values)
def test_a_condition_holds_on_the_phone_exactly_when_it_does_on_the_server(
    evaluator: NodeEvaluator, condition: Any, values: dict[str, Any]
) -> None:
    assert evaluator.ask("holds", condition=condition, values=values) is holds(condition, values)
