"""The example page of the TypeScript client in real Chromiums: what is done without network survives and arrives."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import Session, update

from app.identity.models import Person
from app.identity.passwords import hash_password
from tests.browser.phones import Phones
from tests.browser.pocket import PASSWORD, with_the_page
from tests.clients.network import LOST, Network
from tests.conftest import Cast, Somebody
from tests.scene import Scene


@pytest.fixture
def phones() -> Iterator[Phones]:
    with Phones() as hands:
        yield hands


@pytest.fixture
def with_page(network: Network, server: str, compiled: Path) -> Callable[[bool], None]:
    """Says whether the API can be reached; the page itself always can, as if it were installed."""
    network.lead_to(server)
    api = network.behaviour

    def reach(is_up: bool) -> None:
        network.behaviour = with_the_page(api if is_up else lambda _: LOST, compiled)

    reach(True)
    return reach


@pytest.fixture
def sign_in(phones: Phones, network: Network, db: Session) -> Callable[[str, Somebody], None]:
    def do(phone: str, who: Somebody) -> None:
        db.exec(update(Person).where(Person.id == who.id).values(password_hash=hash_password(PASSWORD)))  # type: ignore[arg-type]
        db.commit()
        phones.order(phone, "goto", f"{network.url}/app/example/index.html")
        phones.order(phone, "fill", "[name=username]", who.person.email)
        phones.order(phone, "fill", "[name=password]", PASSWORD)
        phones.order(phone, "click", "#sign-in button")

    return do


def test_a_job_is_done_without_network_survives_a_restart_and_arrives(
    phones: Phones,
    with_page: Callable[[bool], None],
    sign_in: Callable[[str, Somebody], None],
    scene: Scene,
    ana: Somebody,
) -> None:
    visit = scene.dispatched(ana)
    sign_in("ana", ana)
    phones.order("ana", "see", "#jobs .sent", "sent ✓")
    phones.order("ana", "see", "#connection", "Online")
    assert phones.order("ana", "look") == {"violations": [], "small_targets": [], "overflow_px": 0}

    with_page(False)
    phones.order("ana", "click", "text=Depart")
    phones.order("ana", "see", "#jobs .status", "en route")
    phones.order("ana", "fill", ".note textarea", "The key is at the neighbour's")
    phones.order("ana", "click", "text=Add note")
    phones.order("ana", "see", "#jobs .sent", "waiting ⏳ 2")
    phones.order("ana", "see", "#connection", "Offline")
    phones.order("ana", "reload")
    phones.order("ana", "see", "#jobs .sent", "waiting ⏳ 2")
    phones.order("ana", "click", "text=Arrive")
    phones.order("ana", "see", "#jobs .status", "on site")
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "dispatched"

    with_page(True)
    phones.order("ana", "click", "#sync")
    phones.order("ana", "see", "#jobs .sent", "sent ✓")
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "on_site"
    notes = scene.get(f"/v1/work-orders/{visit['work_order_id']}/notes")["items"]
    assert [note["text"] for note in notes] == ["The key is at the neighbour's"]
    assert phones.order("ana", "complaints") == []


def test_what_the_office_does_shows_on_the_phone_by_itself(
    phones: Phones,
    with_page: Callable[[bool], None],
    sign_in: Callable[[str, Somebody], None],
    scene: Scene,
    ana: Somebody,
    cast: Cast,
) -> None:
    first = scene.dispatched(ana)
    sign_in("ana", ana)
    phones.order("ana", "see", "#connection", "Online")

    second = scene.dispatched(ana)

    phones.order("ana", "see", f"[data-id='{second['id']}'] .sent", "sent ✓")
    scene.plan(first["id"], "cancellation", {"cause": "customer", "reason": "The customer mended it"})
    phones.order("ana", "gone", f"[data-id='{first['id']}']")
    phones.order("ana", "see", "#notice", "A job left: canceled.")


def test_a_photo_is_kept_until_it_is_stored(
    phones: Phones,
    with_page: Callable[[bool], None],
    sign_in: Callable[[str, Somebody], None],
    scene: Scene,
    ana: Somebody,
) -> None:
    visit = scene.dispatched(ana)
    sign_in("ana", ana)
    phones.order("ana", "see", "#connection", "Online")
    with_page(False)
    phones.order("ana", "choose", ".photo", "a.png", "image/png", PIXEL)
    phones.order("ana", "see", "#jobs .sent", "waiting ⏳ 1")
    phones.order("ana", "reload")
    with_page(True)
    phones.order("ana", "click", "#sync")
    phones.order("ana", "see", "#jobs .sent", "sent ✓")

    [file] = scene.get(f"/v1/visits/{visit['id']}/attachments", by=ana)["items"]
    assert (file["state"], file["mime"]) == ("stored", "image/png")


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
