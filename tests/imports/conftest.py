"""Files of historic records, and somebody who may send them."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.conftest import CheckedClient, Somebody

Report = dict[str, Any]
Send = Callable[..., Report]


def as_ndjson(records: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def as_csv(records: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


@pytest.fixture
def send(api: CheckedClient, max_: Somebody) -> Send:
    """Sends records of a table as Max: `send("teams", {...}, {...})`, or the bytes of a file."""

    def send(table: str, *given: Any, media_type: str = "application/x-ndjson", prefer: str = "") -> Report:
        body = given[0] if given and isinstance(given[0], bytes) else as_ndjson(given)
        answer = api.post(
            "/v1/imports",
            params={"table": table},
            content=body,
            headers={**max_.headers, "Content-Type": media_type, "Prefer": prefer},
        )
        assert answer.status_code == (202 if prefer else 200), answer.text
        report: Report = answer.json()
        return report

    return send


def counts(report: Report) -> tuple[int, int, int, int]:
    """Created, updated, unchanged, refused."""
    return tuple(report[f"rows_{what}"] for what in ("created", "updated", "unchanged", "refused"))  # type: ignore[return-value]


def codes(report: Report, what: str = "refusals") -> list[tuple[int, str, str | None]]:
    """Line, code and column of each refusal."""
    return [(one["line"], one["code"], one["field"]) for one in report[what]]


BOILER = {
    "external_id": "E1",
    "title": "Boiler no heat",
    "type": "boiler",
    "created_at": "2026-03-02T08:00:00Z",
    "assigned_at": "2026-03-02T08:30:00Z",
    "resolved_at": "2026-03-02T15:00:00Z",
    "closed_at": "2026-03-02T16:00:00Z",
    "status": "closed",
}


def boiler(**changes: Any) -> dict[str, Any]:
    """A closed work order; None leaves a column out."""
    return {name: value for name, value in {**BOILER, **changes}.items() if value is not None}
