"""Checklists: what the office may write, and how forms become part of one. Answers are in tests/domain/vectors."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.checklist import ItemKind, expanded, follow_ups, items_of, judge
from app.domain.checklist_check import check_checklist
from tests.clients.closure_cases import checklists, odd

keys = st.text("abcdefgh-_", min_size=1, max_size=4)
own_items = st.lists(keys, max_size=4, unique=True).map(lambda ids: [{"id": name, "kind": "text"} for name in ids])
forms = st.dictionaries(keys, own_items, max_size=3)


def item(**more: Any) -> dict[str, Any]:
    return {"id": "i", "kind": "text", **more}


GOOD = [
    item(),
    item(label={"en": "Why", "de": "Warum"}, required=True, phase="closure", show_if={"present": "answers.x"}),
    item(kind="measurement", unit="bar", min=1, max=1, required_if={"eq": ["answers.x", 1]}, phase=None),
    item(kind="rating", max=10),
    item(kind="choice", choices=["a"]),
    item(on_fail={"create_work_order": {}}),
    item(
        on_fail={
            "create_work_order": {"title": {"de": "Neu"}, "work_type": None, "priority": 0, "problem_code": "leak"}
        }
    ),
    item(form="gas"),
]


@pytest.mark.parametrize("good", GOOD)
def test_what_the_office_may_ask(good: dict[str, Any]) -> None:
    assert check_checklist([good]) == []
    assert [one.id for one in items_of([good])] == ["i"]


@pytest.mark.parametrize(
    ("entry", "place", "code"),
    [
        ("text", "", "not-an-item"),
        ({"kind": "text"}, "/id", "missing"),
        (item(id="\u2003"), "/id", "missing"),
        (item(kind="video"), "/kind", "unknown-kind"),
        (item(label=5), "/label", "wrong-type"),
        (item(label={"en": 5}), "/label", "wrong-type"),
        (item(required="yes"), "/required", "wrong-type"),
        (item(phase="test"), "/phase", "unknown-word"),
        (item(phase=1), "/phase", "wrong-type"),
        (item(unit=1), "/unit", "wrong-type"),
        (item(kind="choice"), "/choices", "missing"),
        (item(kind="choices", choices=[]), "/choices", "missing"),
        (item(kind="choices", choices="ab"), "/choices", "wrong-type"),
        (item(kind="number", min="1"), "/min", "wrong-type"),
        (item(kind="number", min=True), "/min", "wrong-type"),
        (item(kind="number", max=10**400), "/max", "wrong-type"),
        (item(kind="number", min=2, max=1.5), "/max", "out-of-range"),
        (item(kind="rating", max=5.5), "/max", "out-of-range"),
        (item(kind="rating", max=11), "/max", "out-of-range"),
        (item(show_if={"lt": []}), "/show_if/lt", "unknown-operator"),
        (item(required_if={"eq": ["a.b", 1]}), "/required_if/eq", "bad-path"),
        (item(when={"present": "answers.x"}), "/when", "unknown-field"),
        (item(on_fail=True), "/on_fail", "wrong-type"),
        (item(on_fail={"create_work_order": {}, "tell": "all"}), "/on_fail", "wrong-type"),
        (item(on_fail={"create_work_order": {"title": 1}}), "/on_fail/create_work_order/title", "wrong-type"),
        (item(on_fail={"create_work_order": {"priority": 10}}), "/on_fail/create_work_order/priority", "out-of-range"),
        (item(on_fail={"create_work_order": {"priority": 1.5}}), "/on_fail/create_work_order/priority", "wrong-type"),
        (item(on_fail={"create_work_order": {"kind": "x"}}), "/on_fail/create_work_order/kind", "unknown-field"),
    ],
)
def test_a_flawed_item_is_named_by_place_and_code(entry: Any, place: str, code: str) -> None:
    assert [(flaw.pointer, flaw.code) for flaw in check_checklist([entry])] == [(f"/0{place}", code)]


def test_a_checklist_is_a_list_and_each_item_has_an_id_of_its_own() -> None:
    assert [flaw.code for flaw in check_checklist({})] == ["not-a-list"]
    assert [(flaw.pointer, flaw.code) for flaw in check_checklist([item(), item()])] == [("/1/id", "not-unique")]


@given(own_items, forms)
def test_forms_and_own_items_have_different_ids(own: list[dict[str, Any]], named: dict[str, Any]) -> None:
    together = own + [one for key, items in named.items() for one in expanded(key, items)]

    assert check_checklist(together) == []
    assert len(together) == len(own) + sum(len(items) for items in named.values())


def test_an_own_item_that_is_called_like_one_of_a_form_is_found() -> None:
    together = [item(id="gas.tight"), *expanded("gas", [item(id="tight")])]

    assert [(flaw.pointer, flaw.code) for flaw in check_checklist(together)] == [("/1/id", "not-unique")]


def test_a_form_is_judged_within_a_checklist_as_it_is_alone() -> None:
    form = [
        {"id": "tight", "kind": "yes_no", "required": True, "pass": True},
        {"id": "ppm", "kind": "number", "required_if": {"eq": ["answers.tight", False]}},
        {"id": "why", "kind": "text", "required": True, "show_if": {"gt": ["answers.ppm", 5]}},
    ]
    for answers in ({}, {"tight": True}, {"tight": False}, {"tight": False, "ppm": 6}, {"ppm": "x"}):
        longer = {f"gas.{name}": answer for name, answer in answers.items()}

        alone = judge(items_of(form), answers, {"answers": answers})
        within = judge(items_of(expanded("gas", form)), longer, {"answers": longer})

        for name in ("missing", "invalid", "failed"):
            assert [f"gas.{one}" for one in getattr(alone, name)] == list(getattr(within, name))


def test_a_form_stays_what_it_is_when_it_becomes_part_of_a_checklist() -> None:
    form = [item(show_if={"and": [{"present": "answers.i"}]})]

    expanded("gas", form)

    assert form == [item(show_if={"and": [{"present": "answers.i"}]})]


def test_a_condition_nested_too_deep_stays_what_it_is_and_no_crash() -> None:
    condition: dict[str, Any] = {"present": "answers.i"}
    for _ in range(5000):
        condition = {"not": condition}

    assert len(expanded("gas", [item(show_if=condition)])) == 1


@given(checklists | odd, st.dictionaries(st.sampled_from(["a", "b", "f.a"]), odd), st.sampled_from(["en", "de", ""]))
def test_whatever_is_asked_and_answered_there_is_a_judgement(
    asked: Any, answers: dict[str, Any], language: str
) -> None:
    entries = asked if isinstance(asked, list) else []
    items, values = items_of(entries), {"answers": answers}

    sheet = judge(items, answers, values, {"a": "photo"})

    judged = [*sheet.missing, *sheet.invalid, *sheet.failed]
    assert set(judged) <= {one.id for one in items}
    assert len(judged) <= len(items)
    assert {one.item_id for one in follow_ups(items, answers, values, language=language)} <= set(
        judge(items, answers, values).failed
    )
    assert all(flaw.detail for flaw in check_checklist(asked))
    assert all(one["form"] == "gas" for one in expanded("gas", entries))


def test_there_are_twelve_kinds_of_items() -> None:
    assert len(ItemKind) == 12
