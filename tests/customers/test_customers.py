"""`/v1/customers`, `/v1/contacts`, `/v1/sites`, `/v1/assets`: the records of the office."""

import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, col, select

from app.customers.models import ContactConsent, Customer
from tests.conftest import CheckedClient, Somebody
from tests.customers.conftest import made
from tests.statements import statements

Document = dict[str, Any]


def test_a_customer_gets_a_number_of_the_organizations_own(
    api: CheckedClient, dana: Somebody, customer: Document, stranger: Somebody
) -> None:
    second = made(api, dana, "/v1/customers", name="Second")
    elsewhere = made(api, stranger, "/v1/customers", name="Elsewhere")

    assert [customer["number"], second["number"], elsewhere["number"]] == ["C-00001", "C-00002", "C-00001"]


def test_an_external_ref_belongs_to_one_customer_only(
    api: CheckedClient, dana: Somebody, customer: Document, db: Session
) -> None:
    again = api.post("/v1/customers", json={"name": "Other", "external_ref": "K-1"}, headers=dana.headers)

    assert (again.status_code, again.json()["code"]) == (409, "external-ref-taken")
    assert db.exec(select(Customer.name)).all() == ["Cleo's Bakery"]


def test_a_reader_who_has_the_version_gets_304(api: CheckedClient, dana: Somebody, customer: Document) -> None:
    path = f"/v1/customers/{customer['id']}"
    first = api.get(path, headers=dana.headers)
    assert first.headers["etag"] == '"1"'

    again = api.get(path, headers={**dana.headers, "If-None-Match": 'W/"0", W/"1"'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", '"1"')


def test_an_edit_says_which_version_it_means(
    api: CheckedClient, dana: Somebody, customer: Document, db: Session
) -> None:
    path = f"/v1/customers/{customer['id']}"
    edit = {"name": "Cleo & Sons"}

    unsaid = api.patch(path, json=edit, headers=dana.headers)
    stale = api.patch(path, json=edit, headers={**dana.headers, "If-Match": '"7"'})
    weak = api.patch(path, json=edit, headers={**dana.headers, "If-Match": 'W/"1"'})
    anything = api.patch(path, json=edit, headers={**dana.headers, "If-Match": "*"})
    good = api.patch(path, json=edit, headers={**dana.headers, "If-Match": '"1"'})

    assert (unsaid.status_code, unsaid.json()["code"]) == (428, "version-required")
    assert (stale.status_code, stale.json()["code"], stale.headers["etag"]) == (412, "stale", '"1"')
    assert stale.json()["current"] == customer
    assert (weak.status_code, anything.status_code) == (412, 428)
    assert (good.status_code, good.headers["etag"], good.json()["version"]) == (200, '"2"', 2)
    assert db.exec(select(Customer.name, Customer.version)).all() == [("Cleo & Sons", 2)]


def test_an_edit_changes_what_it_names_and_nothing_else(api: CheckedClient, dana: Somebody, site: Document) -> None:
    moved = api.patch(
        f"/v1/sites/{site['id']}",
        json={"coordinates": None, "territory": "north"},
        headers={**dana.headers, "If-Match": '"1"'},
    )

    assert moved.json() == {**site, "coordinates": None, "territory": "north", "version": 2}


def test_an_edit_that_changes_nothing_keeps_the_version(api: CheckedClient, dana: Somebody, asset: Document) -> None:
    same = api.patch(f"/v1/assets/{asset['id']}", json={"name": "Oven"}, headers={**dana.headers, "If-Match": '"1"'})

    assert (same.status_code, same.json()) == (200, asset)


def test_an_asset_is_retired_and_taken_back_into_use(api: CheckedClient, dana: Somebody, asset: Document) -> None:
    path, then = f"/v1/assets/{asset['id']}", "2026-03-01T08:00:00Z"
    assert asset["retired_at"] is None

    retired = api.patch(path, json={"retired_at": then}, headers={**dana.headers, "If-Match": '"1"'})
    assert (retired.status_code, retired.json()["retired_at"]) == (200, then)
    assert api.get(path, headers=dana.headers).json() == retired.json()
    used = api.patch(path, json={"retired_at": None}, headers={**dana.headers, "If-Match": '"2"'})

    assert (used.json()["retired_at"], used.json()["version"]) == (None, 3)
    assert made(api, dana, "/v1/assets", name="Old oven", retired_at=then)["retired_at"] == then


def test_a_name_can_be_left_out_of_an_edit_and_not_emptied(
    api: CheckedClient, dana: Somebody, customer: Document
) -> None:
    answer = api.patch(
        f"/v1/customers/{customer['id']}", json={"name": None}, headers={**dana.headers, "If-Match": '"1"'}
    )

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body/name")


@pytest.mark.parametrize("sent", ["+49 (30) 901820", "0049 30 901820", "+4930901820"])
def test_a_telephone_number_is_kept_in_one_form(
    api: CheckedClient, dana: Somebody, customer: Document, sent: str
) -> None:
    contact = made(api, dana, "/v1/contacts", customer_id=customer["id"], name="Cleo", phone=sent)

    assert contact["phone"] == "+4930901820"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone", "030 901820"),
        ("phone", "+49 30 9018 20 ext 5"),
        ("phone", "+49"),
        ("email", "cleo"),
        ("email", "cleo@exa\x00mple.org"),
        ("language", "german"),
        ("language", "de_DE"),
        ("time_zone", "Europe/Atlantis"),
        ("time_zone", "../../etc/passwd"),
        ("channel", "pigeon"),
        ("customer_id", 7),
        ("nickname", "C"),
        ("name", ""),
        ("name", "a\x00b"),
        ("name", "a\ud800b"),
        ("name", "two\nlines"),
        ("name", "x" * 201),
    ],
)
def test_a_contact_that_is_not_well_formed_is_refused_with_the_place(
    api: CheckedClient, dana: Somebody, customer: Document, field: str, value: Any
) -> None:
    body = {"customer_id": customer["id"], "name": "Cleo", field: value}

    answer = api.post(
        "/v1/contacts", content=json.dumps(body), headers={**dana.headers, "Content-Type": "application/json"}
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/body/{field}"


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "x", "\\ud800": 1}',
        b'{"name": "x", "coordinates": {"lat": NaN, "lng": 0}}',
        b'{"name": "x", "coordinates": {"lat": 1e999, "lng": 0}}',
        b'{"name": "x", "coordinates": {"lat": 9223372036854775808, "lng": 0}}',
        b'{"name": "x", "coordinates": {"lat": 52}}',
        b'{"name": "x", "postal_code": 9223372036854775808}',
        b'{"name": "\xff"}',
        b'{"name": ',
        b"[]",
        b"null",
        b"",
        b"[" * 100_000,
        b'{"name": ' + b"9" * 5_000 + b"}",
    ],
)
def test_no_bytes_at_all_break_the_server(api: CheckedClient, dana: Somebody, body: bytes) -> None:
    answer = api.post("/v1/sites", content=body, headers={**dana.headers, "Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (422, "not-well-formed")
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "moment", ["2026-03-01T08:00:00", "2026-03-01", "yesterday", 9223372036854775808, "0001-01-01T00:00:00Z"]
)
def test_a_time_without_a_zone_or_out_of_this_world_is_refused(api: CheckedClient, dana: Somebody, moment: Any) -> None:
    answer = api.post("/v1/assets", json={"name": "Oven", "installed_at": moment}, headers=dana.headers)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/body/installed_at")


@pytest.mark.parametrize(
    ("kind", "query", "pointer"),
    [
        ("customers", "limit=-1", "/query/limit"),
        ("customers", "limit=0", "/query/limit"),
        ("customers", "limit=201", "/query/limit"),
        ("customers", "limit=9223372036854775808", "/query/limit"),
        ("customers", "color=red", "/query/color"),
        ("customers", "q=%00", "/query/q"),
        ("customers", "external_ref=%00", "/query/external_ref"),
        ("contacts", "customer_id=1", "/query/customer_id"),
        ("sites", "customer_id=%00", "/query/customer_id"),
        ("assets", "site_id=x", "/query/site_id"),
    ],
)
def test_a_filter_that_is_not_well_formed_is_refused_with_the_place(
    api: CheckedClient, dana: Somebody, kind: str, query: str, pointer: str
) -> None:
    answer = api.get(f"/v1/{kind}?{query}", headers=dana.headers)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_list_goes_on_where_the_last_page_ended(api: CheckedClient, dana: Somebody) -> None:
    names = [made(api, dana, "/v1/customers", name=f"No. {n}")["name"] for n in range(5)]

    seen, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/v1/customers?limit=2{cursor and f'&cursor={cursor}'}", headers=dana.headers).json()
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert seen == names[::-1]


def test_a_cursor_of_another_list_is_refused(api: CheckedClient, dana: Somebody, customer: Document) -> None:
    made(api, dana, "/v1/customers", name="Second")
    cursor = api.get("/v1/customers?limit=1", headers=dana.headers).json()["next_cursor"]

    for wrong in (f"/v1/sites?cursor={cursor}", f"/v1/customers?cursor={cursor}x", "/v1/customers?cursor=%00"):
        answer = api.get(wrong, headers=dana.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "cursor-unreadable")


def test_lists_are_narrowed_by_name_customer_and_site(
    api: CheckedClient, dana: Somebody, customer: Document, contact: Document, site: Document, asset: Document
) -> None:
    other = made(api, dana, "/v1/customers", name="100% Dental")
    made(api, dana, "/v1/contacts", customer_id=other["id"], name="Doc")
    made(api, dana, "/v1/assets", name="Chair")

    def names(path: str) -> list[str]:
        return [item["name"] for item in api.get(path, headers=dana.headers).json()["items"]]

    assert names("/v1/customers?q=cLEO") == ["Cleo's Bakery"]
    assert names("/v1/customers?q=100%25") == ["100% Dental"]
    assert names("/v1/customers?q=%25") == []
    assert names("/v1/customers?external_ref=K-1") == ["Cleo's Bakery"]
    assert names(f"/v1/contacts?customer_id={customer['id']}") == ["Cleo"]
    assert names(f"/v1/sites?customer_id={other['id']}") == []
    assert names(f"/v1/assets?site_id={site['id']}") == ["Oven"]
    assert names(f"/v1/assets?customer_id={customer['id']}") == ["Oven"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/contacts", {"name": "Cleo", "customer_id": "theirs"}, "no-such-customer"),
        ("/v1/sites", {"name": "Here", "customer_id": "theirs"}, "no-such-customer"),
        ("/v1/assets", {"name": "Oven", "site_id": "theirs"}, "no-such-site"),
    ],
)
def test_what_another_organization_has_cannot_be_referred_to(
    api: CheckedClient, dana: Somebody, stranger: Somebody, path: str, body: Document, code: str
) -> None:
    customer = made(api, stranger, "/v1/customers", name="Theirs")
    site = made(api, stranger, "/v1/sites", name="Theirs", customer_id=customer["id"])
    field = "site_id" if "site_id" in body else "customer_id"
    theirs = site["id"] if field == "site_id" else customer["id"]

    for foreign in (theirs, str(uuid4())):
        answer = api.post(path, json={**body, field: foreign}, headers=dana.headers)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.json()["errors"][0]["pointer"] == f"/body/{field}"


