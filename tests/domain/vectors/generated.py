"""Cases that nobody thought of: drawn at random, always the same ones."""

from random import Random
from typing import Any

from app.domain.closure_policy import Risk
from tests.domain.vectors.filled_in import CHECKLIST, FORMS
from tests.domain.vectors.rules import ROWS

HOW_MANY = 150
_CONDITIONS = [
    {"eq": ["answers.safe", True]},
    {"gt": ["work_order.priority", 2]},
    {"not": {"present": "asset.serial"}},
    {"or": [{"in": ["work_order.type", ["gas", "oil"]]}, {"present": "answers.leak"}]},
]


class Draw:
    """Uses `random()` only, which gives the same numbers in every version of Python."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def one(self, *choices: Any) -> Any:
        return choices[int(self._random.random() * len(choices))]

    def some(self, choices: list[Any]) -> list[Any]:
        return [choice for choice in choices if self._random.random() < 0.35]

    def count(self, most: int) -> int:
        return int(self._random.random() * (most + 1))


def cases() -> list[dict[str, Any]]:
    draw = Draw(20260504)
    return [_case(draw) for _ in range(HOW_MANY)]


def _case(draw: Draw) -> dict[str, Any]:
    rows = [draw.one(*ROWS.values()) for _ in range(1 + draw.count(3))]
    submission: dict[str, Any] = {}
    for row in rows:
        submission = {**submission, **row[2]}
    names = [f"r{number}" for number in range(len(rows))]
    submission["waivers"] = [{"rule_id": name, "reason": draw.one("no time", " ")} for name in draw.some(names)]
    rules = [_rule(draw, name, row) for name, row in zip(names, rows, strict=True)]
    return {
        "policy": {"rules": rules, "review": _review(draw)},
        "submission": submission,
        "facts": _facts(draw, rows, names),
        "language": draw.one("en", "en", "de", "fr"),
    }


def _rule(draw: Draw, name: str, row: Any) -> dict[str, Any]:
    rule = {"id": name, "kind": row[0], "params": row[1], "waivable_by": draw.one("none", "technician", "supervisor")}
    if draw.count(3) == 0:
        rule["severity"] = draw.one("block", "warn")
    if draw.count(3) == 0:
        rule["when"] = draw.one(*_CONDITIONS)
    return rule


def _review(draw: Draw) -> dict[str, Any]:
    return {
        "always": draw.count(9) == 0,
        "sample_percent": draw.one(0, 0, 5, 33.3, 100),
        "risk": draw.one("default", [], ["install", "waiver_used"]),
    }


def _facts(draw: Draw, rows: list[Any], names: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "ended_at": "2026-05-04T11:00:00.000Z",
        "arrived_at": "2026-05-04T09:00:00.000Z",
        "checklist": draw.one(CHECKLIST, FORMS, []),
        "work_order": {"priority": draw.count(5), "type": draw.one("gas", "water")},
        "asset": {"serial": draw.one(None, "AB12C")},
        "risks": draw.some([risk.value for risk in Risk]) if draw.count(2) == 0 else [],
        "sent_back": draw.count(9) == 0,
        "draw": draw.one(None, draw.count(9999)),
    }
    evidence = [one for row in rows for one in row[3].get("evidence", [])]
    for row in rows:
        facts = {**facts, **row[3]}
    facts["evidence"] = evidence
    waived = draw.some([*names, "evidence"])
    facts["waivers"] = [{"rule_id": name, "reason": "by phone", "role": "supervisor"} for name in waived]
    return facts
