"""Phones are woken when there is something to pull: once, all that are behind, with nothing personal in it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr
from sqlmodel import Session

from app.identity.models import Device, Organization
from app.kit.queue import make_queue
from app.kit.runtime import Runtime
from app.sync import push_hints as sending
from app.sync.models import Feed
from tests.conftest import CheckedClient, Somebody
from tests.kit.fcm_stand_in import Google, google_stand_in
from tests.scene import Scene
from tests.sync.phone import Phone

TASKS = """
SELECT status::text, scheduled_at FROM procrastinate_jobs WHERE args ->> 'technician' = %s AND status <> 'succeeded'
"""


@pytest.fixture
def google() -> Iterator[Google]:
    with google_stand_in() as stand_in:
        yield stand_in


@pytest.fixture
def pushing(runtime: Runtime, google: Google) -> Runtime:
    """The process with an account at FCM."""
    changes = {"fcm_credentials": SecretStr(google.credentials()), "fcm_base_url": google.url}
    return replace(runtime, settings=runtime.settings.model_copy(update=changes))


@dataclass
class Woken:
    """Ana's phone, up to date, and what is known of it."""

    phone: Phone
    token: str
    runtime: Runtime
    dsn: str
    google: Google

    @property
    def technician_id(self) -> UUID:
        assert self.phone.who.technician is not None
        return self.phone.who.technician.id

    @property
    def organization_id(self) -> UUID:
        return self.phone.who.person.organization_id

    def push(self, runtime: Runtime | None = None) -> None:
        """What the worker does with the task."""
        sending.push_hints(
            runtime or self.runtime, organization=str(self.organization_id), technician=str(self.technician_id)
        )

    def feed(self) -> Feed:
        with self.runtime.transaction(self.organization_id) as db:
            return db.get_one(Feed, (self.organization_id, self.technician_id))

    def device(self) -> Device:
        with self.runtime.transaction(self.organization_id) as db:
            return db.get_one(Device, (self.organization_id, self.phone.device_id))

    def tasks(self) -> list[tuple[str, Any]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(TASKS, [str(self.technician_id)]).fetchall()

    def work_off(self) -> None:
        """The queue itself runs what is due."""

        async def run() -> None:
            queue = make_queue(self.runtime, sending.TASKS, ())
            async with queue.open_async():
                await queue.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)

        asyncio.run(run())

    def heard(self) -> list[str]:
        """What its phone was sent, as `silent:<head>` and `shown:<title>`, and forget it."""
        mine = self.google.to(self.token)
        self.google.accepted.clear()
        return [
            f"shown:{one['notification']['title']}" if "notification" in one else f"silent:{one['data']['h']}"
            for one in mine
        ]


@pytest.fixture
def woken(api: CheckedClient, ana: Somebody, pushing: Runtime, dsn: str, google: Google) -> Woken:
    phone = Phone(api, ana)
    token = f"phone-{phone.device_id}"
    phone.register(push={"kind": "fcm", "token": token}, locale="en-GB")
    phone.pull()
    phone.pull()
    found = Woken(phone, token, pushing, dsn, google)
    found.work_off()
    found.heard()
    return found


def test_new_work_wakes_the_phone_and_lets_its_owner_know(woken: Woken, scene: Scene, ana: Somebody) -> None:
    scene.dispatched(ana)
    woken.work_off()

    head = woken.feed().head
    silent, shown = woken.google.to(woken.token)
    assert silent["data"] == shown["data"] == {"s": "1", "h": str(head)}
    assert "notification" not in silent
    assert shown["notification"] == {"title": "Your jobs have changed", "body": "Open the app to see what is new."}
    assert (silent["android"]["collapse_key"], shown["android"]["collapse_key"]) == ("sync", "work")
    assert woken.device().hinted_seq == head
    assert (woken.feed().push_due, woken.feed().visible_due) == (False, False)
    assert woken.tasks() == []


