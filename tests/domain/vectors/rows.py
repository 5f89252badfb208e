"""What every table of rules is made of."""

from typing import Any

#: Kind, params, submission, facts, and whether the rule is met.
Row = tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], str]

ENDED, ARRIVED = "2026-05-04T11:00:00.000Z", "2026-05-04T09:00:00.000Z"


def photo(name: str = "p1", tag: str = "after", **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "photo", "tag": tag, "stored": True, **more}


def signature(role: str = "customer", **more: Any) -> dict[str, Any]:
    return {"id": "s1", "kind": "signature", "tag": role, "stored": True, **more}


def evidence(*shown: dict[str, Any]) -> dict[str, Any]:
    return {"evidence": list(shown)}
