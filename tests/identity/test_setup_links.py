"""The one-time link that sets a password: the page and `POST /v1/setup`."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import Session, select

from app.bootstrap import first_admin
from app.identity.models import Person, SetupLink
from app.kit import clock
from app.kit.runtime import Runtime
from tests.conftest import CheckedClient, Somebody

PASSWORD = "plenty of horses here"


@pytest.fixture
def dana_to_be(api: CheckedClient, ada: Somebody) -> dict[str, Any]:
    """Dana before her first sign-in, as the answer to the admin tells it."""
    email = f"dana@{ada.person.organization_id.hex}.example.org"
    body = {"name": "Dana <b>", "email": email, "roles": ["dispatcher"]}
    answer = api.post("/v1/people", json=body, headers=ada.headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


@pytest.fixture
def path(dana_to_be: dict[str, Any]) -> str:
    return str(dana_to_be["setup_url"]).removeprefix("http://testserver")


def sign_in(api: CheckedClient, email: str, password: str = PASSWORD) -> int:
    grant = {"grant_type": "password", "username": email, "password": password}
    return int(api.post("/oauth/token", data=grant).status_code)


def test_looking_at_the_page_changes_nothing(
    api: CheckedClient, dana_to_be: dict[str, Any], path: str, db: Session
) -> None:
    for _ in range(2):
        page = api.get(path)
        assert page.status_code == 200
        assert "Dana &lt;b&gt;" in page.text
        assert "<script" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
    assert set(db.exec(select(SetupLink.used_at)).all()) == {None}


def test_the_form_sets_the_password_once(api: CheckedClient, dana_to_be: dict[str, Any], path: str) -> None:
    assert api.post(path, data={"password": PASSWORD, "again": "another one, longer"}).status_code == 422
    assert api.post(path, data={"password": "short", "again": "short"}).status_code == 422
    assert api.post(path, data={}).status_code == 422
    assert sign_in(api, dana_to_be["email"]) == 400

    done = api.post(path, data={"password": PASSWORD, "again": PASSWORD})

    assert done.status_code == 200
    assert sign_in(api, dana_to_be["email"]) == 200
    assert api.get(path).status_code == 410
    assert api.post(path, data={"password": PASSWORD + "2", "again": PASSWORD + "2"}).status_code == 410
    assert sign_in(api, dana_to_be["email"]) == 200


def test_a_program_sets_the_password_with_one_call(api: CheckedClient, dana_to_be: dict[str, Any], path: str) -> None:
    body = {"token": path.removeprefix("/setup/"), "password": PASSWORD}
    weak = api.post("/v1/setup", json={**body, "password": "short"})
    assert (weak.status_code, weak.json()["code"]) == (422, "password-too-weak")

    assert api.post("/v1/setup", json=body).status_code == 204

    again = api.post("/v1/setup", json=body)
    assert (again.status_code, again.json()["code"]) == (410, "setup-link-unusable")
    assert sign_in(api, dana_to_be["email"]) == 200


def test_a_link_expires(api: CheckedClient, path: str) -> None:
    with time_machine.travel(clock.now() + timedelta(days=3, minutes=1), tick=False):
        assert api.get(path).status_code == 410
        assert api.post(path, data={"password": PASSWORD, "again": PASSWORD}).status_code == 410


@pytest.mark.parametrize(
    "token", ["x", "ffs_", "ffs_" + "A" * 60, "ffa_" + "A" * 60, "%00", "%ff", "ffs_" + "%F0%9F%92%A9" * 12]
)
def test_a_link_that_never_was_looks_like_one_that_is_used_up(api: CheckedClient, token: str) -> None:
    assert api.get(f"/setup/{token}").status_code == 410


def test_a_new_link_ends_the_one_before_and_every_session(
    api: CheckedClient, ada: Somebody, dana: Somebody, db: Session
) -> None:
    links = [api.post(f"/v1/people/{dana.id}/setup-links", headers=ada.headers).json()["setup_url"] for _ in range(2)]
    first, second = (link.removeprefix("http://testserver") for link in links)
    assert api.get(first).status_code == 410
    assert api.get("/v1/me", headers=dana.headers).status_code == 200

    assert api.post(second, data={"password": PASSWORD, "again": PASSWORD}).status_code == 200

    assert api.get("/v1/me", headers=dana.headers).status_code == 401
    assert sign_in(api, dana.person.email) == 200
    assert db.exec(select(Person.password_hash).where(Person.id == dana.id)).one() is not None


def test_the_link_of_somebody_taken_out_of_use_does_not_work(
    api: CheckedClient, ada: Somebody, dana_to_be: dict[str, Any], path: str
) -> None:
    api.patch(f"/v1/people/{dana_to_be['id']}", json={"active": False}, headers=ada.headers)

    assert api.get(path).status_code == 410


def test_nobody_gets_a_first_admin_where_there_is_an_organization(runtime: Runtime, ada: Somebody) -> None:
    assert first_admin(runtime) is None