def test_an_edit_cannot_move_a_site_to_another_organizations_customer(
    api: CheckedClient, dana: Somebody, stranger: Somebody, site: Document
) -> None:
    theirs = made(api, stranger, "/v1/customers", name="Theirs")

    answer = api.patch(
        f"/v1/sites/{site['id']}", json={"customer_id": theirs["id"]}, headers={**dana.headers, "If-Match": '"1"'}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "no-such-customer")


def test_every_answer_about_consent_is_kept_and_the_newest_counts(
    api: CheckedClient, dana: Somebody, contact: Document, db: Session
) -> None:
    path = f"/v1/contacts/{contact['id']}/consents"
    said = (
        ("granted", "2026-03-01T09:00:00+01:00"),
        ("withdrawn", "2026-03-05T09:00:00Z"),
        ("granted", "2026-03-02T00:00:00Z"),
    )
    for state, at in said:
        last = api.post(
            path, json={"channel": "email", "state": state, "source": "phone call", "at": at}, headers=dana.headers
        )
    api.post(path, json={"channel": "sms", "state": "granted", "source": "form"}, headers=dana.headers)

    assert (last.status_code, last.json()["version"]) == (201, 4)
    now = api.get(f"/v1/contacts/{contact['id']}", headers=dana.headers).json()
    assert {one["channel"]: one["state"] for one in now["consents"]} == {"email": "withdrawn", "sms": "granted"}
    assert now["consents"][0] == {
        "channel": "email", "state": "withdrawn", "source": "phone call", "at": "2026-03-05T09:00:00Z",
    }  # fmt: skip
    states = db.exec(select(ContactConsent.state).order_by(col(ContactConsent.id))).all()
    assert states == ["granted", "withdrawn", "granted", "granted"]