def test_a_change_of_known_work_is_told_without_showing_anything(woken: Woken, scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    woken.work_off()
    woken.heard()

    scene.report(visit["id"], "depart", ana)
    woken.work_off()

    assert woken.heard() == [f"silent:{woken.feed().head}"]


def test_withdrawn_work_is_shown(woken: Woken, scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    woken.work_off()
    woken.heard()

    scene.plan(visit["id"], "cancellation", {"reason": "no need", "cause": "customer"})
    woken.work_off()

    assert woken.heard() == [f"silent:{woken.feed().head}", "shown:Your jobs have changed"]


@pytest.mark.parametrize(
    ("locale", "title"), [("de-DE", "Ihre Aufträge haben sich geändert"), ("es", "Sus trabajos han cambiado"),
                          ("fi", "Your jobs have changed")]
)  # fmt: skip
def test_it_is_shown_in_the_phones_language(woken: Woken, scene: Scene, ana: Somebody, locale: str, title: str) -> None:
    woken.phone.register(push={"kind": "fcm", "token": woken.token}, locale=locale)
    scene.dispatched(ana)
    woken.work_off()

    assert woken.heard()[1:] == [f"shown:{title}"]


def test_many_changes_before_the_task_runs_are_one_push(woken: Woken, scene: Scene, ana: Somebody) -> None:
    for _ in range(3):
        scene.dispatched(ana)

    assert [status for status, _ in woken.tasks()] == ["todo"]
    woken.work_off()
    assert woken.heard() == [f"silent:{woken.feed().head}", "shown:Your jobs have changed"]


def test_a_phone_that_has_pulled_already_is_left_alone(woken: Woken, scene: Scene, ana: Somebody) -> None:
    scene.dispatched(ana)
    woken.phone.pull()
    woken.phone.pull()
    woken.work_off()

    assert woken.heard() == []
    assert not woken.feed().push_due


def gone_from_use(woken: Woken) -> None:
    woken.phone.api.delete(f"/v1/devices/{woken.phone.device_id}", headers=woken.phone.who.headers)


def revoked_by_hand(woken: Woken) -> None:
    with psycopg.connect(woken.dsn) as connection:
        connection.execute("UPDATE devices SET revoked_at = now() WHERE id = %s", [woken.phone.device_id])


def signed_out(woken: Woken) -> None:
    with psycopg.connect(woken.dsn) as connection:
        connection.execute("UPDATE sessions SET revoked_at = now() WHERE device_id = %s", [woken.phone.device_id])


def without_a_token(woken: Woken) -> None:
    woken.phone.register()


@pytest.mark.parametrize("what", [gone_from_use, revoked_by_hand, signed_out, without_a_token])
def test_a_phone_that_may_not_know_is_not_told(
    woken: Woken, scene: Scene, ana: Somebody, what: Callable[[Woken], None]
) -> None:
    scene.schedule(scene.work_order(), ana)
    what(woken)
    woken.push()

    assert woken.heard() == []
    assert not woken.feed().push_due


def test_a_phone_whose_app_is_gone_is_forgotten(woken: Woken, scene: Scene, ana: Somebody) -> None:
    scene.dispatched(ana)
    woken.google.tokens = set()
    woken.work_off()

    assert (woken.device().push_kind, woken.device().push_token) == (None, None)
    assert not woken.feed().push_due
    scene.dispatched(ana)
    assert woken.tasks() == []


def test_a_token_that_came_meanwhile_is_not_forgotten(woken: Woken, scene: Scene, ana: Somebody) -> None:
    scene.dispatched(ana)
    woken.google.tokens = set()
    woken.google.before = lambda: woken.phone.register(push={"kind": "fcm", "token": "newer"}) and None
    woken.push()

    assert woken.device().push_token == "newer"


def test_what_moves_while_phones_are_told_is_told_too(woken: Woken, scene: Scene, ana: Somebody) -> None:
    scene.dispatched(ana)
    first = woken.feed().head

    def once() -> None:
        woken.google.before = lambda: None
        scene.dispatched(ana)

    woken.google.before = once
    woken.work_off()

    assert woken.heard() == [f"silent:{first}", "shown:Your jobs have changed"]
    [(status, scheduled_at)] = woken.tasks()
    assert (status, scheduled_at is None) == ("todo", False)
    assert woken.feed().push_due
    woken.push()
    assert woken.heard() == [f"silent:{woken.feed().head}", "shown:Your jobs have changed"]
    assert not woken.feed().push_due


@pytest.mark.parametrize(
    ("answer", "seconds"), [((429, "QUOTA_EXCEEDED", {"Retry-After": "300"}), 300), ((503, "UNAVAILABLE", {}), 60)]
)
def test_when_fcm_has_no_time_the_phone_is_told_later_and_nobody_else_asks_meanwhile(
    woken: Woken, scene: Scene, ana: Somebody, answer: tuple[int, str, dict[str, str]], seconds: int
) -> None:
    scene.dispatched(ana)
    woken.google.answers = [answer]
    began = time.time()
    woken.work_off()

    [(status, scheduled_at)] = woken.tasks()
    assert status == "todo"
    assert seconds <= scheduled_at.timestamp() - began <= seconds * 1.5 + 30
    assert woken.device().hinted_seq < woken.feed().head
    scene.dispatched(ana)
    assert len(woken.tasks()) == 1, "who changes something meanwhile asks for no other"
    woken.work_off()
    assert woken.heard() == [], "it is not time yet"

    woken.push()
    assert woken.heard() == [f"silent:{woken.feed().head}", "shown:Your jobs have changed"]


def test_one_phone_in_trouble_does_not_make_the_other_ring_twice(
    woken: Woken, scene: Scene, ana: Somebody, google: Google
) -> None:
    second = Phone(woken.phone.api, ana)
    second.register(push={"kind": "fcm", "token": f"phone-{second.device_id}"})
    with psycopg.connect(woken.dsn) as connection:
        connection.execute(
            "INSERT INTO sessions (organization_id, id, person_id, device_id, created_at, last_used_at) "
            "SELECT organization_id, gen_random_uuid(), person_id, id, now(), now() FROM devices WHERE id = %s",
            [woken.phone.device_id],
        )
    scene.dispatched(ana)
    tokens = sorted((device, token) for device, token in (
        (woken.phone.device_id, woken.token), (second.device_id, f"phone-{second.device_id}")
    ))  # fmt: skip
    google.answers = [(503, "UNAVAILABLE", {})]
    woken.push()
    woken.push()

    assert [len(google.to(token)) for _, token in tokens] == [2, 2]


def test_what_fcm_refuses_for_good_is_not_asked_again(woken: Woken, scene: Scene, ana: Somebody) -> None:
    scene.dispatched(ana)
    woken.google.answers = [(400, "INVALID_ARGUMENT", {})] * 2
    woken.work_off()

    assert woken.tasks() == []
    assert not woken.feed().push_due
    assert woken.device().push_token == woken.token


def test_the_task_may_run_twice(woken: Woken, scene: Scene, ana: Somebody) -> None:
    scene.dispatched(ana)
    woken.push()
    woken.push()

    assert len(woken.heard()) == 2


def test_no_transaction_is_open_while_fcm_is_asked(woken: Woken, scene: Scene, ana: Somebody) -> None:
    seen: list[int] = []
    pool = woken.runtime.engine.pool
    scene.dispatched(ana)
    woken.google.before = lambda: seen.append(pool.checkedout())  # type: ignore[attr-defined]
    woken.push()

    assert seen == [0, 0]


def test_a_task_that_was_lost_is_asked_for_again_and_one_that_waits_is_not(
    woken: Woken, scene: Scene, ana: Somebody, organization: Organization, db: Session
) -> None:
    scene.dispatched(ana)
    sending.sweep_pushes(woken.runtime)
    assert len(woken.tasks()) == 1

    with psycopg.connect(woken.dsn) as connection:
        connection.execute(
            "DELETE FROM procrastinate_jobs WHERE args ->> 'technician' = %s", [str(woken.technician_id)]
        )
    sending.sweep_pushes(woken.runtime)

    assert [status for status, _ in woken.tasks()] == ["todo"]
    woken.work_off()
    assert len(woken.heard()) == 2


def test_without_an_account_at_fcm_nothing_waits(woken: Woken, runtime: Runtime, scene: Scene, ana: Somebody) -> None:
    scene.dispatched(ana)
    woken.push(runtime)

    assert woken.heard() == []
    assert not woken.feed().push_due
