"""`POST /oauth/token` and what follows from it."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlmodel import Session, select

from app.domain.roles import Role
from app.identity import commands
from app.identity.models import Organization, SignedInSession
from app.kit import clock
from app.kit.database import rows
from app.kit.runtime import Runtime
from tests.conftest import CheckedClient, Somebody

PASSWORD = "plenty of horses here"


@pytest.fixture
def ana_email(runtime: Runtime, organization: Organization) -> str:
    email = f"ana.{organization.id.hex}@example.org"
    with runtime.transaction(organization.id) as db:
        commands.create_person(
            db, organization.id, name="Ana", email=email, password=PASSWORD, roles=[Role.TECHNICIAN], at=clock.now()
        )
    return email


@pytest.fixture(autouse=True)
def nobody_has_guessed_before(runtime: Runtime) -> None:
    """All tests come from one address."""
    with runtime.transaction(None) as db:
        rows(db, "DELETE FROM slow_downs")


def sign_in(api: CheckedClient, email: str, password: str = PASSWORD) -> dict[str, str]:
    answer = api.post("/oauth/token", data={"grant_type": "password", "username": email, "password": password})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refresh(api: CheckedClient, token: str) -> tuple[int, dict[str, str]]:
    answer = api.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": token})
    return answer.status_code, answer.json()


def test_the_right_password_gives_a_token_that_works(api: CheckedClient, ana_email: str) -> None:
    tokens = sign_in(api, ana_email)

    me = api.get("/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})

    assert me.status_code == 200
    assert me.json()["name"] == "Ana"
    assert me.json()["roles"] == ["technician"]
    assert len(tokens["access_token"]) <= 64


def test_a_wrong_password_and_an_unknown_address_look_the_same(api: CheckedClient, ana_email: str) -> None:
    wrong = api.post("/oauth/token", data={"grant_type": "password", "username": ana_email, "password": "x" * 20})
    unknown = api.post("/oauth/token", data={"grant_type": "password", "username": "no@no.no", "password": "x" * 20})

    assert wrong.status_code == unknown.status_code == 400
    assert wrong.json() == unknown.json()
    assert wrong.json()["error"] == "invalid_grant"


def test_guessing_is_slowed_and_never_locked_out(api: CheckedClient, ana_email: str) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        for _ in range(7):
            guess = {"grant_type": "password", "username": ana_email, "password": "y" * 20}
            last = api.post("/oauth/token", data=guess)
        assert last.status_code == 429
        assert int(last.headers["retry-after"]) >= 1
        now.shift(timedelta(seconds=90))
        assert sign_in(api, ana_email)


def test_a_refresh_token_works_once_and_its_reuse_ends_the_family(
    api: CheckedClient, ana_email: str, db: Session
) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        first = sign_in(api, ana_email)
        status, second = refresh(api, first["refresh_token"])
        assert status == 200
        now.shift(timedelta(seconds=61))

        status, refusal = refresh(api, first["refresh_token"])

        assert (status, refusal["code"]) == (400, "invalid-grant")
        assert refresh(api, second["refresh_token"])[0] == 400
        me = api.get("/v1/me", headers={"Authorization": f"Bearer {second['access_token']}"})
        assert me.status_code == 401
    assert db.exec(select(SignedInSession.revoked_reason)).all() == ["refresh token reused"]


def test_a_lost_refresh_answer_may_be_asked_for_again_within_a_minute(api: CheckedClient, ana_email: str) -> None:
    first = sign_in(api, ana_email)
    assert refresh(api, first["refresh_token"])[0] == 200

    assert refresh(api, first["refresh_token"])[0] == 200


def test_an_expired_access_token_says_so(api: CheckedClient, ana: Somebody, ana_email: str) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        tokens = sign_in(api, ana_email)
        now.shift(timedelta(hours=2))

        answer = api.get("/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})

    assert (answer.status_code, answer.json()["code"]) == (401, "token-expired")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_revoking_ends_the_session(api: CheckedClient, ana_email: str) -> None:
    tokens = sign_in(api, ana_email)

    api.post("/oauth/revoke", data={"token": tokens["refresh_token"]})

    assert api.get("/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}).status_code == 401


def test_a_device_is_registered_once_and_its_revocation_signs_it_out(api: CheckedClient, ana: Somebody) -> None:
    device = {"device_id": str(uuid4()), "platform": "android", "app_version": "3.4.1"}
    assert api.post("/v1/devices", json=device, headers=ana.headers).status_code == 201
    assert api.post("/v1/devices", json=device, headers=ana.headers).status_code == 200
    assert len(api.get("/v1/me/devices", headers=ana.headers).json()["items"]) == 1

    assert api.delete(f"/v1/devices/{device['device_id']}", headers=ana.headers).status_code == 204

    assert api.get("/v1/me", headers=ana.headers).status_code == 401
