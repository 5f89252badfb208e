"""Whatever is sent, there is a report or a refusal: no file makes the server fail, and no row is half there."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.import_rows import TABLES
from app.identity.models import Organization
from app.imports.tables import TableName
from app.kit.database import rows
from app.kit.runtime import Runtime
from tests.conftest import CheckedClient, Somebody

ODD = [
    "NaN", "1e999", "-0", "1e-400", "9223372036854775808", "\x00", "\ud800", "2015-01-01T00:00:00Z", "E1", "T1", "1",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "closed", "new", "fixed", "csat", "nps", "EUR", "", " ",
    "a" * 30_000, "{}", "\\x00", "'; DROP TABLE events; --", "𝒳", "\u2028", "true", "-1", "2015-06-30T23:59:60Z",
]  # fmt: skip
CELLS = st.one_of(
    st.sampled_from(ODD),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)
SENT = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def post(api: CheckedClient, by: Somebody, table: str, body: bytes, media_type: str) -> Any:
    headers = {**by.headers, "Content-Type": media_type}
    return api.post("/v1/imports", params={"table": table}, content=body, headers=headers)


@SENT
@given(body=st.binary(max_size=300), table=st.sampled_from(TableName), form=st.sampled_from(["csv", "ndjson"]))
def test_random_bytes_get_a_report_or_a_refusal(
    body: bytes, table: TableName, form: str, api: CheckedClient, max_: Somebody
) -> None:
    media_type = {"csv": "text/csv", "ndjson": "application/x-ndjson"}[form]
    headed = ",".join(TABLES[table].columns).encode() + b"\n" + body

    assert post(api, max_, table, body, media_type).status_code in (200, 422)
    assert post(api, max_, table, headed, "text/csv").status_code == 200


@pytest.mark.parametrize("table", list(TableName))
def test_rows_of_odd_values_are_taken_whole_or_refused(
    table: TableName, api: CheckedClient, max_: Somebody, runtime: Runtime, organization: Organization
) -> None:
    columns = list(TABLES[table].columns)
    work_order = {"external_id": "E1", "created_at": "2015-01-01T00:00:00Z", "status": "new"}
    assert post(api, max_, "work_orders", json.dumps(work_order).encode(), "application/x-ndjson").status_code == 200

    @SENT
    @given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(columns, CELLS)), max_size=5))
    def send_them(records: list[dict[str, Any]]) -> None:
        body = "\n".join(json.dumps(record) for record in records).encode()

        answer = post(api, max_, table, body, "application/x-ndjson")

        assert answer.status_code == 200
        report = answer.json()
        parts = [report[f"rows_{what}"] for what in ("created", "updated", "unchanged", "refused")]
        assert sum(parts) == report["rows_total"] == report["rows_done"] == len(records)

    send_them()
    with runtime.transaction(organization.id) as db:
        halves = rows(
            db,
            "SELECT count(*) AS n FROM work_orders w WHERE event_count <> "
            "(SELECT count(*) FROM events e WHERE e.work_order_id = w.id) OR NOT EXISTS "
            "(SELECT FROM status_intervals i WHERE i.work_order_id = w.id)",
        )
    assert halves[0]["n"] == 0
