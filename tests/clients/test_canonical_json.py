"""Phone and server write a document in the same bytes, so its hash is the same on both."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.kit.canonical import canonical_json, canonical_sha256
from tests.clients.closure_node import NodeEvaluator

SAFE = 2**53 - 1
#: Half a surrogate pair is no text: both refuse it.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values)
@example(value={"ﬀ": 1, "😀": 2, "a": 3, "__proto__": {"x": 1}, "": 4, "10": 5, "9": 6})
@example(value=[1e21, 1e-7, 1e20, 5e-324, 1.7976931348623157e308, -0.0, 0.1 + 0.2, 333333333.33333329])
@example(value='\x00\x1f\x7f\u2028\u2029\\"/\b\f\n\r\t€')
def test_phone_and_server_write_the_same_bytes(evaluator: NodeEvaluator, value: Any) -> None:
    assert evaluator.ask("canonical", value=value).encode() == canonical_json(value)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=json_values)
def test_phone_and_server_get_the_same_hash_of_what_was_shown(evaluator: NodeEvaluator, value: Any) -> None:
    assert evaluator.ask("hash", value=value) == canonical_sha256(value)


@pytest.mark.parametrize("value", ["\ud800", {"\udc00": 1}, ["a\ud83d"]])
def test_half_a_character_is_refused_by_both(evaluator: NodeEvaluator, value: Any) -> None:
    assert "TypeError" in (evaluator.refuses("canonical", value=value) or "")
    with pytest.raises((ValueError, TypeError)):
        canonical_json(value)
