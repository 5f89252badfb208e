"""What an API key reaches is its own, and a person's things are not for it."""

from uuid import uuid4

from sqlmodel import Session, update

from app.identity.models import Person
from app.identity.passwords import hash_password
from tests.conftest import CheckedClient, Somebody

PASSWORD = "four words and a number 7"


def an_integration(api: CheckedClient, ada: Somebody, name: str) -> tuple[dict[str, str], str]:
    """Its headers, by a token that its key got it, and the id of its session."""
    made = api.post("/v1/api-clients", json={"name": name, "roles": ["dispatcher"]}, headers=ada.headers).json()
    form = {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["key"]}
    headers = {"Authorization": f"Bearer {api.post('/oauth/token', data=form).json()['access_token']}"}
    return headers, api.get("/v1/me", headers=headers).json()["session_id"]


def test_an_integration_reaches_no_session_of_another(api: CheckedClient, ada: Somebody) -> None:
    mine, my_session = an_integration(api, ada, "CRM")
    _, another = an_integration(api, ada, "ERP")

    listed = api.get("/v1/me/sessions", headers=mine).json()["items"]

    assert [one["id"] for one in listed] == [my_session]
    assert api.delete(f"/v1/me/sessions/{another}", headers=mine).status_code == 404
    assert api.delete(f"/v1/me/sessions/{my_session}", headers=mine).status_code == 204


def test_an_integration_has_no_device(api: CheckedClient, ada: Somebody) -> None:
    mine, _ = an_integration(api, ada, "CRM")
    body = {"device_id": str(uuid4()), "platform": "android", "app_version": "1.0"}

    answer = api.post("/v1/devices", json=body, headers=mine)

    assert (answer.status_code, answer.json()["code"]) == (409, "device-taken")


def test_signing_in_names_a_device_only_when_it_is_ones_own(
    api: CheckedClient, ana: Somebody, ben: Somebody, db: Session
) -> None:
    db.exec(update(Person).where(Person.id == ana.id).values(password_hash=hash_password(PASSWORD)))  # type: ignore[arg-type]
    db.commit()
    devices = {}
    for who in (ana, ben):
        body = {"device_id": str(uuid4()), "platform": "android", "app_version": "1.0"}
        devices[who.person.name] = api.post("/v1/devices", json=body, headers=who.headers).json()["id"]

    told = {}
    for device_id in (devices["Ana"], devices["Ben"], str(uuid4())):
        form = {
            "grant_type": "password", "username": ana.person.email, "password": PASSWORD, "device_id": device_id,
        }  # fmt: skip
        answer = api.post("/oauth/token", data=form)
        assert answer.status_code == 200
        me = api.get("/v1/me", headers={"Authorization": f"Bearer {answer.json()['access_token']}"}).json()
        told[device_id] = me["device_id"]

    assert list(told.values()) == [devices["Ana"], None, None]


def test_a_key_that_writes_says_when_it_was_last_used(api: CheckedClient, ada: Somebody) -> None:
    made = api.post("/v1/api-clients", json={"name": "CRM", "roles": ["dispatcher"]}, headers=ada.headers).json()
    assert made["last_used_at"] is None
    customer = {"name": "Cleo & Co"}

    answer = api.post("/v1/customers", json=customer, headers={"Authorization": f"Bearer {made['key']}"})

    assert answer.status_code == 201, answer.text
    [known] = api.get("/v1/api-clients", headers=ada.headers).json()["items"]
    assert known["last_used_at"] is not None