def test_consent_is_for_a_channel_that_messages_go_out_by(
    api: CheckedClient, dana: Somebody, contact: Document
) -> None:
    answer = api.post(
        f"/v1/contacts/{contact['id']}/consents",
        json={"channel": "none", "state": "granted", "source": "form"},
        headers=dana.headers,
    )

    assert answer.status_code == 422


@pytest.mark.parametrize("kind", ["customers", "contacts", "sites", "assets"])
def test_a_list_costs_the_same_however_long_it_is(
    api: CheckedClient, dana: Somebody, contact: Document, asset: Document, kind: str
) -> None:
    for n in range(3):
        made(api, dana, "/v1/contacts", customer_id=contact["customer_id"], name=f"Contact {n}")

    with statements() as sent:
        assert api.get(f"/v1/{kind}", headers=dana.headers).json()["items"]

    assert len(sent) == (3 if kind == "contacts" else 2), sent


def test_what_another_organization_has_is_not_there(
    api: CheckedClient, stranger: Somebody, customer: Document, contact: Document, site: Document, asset: Document
) -> None:
    paths = {"customers": customer, "contacts": contact, "sites": site, "assets": asset}
    for kind, thing in paths.items():
        assert api.get(f"/v1/{kind}/{thing['id']}", headers=stranger.headers).status_code == 404
        assert api.get(f"/v1/{kind}", headers=stranger.headers).json()["items"] == []
        edit = api.patch(
            f"/v1/{kind}/{thing['id']}", json={"name": "Mine"}, headers={**stranger.headers, "If-Match": '"1"'}
        )
        assert edit.status_code == 404
    assert api.get(f"/v1/assets/{asset['id']}/history", headers=stranger.headers).status_code == 404


def test_a_repeated_request_with_a_key_makes_one_customer(api: CheckedClient, dana: Somebody, db: Session) -> None:
    headers = {**dana.headers, "Idempotency-Key": str(uuid4())}
    first = api.post("/v1/customers", json={"name": "Once"}, headers=headers)
    again = api.post("/v1/customers", json={"name": "Once"}, headers=headers)

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert db.exec(select(Customer.id)).all() == [UUID(first.json()["id"])]
