"""`openapi/closure-vectors`: what two evaluators agree on. `scripts/closure-vectors` writes them anew."""

import json
import subprocess
import sys
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from app.domain.closure_case import evaluate_case
from app.domain.conditions import holds
from tests.domain.vectors.checklists import ANSWERS
from tests.domain.vectors.conditions import CONDITIONS
from tests.domain.vectors.files import FILES, FOLDER, ROOT, TEXTS_TS, written
from tests.domain.vectors.flow import ORDER, REVIEWS
from tests.domain.vectors.oddities import LANGUAGES, ODD
from tests.domain.vectors.rules import ROWS
from tests.domain.vectors.waivers import WAIVERS


@cache
def made() -> dict[Path, str]:
    return written()


@cache
def cases_of(name: str) -> dict[str, dict[str, Any]]:
    cases = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    return {case["name"]: case for case in cases}


@pytest.mark.parametrize("path", [*(FOLDER / f"{name}.json" for name in FILES), TEXTS_TS], ids=lambda path: path.name)
def test_what_is_kept_is_what_the_script_makes(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == made()[path]


def test_there_is_no_other_file() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(FILES)


def test_the_script_needs_nothing_but_python() -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import tests.domain.vectors.files"

    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True, timeout=60)


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    listed = {name: json.loads((FOLDER / f"{name}.json").read_text())["cases"] for name in FILES}

    assert sum(len(cases) for cases in listed.values()) >= 260
    assert all(len({case["name"] for case in cases}) == len(cases) for cases in listed.values())


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_holds_exactly_when_its_row_says_so(name: str) -> None:
    vector = cases_of("conditions")[name]

    assert vector["expected"] is CONDITIONS[name][1]
    assert holds(**vector["case"]) is vector["expected"]


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_what_its_row_says(name: str) -> None:
    expected = cases_of("checklists")[name]["expected"]

    found = {kind for kind in ("missing", "invalid", "failed") if expected[kind]}
    assert found == ({ANSWERS[name][2]} - {"good"})


@pytest.mark.parametrize("name", ROWS)
def test_a_rule_is_met_exactly_when_its_row_says_so(name: str) -> None:
    finding, *others = cases_of("rules")[name]["expected"]["findings"]

    assert finding["met"] == ROWS[name][4]
    assert bool(finding["how_to_fix"]) is (finding["met"] == "no")
    assert {one["rule_id"] for one in others} <= {"evidence", "review"}


TOLD = {**ORDER, **REVIEWS, **WAIVERS, **LANGUAGES, **ODD}


@pytest.mark.parametrize("name", TOLD)
def test_a_verdict_is_what_its_row_says(name: str) -> None:
    expected = cases_of("verdicts")[name]["expected"]
    findings = expected["findings"]
    first = findings[0] if findings else {"facts": {}}

    told = {
        **expected,
        "met": [one["met"] for one in findings],
        "message": first.get("message"),
        "fix": first.get("how_to_fix"),
        "waived": first["facts"].get("waived"),
    }
    assert {key: told[key] for key in TOLD[name][1]} == TOLD[name][1]


@pytest.mark.parametrize("file", ["rules", "verdicts", "generated"])
def test_the_evaluator_says_what_is_expected(file: str) -> None:
    for name, vector in cases_of(file).items():
        assert evaluate_case(vector["case"]) == vector["expected"], name


def test_every_kind_of_rule_ends_in_every_verdict_that_it_can() -> None:
    seen: dict[str, set[str]] = {}
    for vector in cases_of("rules").values():
        kind = vector["case"]["policy"]["rules"][0]["kind"]
        seen.setdefault(kind, set()).add(vector["expected"]["verdict"])

    usual = {"verified", "unmet", "waived"}
    waiting = {kind: usual | {"awaiting_evidence"} for kind in ("photo", "signature")}
    customer = {"customer_confirm": {"verified", "awaiting_evidence", "pending_review", "waived"}}
    assert seen == dict.fromkeys(seen, usual) | waiting | customer
    assert len(seen) == 14


def test_the_cases_that_were_drawn_are_of_every_sort() -> None:
    cases = list(cases_of("generated").values())

    assert {case["expected"]["verdict"] for case in cases} == {
        "verified", "waived", "pending_review", "awaiting_evidence", "unmet",
    }  # fmt: skip
    met = chain.from_iterable(case["expected"]["findings"] for case in cases)
    assert {one["met"] for one in met} == {"yes", "no", "awaiting", "waived"}
