from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.conditions import OPERATORS, flaws_of_condition, holds, is_number, is_present, same

odd_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*OPERATORS, "answers", "x"]), inner, max_size=2)
    ),
    max_leaves=12,
)
paths = st.sampled_from(["answers.a", "work_order.b", "asset.c"])
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "y"])
comparisons = st.one_of(
    st.builds(lambda path, value: {"eq": [path, value]}, paths, scalars),
    st.builds(lambda path, some: {"in": [path, some]}, paths, st.lists(scalars, min_size=1, max_size=3)),
    st.builds(lambda path, limit: {"gt": [path, limit]}, paths, st.integers(-5, 5)),
    st.builds(lambda path: {"present": path}, paths),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"and": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"or": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=6,
)
some_values = st.fixed_dictionaries(
    {group: st.dictionaries(st.sampled_from("abc"), scalars) for group in ("answers", "work_order", "asset")}
)


@given(odd_json, odd_json)
def test_whatever_odd_thing_it_is_given_the_answer_is_yes_or_no(condition: Any, values: Any) -> None:
    given_values = values if isinstance(values, dict) else {"answers": values}

    assert holds(condition, given_values) in (True, False)
    assert all(flaw.detail for flaw in flaws_of_condition(condition, ""))


def test_a_condition_nested_too_deep_is_false_and_no_crash() -> None:
    condition: dict[str, Any] = {"eq": ["answers.a", 1]}
    for _ in range(5000):
        condition = {"and": [condition]}

    assert holds(condition, {"answers": {"a": 1}}) is False
    assert [flaw.code for flaw in flaws_of_condition(condition, "")] == ["too-deep"]


@given(conditions, some_values)
def test_not_turns_a_well_formed_condition_around(condition: Any, values: Any) -> None:
    assert list(flaws_of_condition(condition, "/when")) == []
    assert holds({"not": condition}, values) is not holds(condition, values)


@given(st.lists(conditions, min_size=1, max_size=3), some_values)
def test_and_needs_all_and_or_needs_one(parts: list[Any], values: Any) -> None:
    each = [holds(part, values) for part in parts]

    assert holds({"and": parts}, values) is all(each)
    assert holds({"or": parts}, values) is any(each)


@pytest.mark.parametrize(
    ("condition", "pointer", "code"),
    [
        ("answers.a", "/when", "not-a-condition"),
        ({"lt": ["answers.a", 1]}, "/when/lt", "unknown-operator"),
        ({"and": []}, "/when/and", "not-a-list"),
        ({"or": [{"eq": ["answers.a"]}]}, "/when/or/0/eq", "bad-operand"),
        ({"not": {"present": 5}}, "/when/not/present", "bad-operand"),
        ({"eq": ["customer.name", "x"]}, "/when/eq", "bad-path"),
        ({"in": ["answers.a", "x"]}, "/when/in", "bad-operand"),
        ({"gt": ["answers.a", "x"]}, "/when/gt", "bad-operand"),
    ],
)
def test_a_flawed_condition_is_named_by_place_and_code(condition: Any, pointer: str, code: str) -> None:
    assert [(flaw.pointer, flaw.code) for flaw in flaws_of_condition(condition, "/when")] == [(pointer, code)]


def test_a_number_that_no_double_holds_is_none() -> None:
    assert [is_number(value) for value in (10**400, float("inf"), float("nan"), True, 10**300)] == [False] * 4 + [True]
    assert not same(10**400, 10**400)


def test_what_looks_blank_in_one_language_only_is_no_blank_here() -> None:
    assert [is_present(blank) for blank in ("\x1c", "\x1f", "\x85", "\u200b")] == [True] * 4
    assert [is_present(blank) for blank in ("\ufeff", "\u2029", "\u00a0", "\u202f", "\v")] == [False] * 5
