"""docs/closure.md says all that the rules know, its examples are good, and its recipes check a real certificate."""

import json
import re
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import pytest

from app.certificates.keys import rotate_key
from app.domain.checklist import ItemKind
from app.domain.checklist_check import check_checklist
from app.domain.closure import VerdictKind
from app.domain.closure_params import PARAMS
from app.domain.closure_policy import POLICY, REVIEW, Risk, check_policy
from app.domain.conditions import OPERATORS
from app.kit import clock
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from tests.closure.conftest import job
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, just_now

__all__ = ["job"]

TEXT = (Path(__file__).parents[2] / "docs" / "closure.md").read_text()


def rows(text: str) -> dict[str, list[str]]:
    """The rows of all tables: from each name in code in the first column to the second columns of its rows."""
    found: dict[str, list[str]] = {}
    for names, rest in re.findall(r"^\| (`[^|]+`) \|([^|]*)\|", text, re.M):
        for name in re.findall(r"`([^`]+)`", names):
            found.setdefault(name, []).append(rest)
    return found


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)


@pytest.mark.parametrize("words", [VerdictKind, Risk, ItemKind], ids=lambda words: words.__name__)
def test_every_word_has_a_row(words: type[StrEnum]) -> None:
    assert {str(word) for word in words} <= rows(TEXT).keys()


@pytest.mark.parametrize("kind", PARAMS)
def test_every_rule_kind_has_a_row_with_each_of_its_params(kind: str) -> None:
    listed = [set(re.findall(r"`([a-z_]+)`", re.sub(r"\([^)]*\)", "", row))) for row in rows(TEXT)[kind]]

    assert set(PARAMS[kind]) in listed


def test_every_field_of_a_policy_and_every_operator_is_named() -> None:
    [policy, *_] = blocks("json")

    missing = {name for name in (*POLICY, *REVIEW) if f'"{name}"' not in policy and f"`{name}`" not in TEXT}
    assert missing <= {"id", "version"}, "these are set here"
    assert {name for name in OPERATORS if f'{{"{name}":' not in TEXT} == set()


def test_the_examples_are_good() -> None:
    policy, item = map(json.loads, blocks("json"))

    assert check_policy(policy["policy"]) == []
    assert check_checklist([item]) == []


@pytest.fixture
def certificate(api: CheckedClient, runtime: Runtime, job: Job, ana: Somebody, sam: Somebody, tmp_path: Path) -> Path:
    """The folder that has the certificate of work that was closed, and the public keys, each in a file. The key that
    signed it is not the newest any more."""
    said = {"id": str(uuid7()), "occurred_at": just_now()}
    assert api.post(f"/v1/visits/{job.visit_id}/closure", json=said, headers=ana.headers).status_code == 201
    path = f"/v1/work-orders/{job.work_order_id}/certificate"
    answer = api.get(path, headers=sam.headers)
    assert answer.status_code == 200, answer.text
    with runtime.transaction(job.organization_id) as db:
        rotate_key(db, job.organization_id, at=clock.now())
    (tmp_path / "certificate.json").write_text(answer.text)
    (tmp_path / "keys.json").write_text(api.get(f"/certificates/{answer.json()['code']}/keys").text)
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def spoil(folder: Path) -> None:
    """One digit of the signed document is another."""
    path = folder / "certificate.json"
    shown = json.loads(path.read_text())
    document = shown["document_base64"]
    shown["document_base64"] = document[:40] + ("A" if document[40] != "A" else "B") + document[41:]
    path.write_text(json.dumps(shown))


def test_the_python_recipe_tells_a_good_certificate_from_a_spoiled_one(certificate: Path) -> None:
    [recipe] = blocks("python")
    command = (sys.executable, "-c", recipe, "certificate.json", "keys.json")

    good = run(certificate, *command)
    spoil(certificate)
    bad = run(certificate, *command)

    assert (good.returncode, good.stdout[:8]) == (0, "signed: "), good.stderr
    assert "InvalidSignature" in bad.stderr


def test_the_openssl_recipe_tells_a_good_certificate_from_a_spoiled_one(certificate: Path) -> None:
    [recipe] = blocks("sh")

    good = run(certificate, "bash", "-c", recipe)
    spoil(certificate)
    bad = run(certificate, "bash", "-c", recipe)

    assert (good.returncode, good.stdout) == (0, "Signature Verified Successfully\n"), good.stderr
    assert bad.returncode == 1
