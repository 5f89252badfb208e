"""The customer's code, checked on a device that has no network."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.clients.closure_node import NodeEvaluator

EXPIRES = datetime(2026, 11, 21, 10, tzinfo=UTC)
BEFORE = EXPIRES.timestamp() * 1000 - 1


def a_bundle(code: str = "048213", **changes: Any) -> dict[str, Any]:
    """What the job document says about a code, made as the server makes it: by scrypt of the six digits."""
    salt, costs = b"\x00\xff0123456789abcd", {"n": 2**14, "r": 8, "p": 1}
    made = hashlib.scrypt(code.encode(), salt=salt, dklen=32, **costs)
    words = {"salt": base64.b64encode(salt).decode(), "hash": base64.b64encode(made).decode()}
    return {"id": "c", **words, **costs, "expires_at": EXPIRES.isoformat().replace("+00:00", "Z"), **changes}


@pytest.mark.parametrize(("code", "state"), [("048213", "ok"), ("48213", "wrong"), ("048214", "wrong"), ("", "wrong")])
def test_the_right_code_and_no_other_is_good(evaluator: NodeEvaluator, code: str, state: str) -> None:
    assert evaluator.ask("code", code=code, bundle=a_bundle(), now=BEFORE) == {"state": state, "how": "offline"}


@pytest.mark.parametrize("now", [BEFORE + 1, BEFORE + 86_400_000])
def test_a_code_is_good_until_it_expires(evaluator: NodeEvaluator, now: float) -> None:
    assert evaluator.ask("code", code="048213", bundle=a_bundle(), now=now)["state"] == "expired"
    assert evaluator.ask("code", code="111111", bundle=a_bundle(), now=now)["state"] == "wrong"


def test_a_job_without_a_code_has_nothing_to_check(evaluator: NodeEvaluator) -> None:
    assert evaluator.ask("code", code="048213", bundle=None, now=BEFORE) is None


def test_a_bundle_without_a_hash_or_an_end_lets_nothing_pass(evaluator: NodeEvaluator) -> None:
    assert evaluator.ask("code", code="048213", bundle=a_bundle(expires_at="soon"), now=BEFORE)["state"] == "expired"
    assert evaluator.ask("code", code="048213", bundle=a_bundle(hash="AA=="), now=BEFORE)["state"] == "wrong"
    assert evaluator.ask("code", code="048213", bundle=a_bundle(hash=""), now=BEFORE)["state"] == "wrong"
