"""Signing in from Python: a device of its own, new tokens when they run out, and nothing taken from strangers."""

from collections.abc import Mapping
from uuid import uuid4

import pytest
from firstfix_offline import DeviceSession, HttpxTransport, MemoryStorage, NoNetwork, OfflineClient
from firstfix_offline.session import SignedOut
from sqlmodel import Session, update

from app.identity.models import Person
from app.identity.passwords import hash_password
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene

PASSWORD = "correct horse battery staple"
DEVICE = {"platform": "test", "app_version": "1"}


@pytest.fixture
def session(api: CheckedClient, ana: Somebody, db: Session) -> DeviceSession:
    """Ana's, signed in."""
    db.exec(update(Person).where(Person.id == ana.id).values(password_hash=hash_password(PASSWORD)))  # type: ignore[arg-type]
    db.commit()
    made = DeviceSession(HttpxTransport("", client=api), MemoryStorage())
    made.sign_in(ana.person.email, PASSWORD, {"device_id": str(uuid4()), **DEVICE})
    return made


def test_a_signed_in_device_syncs_and_knows_its_limits(
    session: DeviceSession, api: CheckedClient, scene: Scene, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    client = OfflineClient(
        HttpxTransport("", client=api), MemoryStorage(), token=session.token, refresh=session.refresh
    )

    assert client.sync().state == "synced"
    assert [job.id for job in client.jobs()] == [visit["id"]]
    assert session.limits().max_ops == 100


def test_a_token_that_ran_out_is_replaced_on_the_way(session: DeviceSession, api: CheckedClient) -> None:
    first, asked = session.token(), ["one that ran out"]
    client = OfflineClient(
        HttpxTransport("", client=api),
        MemoryStorage(),
        token=lambda: asked.pop() if asked else session.token(),
        refresh=session.refresh,
    )

    assert client.sync().state == "synced"
    assert session.token() != first


def test_a_session_that_was_ended_asks_to_sign_in_again(session: DeviceSession, api: CheckedClient) -> None:
    client = OfflineClient(
        HttpxTransport("", client=api), MemoryStorage(), token=session.token, refresh=session.refresh
    )
    api.post("/oauth/revoke", data={"token": session.token()})
    client.enqueue("note.add", str(uuid4()), {"text": "still here"})

    assert client.sync().state == "signed_out"
    assert len(client.outbox()) == 1


@pytest.mark.parametrize("password", ["wrong horse battery staple", ""])
def test_a_wrong_password_is_said_and_nothing_is_kept(api: CheckedClient, ana: Somebody, password: str) -> None:
    session = DeviceSession(HttpxTransport("", client=api), MemoryStorage())

    with pytest.raises(SignedOut):
        session.sign_in(ana.person.email, password, {"device_id": str(uuid4()), **DEVICE})
    with pytest.raises(SignedOut):
        session.token()


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (302, b""), (200, b"{}"), (200, b"[]"), (502, b"{}")])
def test_a_captive_portal_signs_nobody_in_or_out(session: DeviceSession, status: int, body: bytes) -> None:
    class Portal:
        def send(
            self, method: str, path: str, headers: Mapping[str, str], body_: bytes | None
        ) -> tuple[int, Mapping[str, str], bytes]:
            return status, {}, body

    before = session.token()
    session._transport = Portal()

    with pytest.raises(NoNetwork):
        session.refresh()
    assert session.token() == before
