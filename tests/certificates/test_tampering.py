"""Somebody with all rights changes one thing of what is stored: the certificate says so, and where. One at a time."""

import base64
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.certificates import queries
from app.certificates.material import LEFT_OUT, ORDERS, SOURCES
from app.certificates.models import Certificate
from app.certificates.verifying import verify
from app.models import metadata
from app.work_orders.ledger import ORDER_COLUMNS, VISIT_COLUMNS
from tests.certificates.conftest import Intruder, Work
from tests.certificates.flipping import columns_of, flipped, leaf_changed, leaves_in

#: From table to the part of the certificate that must say so. Where a row stands is what other parts follow from.
PARTS = {
    "events": {"events"},
    "closure_submissions": {"closures"},
    "evidence": {"evidence"},
    "task_results": {"answers"},
    "closure_waivers": {"waivers"},
    "customer_codes": {"codes"},
    "customer_confirmations": {"confirmations"},
    "part_movements": {"movements"},
    "closure_terms": {"terms"},
    "visits": {"visits", "caches"},
    "work_orders": {"work_order", "subject", "caches"},
}
NOT_SEALED = {
    **LEFT_OUT,
    "visits": {"version"},
    "work_orders": set(metadata.tables["work_orders"].columns.keys()) - {*ORDERS.columns, *ORDER_COLUMNS} | {"id"},
}
OF_THE_ROW_ITSELF = {"organization_id"}


def ids_of(intruder: Intruder, work: Work, table: str) -> list[UUID]:
    where = SOURCES[table].where.replace("%(id)s", f"'{work.id}'").replace("%(o)s", f"'{work.job.organization_id}'")
    found = intruder.run(f"SELECT id FROM {table} WHERE organization_id = %s AND {where}", work.job.organization_id)
    return [id for (id,) in found]


@pytest.mark.parametrize("table", [*PARTS])
def test_every_column_of_every_row_is_sealed(closed: Work, intruder: Intruder, table: str) -> None:
    ids = ids_of(intruder, closed, table)
    assert ids
    unnoticed = []
    for id in ids:
        for column, kind in columns_of(intruder, table).items():
            if column in NOT_SEALED.get(table, set()) or (table == "work_orders" and column in OF_THE_ROW_ITSELF):
                continue
            with flipped(intruder, table, id, column, kind):
                found = closed.parts()
                unnoticed += [] if found & PARTS[table] else [(column, found)]

    assert unnoticed == []
    assert closed.differences() == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("closure_submissions", "body"),
        ("closure_submissions", "findings"),
        ("closure_submissions", "policy"),
        ("closure_submissions", "facts"),
        ("events", "data"),
        ("events", "answer"),
        ("closure_terms", "checklist"),
        ("closure_terms", "policy"),
    ],
)
def test_every_value_inside_what_is_stored_as_json_is_sealed(
    closed: Work, intruder: Intruder, table: str, column: str
) -> None:
    tried, unnoticed = 0, []
    for id in ids_of(intruder, closed, table):
        for path in leaves_in(intruder, table, id, column):
            tried += 1
            with leaf_changed(intruder, table, id, column, path):
                unnoticed += [] if closed.parts() & PARTS[table] else [path]

    assert tried > 0
    assert unnoticed == []
    assert closed.differences() == []


@pytest.mark.parametrize("table", [table for table in PARTS if table != "work_orders"])
def test_a_row_that_was_taken_away_is_missed(closed: Work, intruder: Intruder, table: str) -> None:
    for id in ids_of(intruder, closed, table):
        [(kept,)] = intruder.run(f"SELECT to_jsonb(t)::text FROM {table} t WHERE id = %s", id)
        intruder.run(f"DELETE FROM {table} WHERE id = %s", id)
        found = {(one.part, one.what) for one in closed.differences()}
        intruder.run(f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s::text::jsonb)", kept)

        assert found & {(part, "missing") for part in PARTS[table]}, (id, found)
    assert closed.differences() == []


@pytest.mark.parametrize(
    "table", ["evidence", "closure_submissions", "task_results", "part_movements", "closure_waivers"]
)
def test_a_row_that_was_smuggled_in_is_named(closed: Work, intruder: Intruder, table: str) -> None:
    id = ids_of(intruder, closed, table)[0]
    born = "granted_at" if table == "closure_waivers" else "recorded_at"
    rule = ", 'rule_id', 'other'" if table == "closure_waivers" else ""
    more = f"jsonb_build_object('id', gen_random_uuid(), '{born}', t.{born} - interval '5 minutes'{rule})"
    intruder.run(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(t) || {more})).* "
        f"FROM {table} t WHERE id = %s",
        id,
    )

    assert {(one.part, one.what) for one in closed.differences()} >= {(next(iter(PARTS[table])), "added")}


def test_an_event_that_was_smuggled_in_at_the_end_is_found(closed: Work, intruder: Intruder) -> None:
    intruder.run(
        "INSERT INTO events SELECT (jsonb_populate_record(NULL::events, to_jsonb(e) || jsonb_build_object("
        "'id', gen_random_uuid(), 'seq', e.seq + 1, 'type', 'note.added'))).* "
        "FROM events e WHERE work_order_id = %s ORDER BY seq DESC LIMIT 1",
        closed.id,
    )

    assert closed.parts() == {"caches"}


def objects_of(closed: Work, intruder: Intruder) -> list[Path]:
    entries = closed.certificate()["document"]["evidence"]
    assert len(entries) == 2
    return [intruder.file(closed.job.organization_id, entry["sha256"]) for entry in entries]


