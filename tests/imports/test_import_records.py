"""`POST /v1/imports`: what becomes of the rows of one file."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import Session, select

from app.customers.models import Asset, Contact, Customer, Site
from app.identity.models import Team, Technician
from app.imports.models import ImportRun
from app.kit import clock
from app.kit.database import rows
from app.parts.models import PartMovement
from app.surveys.models import Survey, SurveyAnswer
from app.work_orders.models import LedgerEvent, WorkOrder
from tests.conftest import CheckedClient, Somebody
from tests.imports.conftest import Send, as_csv, boiler, codes, counts


def test_a_work_order_keeps_its_own_times_and_is_recorded_now(send: Send, db: Session) -> None:
    before = clock.now()

    report = send("work_orders", boiler())

    order = db.exec(select(WorkOrder)).one()
    event = db.exec(select(LedgerEvent)).one()
    assert (report["state"], counts(report)) == ("done", (1, 0, 0, 0))
    assert order.requested_at == event.effective_at == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert order.first_assigned_at == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    assert order.first_completed_at == order.resolved_at == datetime(2026, 3, 2, 15, tzinfo=UTC)
    assert order.first_closed_at == order.closed_at == datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert (order.status, order.number[:3], order.external_ref) == ("closed", "WO-", "E1")
    assert (event.type, event.seq, event.actor_kind, event.clock_source) == (
        "work_order.imported",
        1,
        "import",
        "record",
    )
    assert order.recorded_at >= before <= event.recorded_at


def test_csv_and_json_lines_say_the_same(send: Send) -> None:
    send("work_orders", boiler(description='He said "no", twice\nand left'))

    again = send(
        "work_orders",
        b"\xef\xbb\xbf" + as_csv([boiler(description='He said "no", twice\nand left')]),
        media_type="text/csv; charset=utf-8",
    )

    assert counts(again) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    ("changes", "code", "column"),
    [
        ({"closed_at": "2026-03-02T07:59:59Z", "resolved_at": None}, "closed-before-created", "closed_at"),
        ({"resolved_at": "2026-03-02T07:59:59Z"}, "resolved-before-created", "resolved_at"),
        ({"created_at": "2026-03-02T08:00:00"}, "no-time-zone", "created_at"),
        ({"created_at": "2026-03-02"}, "no-time-zone", "created_at"),
        ({"created_at": "yesterday"}, "not-a-time", "created_at"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "out-of-range", "created_at"),
        ({"created_at": 1425211012}, "not-a-time", "created_at"),
        ({"created_at": None}, "missing", "created_at"),
        ({"created_at": ""}, "missing", "created_at"),
        ({"external_id": None}, "missing", "external_id"),
        ({"status": "CLOSED"}, "unknown-word", "status"),
        ({"priority": 10}, "out-of-range", "priority"),
        ({"priority": 2.5}, "not-a-number", "priority"),
        ({"priority": 2**63}, "out-of-range", "priority"),
        ({"priority": True}, "not-a-number", "priority"),
        ({"cost_total": "1e999"}, "out-of-range", "cost_total"),
        ({"cost_total": "1e-999"}, "out-of-range", "cost_total"),
        ({"cost_total": "NaN"}, "not-a-number", "cost_total"),
        ({"cost_total": "1_000"}, "not-a-number", "cost_total"),
        ({"currency": "euro"}, "not-a-currency", "currency"),
        ({"title": "a\x00b"}, "not-text", "title"),
        ({"title": "a\ud800b"}, "not-text", "title"),
        ({"title": "a" * 501}, "too-long", "title"),
        ({"title": ["a"]}, "not-text", "title"),
        ({"colour": "red"}, "unknown-column", "colour"),
    ],
)
def test_a_row_that_cannot_be_true_is_refused_and_the_others_are_taken(
    changes: dict[str, Any], code: str, column: str, send: Send, db: Session
) -> None:
    report = send("work_orders", boiler(external_id="before"), boiler(**changes), boiler(external_id="after"))

    assert counts(report) == (2, 0, 0, 1)
    assert codes(report) == [(2, code, column)]
    assert sorted(db.exec(select(WorkOrder.external_ref)).all()) == ["after", "before"]


@pytest.mark.parametrize(
    "line",
    [b"{", b"[1]", b'"text"', b"\xff\xfe", b'{"a": NaN}', b'{"a": Infinity}', b"[" * 100_000, b'{"a":' * 100_000],
)
def test_a_line_that_is_no_record_is_refused_and_the_others_are_taken(line: bytes, send: Send) -> None:
    report = send("teams", b'{"ref": "north"}\n' + line + b'\n\n{"ref": "south"}')

    assert counts(report) == (2, 0, 0, 1)
    assert codes(report)[0][0] == 2
    assert codes(report)[0][1] in ("not-json", "not-text")


def test_csv_rows_that_do_not_fit_the_header_are_refused_by_their_line(send: Send) -> None:
    body = b'ref,name\nnorth,"The\nNorth"\nsouth\nwest,West,more\neast,"Ea"st\nlast,\xff\nok,OK\n'

    report = send("teams", body, media_type="text/csv")

    assert counts(report) == (2, 0, 0, 4)
    assert codes(report) == [(4, "not-csv", None), (5, "not-csv", None), (6, "not-csv", None), (7, "not-text", "name")]


@pytest.mark.parametrize("body", [b"", b"ref,colour\n", b"name\nNorth\n", b"ref,ref\na,b\n", b"\x00\n", b'"ref\n'])
def test_a_csv_file_must_begin_with_the_names_of_columns(body: bytes, api: CheckedClient, max_: Somebody) -> None:
    answer = api.post(
        "/v1/imports", params={"table": "teams"}, content=body, headers={**max_.headers, "Content-Type": "text/csv"}
    )

    assert answer.status_code == 422
    assert answer.json()["code"] == "header-not-well-formed"


def test_other_formats_and_tables_are_refused(api: CheckedClient, max_: Somebody) -> None:
    excel = api.post(
        "/v1/imports", params={"table": "teams"}, content=b"x", headers={**max_.headers, "Content-Type": "text/html"}
    )
    planets = api.post(
        "/v1/imports", params={"table": "planets"}, content=b"x", headers={**max_.headers, "Content-Type": "text/csv"}
    )

    assert (excel.status_code, excel.json()["code"]) == (415, "unsupported-media")
    assert planets.status_code == 422


def test_a_changed_work_order_is_updated_and_keeps_its_history(send: Send, db: Session) -> None:
    send("work_orders", boiler(status="in_progress", resolved_at=None, closed_at=None))

    report = send("work_orders", boiler(title="Boiler is cold"))

    order = db.exec(select(WorkOrder)).one()
    assert counts(report) == (0, 1, 0, 0)
    assert (order.title, order.status, order.version, order.event_count) == ("Boiler is cold", "closed", 2, 2)
    assert len(db.exec(select(LedgerEvent)).all()) == 2


def test_two_rows_of_one_file_may_not_contradict_each_other(send: Send, db: Session) -> None:
    report = send("work_orders", boiler(), boiler(), boiler(title="Another"))

    assert counts(report) == (1, 0, 1, 1)
    assert codes(report) == [(3, "same-key-twice", None)]
    assert db.exec(select(WorkOrder.title)).all() == ["Boiler no heat"]


def test_references_that_come_later_are_linked_when_they_come(send: Send, db: Session) -> None:
    refs = {"team_ref": "north", "technician_ref": "T1", "site_ref": "S1", "asset_ref": "A1"}
    report = send("work_orders", boiler(**refs))
    empty = db.exec(select(WorkOrder)).one()
    assert {code for _, code, _ in codes(report, "warnings")} == {"unknown-reference"}
    assert (report["rows_warned"], counts(report)) == (4, (1, 0, 0, 0))
    assert (empty.team_id, empty.technician_id, empty.site_id, empty.asset_id) == (None,) * 4
    assert (empty.team_ref, empty.technician_ref, empty.site_ref, empty.asset_ref) == ("north", "T1", "S1", "A1")

    send("customers", {"ref": "C1", "name": "Cleo", "contact_name": "Cleo", "contact_email": "cleo@example.org"})
    send("teams", {"ref": "north", "name": "North", "is_contractor": "true"})
    send("technicians", {"ref": "T1", "team_ref": "north", "hourly_rate": "60.50", "skills": "gas; water"})
    send("sites", {"ref": "S1", "name": "Office", "latitude": "52.37", "longitude": 4.9, "customer_ref": "C1"})
    send("assets", {"ref": "A1", "name": "Boiler", "site_ref": "S1"})

    db.expire_all()
    order = db.exec(select(WorkOrder)).one()
    technician, site = db.exec(select(Technician)).one(), db.exec(select(Site)).one()
    assert order.team_id == technician.team_id == db.exec(select(Team.id)).one()
    assert (order.technician_id, order.site_id) == (technician.id, site.id)
    assert order.asset_id == db.exec(select(Asset.id)).one()
    assert order.customer_id == site.customer_id == db.exec(select(Customer.id)).one()
    assert (technician.name, technician.hourly_rate_minor, technician.skills) == ("T1", 6050, ["gas", "water"])
    assert technician.employment == "contractor"
    assert (db.exec(select(Contact.email)).one(), site.latitude) == ("cleo@example.org", 52.37)


def test_an_absent_value_leaves_a_site_as_it_is(send: Send, db: Session) -> None:
    send("sites", {"ref": "S1", "name": "Office", "address": "1 Main St", "region": "North"})

    same = send("sites", {"ref": "S1", "name": "Office"})
    moved = send("sites", {"ref": "S1", "address": "2 Main St"})

    site = db.exec(select(Site)).one()
    assert (counts(same), counts(moved)) == ((0, 0, 1, 0), (0, 1, 0, 0))
    assert (site.name, site.address, site.territory, site.version) == ("Office", "2 Main St", "North", 2)


def test_costs_become_exact_minor_units_of_their_currency(send: Send, db: Session) -> None:
    send(
        "work_orders",
        boiler(external_id="eur", cost_total="120.505", currency="EUR"),
        boiler(external_id="jpy", cost_total=7, currency="JPY"),
        boiler(external_id="kwd", cost_total="0.001", currency="KWD"),
        boiler(external_id="ours", cost_total="0"),
        boiler(external_id="none"),
    )

    found = db.exec(select(WorkOrder.external_ref, WorkOrder.imported_cost_minor, WorkOrder.currency)).all()
    assert {ref: (cost, currency) for ref, cost, currency in found} == {
        "eur": (Decimal("12050.5"), "EUR"),
        "jpy": (Decimal(7), "JPY"),
        "kwd": (Decimal(1), "KWD"),
        "ours": (Decimal(0), "EUR"),
        "none": (None, None),
    }


def test_the_same_file_of_parts_again_changes_nothing(send: Send, db: Session) -> None:
    send("work_orders", boiler())
    valve = {"work_order_ref": "E1", "part_number": "VALVE-3", "quantity": 2, "used_at": "2026-03-02T14:00:00Z"}
    file = [valve, valve, {**valve, "quantity": "-1"}, {**valve, "used_at": ""}]

    first, again = send("parts", *file), send("parts", *file)

    assert (counts(first), counts(again)) == ((4, 0, 0, 0), (0, 0, 4, 0))
    moved = db.exec(select(PartMovement.kind, PartMovement.quantity, PartMovement.delta)).all()
    assert sorted(moved) == [("returned", 1, 1), ("used", 2, -2), ("used", 2, -2), ("used", 2, -2)]


def test_survey_answers_keep_their_scale_and_their_time(send: Send, db: Session) -> None:
    send("work_orders", boiler())
    answer = {
        "response_ref": "Q1",
        "work_order_ref": "E1",
        "kind": "csat",
        "score": 4,
        "answered_at": "2026-03-02T17:00:00Z",
    }
    first = send(
        "surveys",
        answer,
        {**answer, "response_ref": "Q2", "kind": "nps", "score": 9},
        {**answer, "response_ref": "Q3", "score": 8, "scale_min": 1, "scale_max": 10},
        {**answer, "response_ref": "Q4", "score": 6},
        {**answer, "response_ref": "Q5", "score": None},
    )

    edited = send("surveys", {**answer, "score": 5}, {**answer, "response_ref": "Q2", "kind": "nps", "score": 9})

    survey = db.exec(select(Survey)).one()
    found = db.exec(select(SurveyAnswer).order_by(SurveyAnswer.external_ref)).all()
    assert (counts(first), counts(edited)) == ((3, 0, 0, 2), (0, 1, 1, 0))
    assert codes(first) == [(4, "score-off-scale", "score"), (5, "missing", "score")]
    assert [(one.score, one.scale_min, one.scale_max) for one in found] == [(5, 1, 5), (9, 0, 10), (8, 1, 10)]
    assert (survey.state, survey.answered_at, survey.sent_at) == (
        "imported",
        datetime(2026, 3, 2, 17, tzinfo=UTC),
        None,
    )


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("events", {"seq": 1, "at": "2026-03-02T08:00:00Z", "status": "new"}),
        ("visits", {"visit_no": 1}),
        ("parts", {"part_number": "VALVE-3", "quantity": 1}),
        ("surveys", {"response_ref": "Q1", "kind": "nps", "score": 9, "answered_at": "2026-03-02T17:00:00Z"}),
    ],
)
def test_what_belongs_to_no_work_order_is_refused(table: str, row: dict[str, Any], send: Send) -> None:
    report = send(table, {**row, "work_order_ref": "nobody's"})

    assert counts(report) == (0, 0, 0, 1)
    assert codes(report) == [(1, "unknown-work-order", "work_order_ref")]


def test_what_only_the_database_refuses_is_one_row_and_not_the_file(
    send: Send, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "app.imports.tables.work_orders.minor_units", lambda amount, currency: amount * Decimal("1e200000")
    )

    report = send("work_orders", *(boiler(external_id=f"E{n}", cost_total=1 if n == 5 else None) for n in range(9)))

    assert counts(report) == (8, 0, 0, 1)
    assert [(one["key"], one["code"]) for one in report["refusals"]] == [("E5", "not-stored")]
    assert len(db.exec(select(LedgerEvent)).all()) == 8


def test_the_report_keeps_the_first_thousand_refusals_and_counts_all(send: Send) -> None:
    report = send("teams", *({"name": f"Nobody {n}"} for n in range(1_100)))

    assert report["rows_refused"] == 1_100
    assert [one["line"] for one in report["refusals"]] == list(range(1, 1_001))


def test_reports_can_be_read_later_and_totals_count_what_was_imported(
    send: Send, api: CheckedClient, max_: Somebody, ada: Somebody
) -> None:
    sent = send("teams", {"ref": "north"}, {"ref": "south"})

    one = api.get(f"/v1/imports/{sent['id']}", headers=ada.headers).json()
    listed = api.get("/v1/imports", headers=max_.headers).json()["items"]
    totals = api.get("/v1/imports/totals", headers=max_.headers).json()

    assert one == sent
    assert [item["id"] for item in listed] == [sent["id"]]
    assert (totals["teams"], totals["technicians"], totals["work_orders"]) == (2, 0, 0)


def test_only_managers_may_import(api: CheckedClient, dana: Somebody, db: Session) -> None:
    headers = {**dana.headers, "Content-Type": "text/csv"}

    answer = api.post("/v1/imports", params={"table": "teams"}, content=b"ref\nnorth\n", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")
    assert db.exec(select(ImportRun)).all() == []


def test_work_orders_get_numbers_of_the_organization(send: Send, db: Session) -> None:
    send("work_orders", boiler(external_id="E1"), boiler(external_id="E2"))

    send("work_orders", boiler(external_id="E3"))

    numbers = sorted(int(number.removeprefix("WO-")) for number in db.exec(select(WorkOrder.number)).all())
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    assert rows(db, "SELECT count(*) AS n FROM work_orders WHERE recorded_at IS NULL")[0]["n"] == 0
