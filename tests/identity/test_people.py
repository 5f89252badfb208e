"""`/v1/people` and `/v1/api-clients`: who may call."""

from typing import Any

import pytest
from sqlmodel import Session, col, select

from app.domain.roles import Role
from app.identity.models import ApiClient, Person, StoredAnswer
from tests.conftest import Cast, CheckedClient, Somebody

PASSWORD = "plenty of horses here"


def made(api: CheckedClient, by: Somebody, path: str, **body: Any) -> dict[str, Any]:
    answer = api.post(path, json=body, headers=by.headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def email(name: str, somebody: Somebody) -> str:
    return f"{name}@{somebody.person.organization_id.hex}.example.org"


def test_somebody_who_is_given_a_password_can_sign_in(api: CheckedClient, ada: Somebody, db: Session) -> None:
    address = email("dana", ada)
    person = made(api, ada, "/v1/people", name="Dana", email=address, roles=["dispatcher"], password=PASSWORD)

    assert (person["has_password"], person["setup_url"]) == (True, None)
    assert "password_hash" not in person
    answer = api.post("/oauth/token", data={"grant_type": "password", "username": address, "password": PASSWORD})
    assert answer.status_code == 200
    assert PASSWORD not in str(db.exec(select(Person.password_hash)).all())


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"roles": ["technician"]}, 422, "role-incomplete"),
        ({"roles": ["partner_manager"]}, 422, "role-incomplete"),
        ({"roles": ["technician"], "technician_id": "00000000-0000-7000-8000-000000000001"}, 422, "no-such-technician"),
        ({"roles": []}, 422, "not-well-formed"),
        ({"roles": ["king"]}, 422, "not-well-formed"),
        ({"email": "dana"}, 422, "not-well-formed"),
        ({"password": "short"}, 422, "password-too-weak"),
        ({"password": "a" * 20}, 422, "password-too-weak"),
        ({"organization_id": "00000000-0000-7000-8000-000000000001"}, 422, "not-well-formed"),
    ],
)
def test_a_person_that_would_make_no_sense_is_refused(
    api: CheckedClient, ada: Somebody, db: Session, changes: dict[str, Any], status: int, code: str
) -> None:
    body = {"name": "Dana", "email": email("dana", ada), "roles": ["dispatcher"], **changes}

    answer = api.post("/v1/people", json=body, headers=ada.headers)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert db.exec(select(Person.name)).all() == ["Ada"]


def test_an_address_signs_in_to_one_place_only(api: CheckedClient, ada: Somebody, stranger: Somebody) -> None:
    address = email("dana", ada)
    made(api, ada, "/v1/people", name="Dana", email=address, roles=["dispatcher"])

    answer = api.post(
        "/v1/people", json={"name": "D", "email": address.upper(), "roles": ["finance"]}, headers=stranger.headers
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "email-taken")


def test_somebody_taken_out_of_use_is_out_at_once(api: CheckedClient, ada: Somebody, dana: Somebody) -> None:
    assert api.get("/v1/me", headers=dana.headers).status_code == 200

    answer = api.patch(f"/v1/people/{dana.id}", json={"active": False}, headers=ada.headers)

    assert answer.json()["active"] is False
    assert api.get("/v1/me", headers=dana.headers).status_code == 401
    api.patch(f"/v1/people/{dana.id}", json={"active": True}, headers=ada.headers)
    assert api.get("/v1/me", headers=dana.headers).status_code == 401


def test_a_role_that_is_taken_away_is_gone_at_once(api: CheckedClient, ada: Somebody, dana: Somebody) -> None:
    api.patch(f"/v1/people/{dana.id}", json={"roles": ["finance"]}, headers=ada.headers)

    answer = api.post("/v1/customers", json={"name": "X"}, headers=dana.headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "not-allowed")


def test_the_last_admin_stays(api: CheckedClient, ada: Somebody, cast: Cast, db: Session) -> None:
    for change in ({"active": False}, {"roles": ["manager"]}):
        answer = api.patch(f"/v1/people/{ada.id}", json=change, headers=ada.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "last-admin")
    assert db.exec(select(Person.roles, Person.active)).all() == [(["admin"], True)]

    cast("Abe", Role.ADMIN)

    assert api.patch(f"/v1/people/{ada.id}", json={"roles": ["manager"]}, headers=ada.headers).status_code == 200


def test_people_are_found_by_role_and_name(api: CheckedClient, ada: Somebody, dana: Somebody, ana: Somebody) -> None:
    def names(query: str) -> list[str]:
        return [one["name"] for one in api.get(f"/v1/people?{query}", headers=ada.headers).json()["items"]]

    assert names("role=dispatcher") == ["Dana"]
    assert names("q=an&active=true") == ["Ana"]
    assert names("active=false") == []


def test_an_api_key_is_told_once_and_only_its_hash_is_kept(api: CheckedClient, ada: Somebody, db: Session) -> None:
    headers = {**ada.headers, "Idempotency-Key": "a key for a key"}
    answer = api.post("/v1/api-clients", json={"name": "ERP", "roles": ["dispatcher"]}, headers=headers)

    key = answer.json()["key"]
    assert key.startswith("ffk_")
    assert answer.headers["cache-control"] == "no-store"
    assert api.get("/v1/me", headers={"Authorization": f"Bearer {key}"}).json()["name"] == "ERP"
    listed = api.get("/v1/api-clients", headers=ada.headers).json()["items"]
    assert [(one["name"], "key" in one, key.endswith(one["key_hint"][-4:])) for one in listed] == [("ERP", False, True)]
    assert key.encode() not in db.exec(select(ApiClient.key_hash)).one()
    assert db.exec(select(StoredAnswer.id)).all() == []


def test_a_revoked_key_and_every_token_from_it_stop_working(api: CheckedClient, ada: Somebody, db: Session) -> None:
    client = made(api, ada, "/v1/api-clients", name="ERP", roles=["dispatcher"])
    grant = {"grant_type": "client_credentials", "client_id": client["id"], "client_secret": client["key"]}
    token = api.post("/oauth/token", data=grant).json()["access_token"]
    assert api.get("/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 200

    assert api.delete(f"/v1/api-clients/{client['id']}", headers=ada.headers).status_code == 204
    first = db.exec(select(col(ApiClient.revoked_at))).one()
    assert api.delete(f"/v1/api-clients/{client['id']}", headers=ada.headers).status_code == 204

    for secret in (client["key"], token):
        assert api.get("/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    assert api.post("/oauth/token", data=grant).status_code == 400
    db.expire_all()
    assert db.exec(select(col(ApiClient.revoked_at))).one() == first


def test_a_key_is_no_technician(api: CheckedClient, ada: Somebody) -> None:
    answer = api.post("/v1/api-clients", json={"name": "App", "roles": ["technician"]}, headers=ada.headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "role-incomplete")