def test_every_photo_and_signature_is_read_to_the_last_byte(closed: Work, intruder: Intruder) -> None:
    for path in objects_of(closed, intruder):
        kept = path.read_bytes()
        damaged = [
            bytes(byte ^ (1 if place == at else 0) for place, byte in enumerate(kept))
            for at in (0, len(kept) // 2, len(kept) - 1)
        ]
        for data in (*damaged, kept[:-1], kept + b"\0", b""):
            path.write_bytes(data)
            assert [(one.part, one.what) for one in closed.differences()] == [("bytes", "changed")]
        path.unlink()
        assert [(one.part, one.what) for one in closed.differences()] == [("bytes", "missing")]
        path.write_bytes(kept)
    assert closed.differences() == []


def link_of(closed: Work) -> Certificate:
    with closed.runtime.transaction(closed.job.organization_id) as db:
        link = queries.certificate_of(db, closed.job.organization_id, closed.id)
        assert link is not None
        return link


def parts_of_link(closed: Work, id: UUID) -> set[str]:
    """What is found at the certificate with this id, wherever it says that it belongs."""
    with closed.runtime.transaction(closed.job.organization_id) as db:
        link = db.get(Certificate, (closed.job.organization_id, id))
        return {"certificates"} if link is None else {one.part for one in verify(db, link).differences}


OF_THE_LINK = {"document", "certificate", "signature", "key", "chain", "certificates"}


def test_every_column_of_the_certificate_is_sealed(closed: Work, intruder: Intruder) -> None:
    id, unnoticed = link_of(closed).id, []
    for column, kind in columns_of(intruder, "certificates").items():
        if column == "work_order_id":
            continue
        with flipped(intruder, "certificates", id, column, kind):
            unnoticed += [] if parts_of_link(closed, id) & OF_THE_LINK else [column]

    assert unnoticed == []
    assert closed.differences() == []


def test_a_certificate_cannot_be_given_to_other_work(closed: Work, intruder: Intruder) -> None:
    other = intruder.run(
        "INSERT INTO work_orders SELECT (jsonb_populate_record(NULL::work_orders, to_jsonb(w) || "
        "jsonb_build_object('id', gen_random_uuid(), 'number', 'WO-X'))).* FROM work_orders w WHERE id = %s "
        "RETURNING id",
        closed.id,
    )[0][0]
    link = link_of(closed)
    intruder.run("UPDATE certificates SET work_order_id = %s WHERE id = %s", other, link.id)

    assert "certificate" in parts_of_link(closed, link.id)


def test_every_region_of_the_document_is_sealed(closed: Work, intruder: Intruder) -> None:
    link = link_of(closed)
    for at in range(0, len(link.document), 97):
        damaged = bytearray(link.document)
        damaged[at] ^= 1
        intruder.run("UPDATE certificates SET document = %s WHERE id = %s", bytes(damaged), link.id)
        assert parts_of_link(closed, link.id) & {"document"}, at
        with_hash = "UPDATE certificates SET document = %s, sha256 = sha256(%s) WHERE id = %s"
        intruder.run(with_hash, bytes(damaged), bytes(damaged), link.id)
        assert parts_of_link(closed, link.id) & OF_THE_LINK, at
    intruder.run(
        "UPDATE certificates SET document = %s, sha256 = %s WHERE id = %s", link.document, link.sha256, link.id
    )
    assert closed.differences() == []


@pytest.mark.parametrize("column", ["key_id", "public_key"])
def test_the_public_key_cannot_be_another(closed: Work, intruder: Intruder, column: str) -> None:
    kind = columns_of(intruder, "signing_keys")[column]
    [(id,)] = intruder.run("SELECT id FROM signing_keys WHERE organization_id = %s", closed.job.organization_id)

    with flipped(intruder, "signing_keys", id, column, kind):
        assert closed.parts() == {"key"}
    assert closed.differences() == []


def test_no_byte_of_what_is_shown_can_be_another(closed: Work) -> None:
    certificate = closed.certificate()
    document, signature = (base64.b64decode(certificate[name]) for name in ("document_base64", "signature"))
    whole = closed.api.post("/v1/certificates/verify", json=shown(document, signature)).json()
    assert whole["valid"] is True

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(at=st.integers(0, len(document) + len(signature) - 1), bit=st.integers(0, 7))
    def damaged(at: int, bit: int) -> None:
        both = bytearray(document + signature)
        both[at] ^= 1 << bit
        bad = shown(bytes(both[: len(document)]), bytes(both[len(document) :]))
        answer = closed.api.post("/v1/certificates/verify", json=bad)
        assert answer.status_code in (404, 429) or answer.json()["valid"] is False

    damaged()


def shown(document: bytes, signature: bytes) -> dict[str, Any]:
    return {"document": base64.b64encode(document).decode(), "signature": base64.b64encode(signature).decode()}


def test_all_columns_are_sealed_or_said_not_to_be() -> None:
    """A new column is a decision: into the next version of the format, or left out with a reason."""
    for table, source in SOURCES.items():
        if table not in ("visits", "work_orders"):
            known = {*source.columns, "organization_id", *LEFT_OUT.get(table, ())}
            assert known == set(metadata.tables[table].columns.keys()), table
    known = {*SOURCES["visits"].columns, *VISIT_COLUMNS, "organization_id", "version"}
    assert known == set(metadata.tables["visits"].columns.keys())
