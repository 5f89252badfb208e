"""What customers must be told leaves once, whatever the provider does, and never against their no."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlmodel import Session, select

from app.customers.models import Channel, Contact, ContactConsent
from app.kit import sending
from app.kit.ids import uuid7
from app.kit.messages import Channel as MessageChannel
from app.kit.messages import Message, Outcome, Refused, Sent, TryLater, Uncertain
from app.kit.outbox import OutboxMessage
from app.kit.runtime import Runtime
from app.kit.senders import Senders
from app.messages.commands import send_message
from app.messages.letters import Letter, Parts, as_html, as_text
from app.messages.models import CustomerMessage
from app.messages.sending import MESSAGES, send_one
from tests.conftest import CheckedClient, Somebody
from tests.field import Job
from tests.surveys.conftest import MORNING

Cleo = Callable[..., Contact]
pytestmark = pytest.mark.usefixtures("clock_stands")


@dataclass
class Provider:
    """Somebody else's server: answers with `outcomes` in turn, then takes everything."""

    outcomes: list[Outcome] = field(default_factory=list)
    idempotent: bool = False
    name: str = "provider"
    messages: list[Message] = field(default_factory=list)

    def send(self, message: Message) -> Outcome:
        self.messages.append(message)
        return self.outcomes.pop(0) if self.outcomes else Sent(f"m-{len(self.messages)}")


LETTER = Letter(
    title="News", greeting="Hello <Cleo>,", lines=("the <b>pump</b> is here.",), button=("Look", "http://x/y")
)


def compose(db: Session, message: CustomerMessage, to: Any) -> Parts | None:
    """Says what it was given; nothing when that is empty."""
    if not message.data.get("what"):
        return None
    text = f"{to.company}: {message.data['what']}"
    html = as_html(LETTER, company=to.company, language=message.language)
    return Parts(subject="News\nBcc: all", text=text, html=html, sms=text, at_once=bool(message.data.get("at_once")))


@dataclass(frozen=True)
class Told:
    """A message to Cleo about a job, through this process."""

    runtime: Runtime
    job: Job

    def tell(self, *, subject: UUID | None = None, at: datetime = MORNING, **more: Any) -> UUID | None:
        with self.runtime.transaction(self.job.organization_id) as db:
            return send_message(
                db,
                organization_id=self.job.organization_id,
                work_order_id=self.job.work_order_id,
                visit_id=self.job.visit_id,
                kind="news",
                subject_id=subject or uuid7(),
                data={"what": "hello", **more.pop("data", {})},
                at=at,
                **more,
            )

    def send(self, message_id: UUID | None) -> CustomerMessage:
        assert message_id is not None
        send_one(self.runtime, organization_id=str(self.job.organization_id), message_id=str(message_id))
        return self.row(message_id)

    def row(self, message_id: UUID | None) -> CustomerMessage:
        with self.runtime.transaction(self.job.organization_id) as db:
            return db.get_one(CustomerMessage, (self.job.organization_id, message_id))

    def sweep(self, at: datetime) -> None:
        with self.runtime.transaction(self.job.organization_id) as db:
            sending.sweep_organization(db, MESSAGES, self.job.organization_id, at=at)


@pytest.fixture
def told(runtime: Runtime, new_job: Callable[..., Job], cleo: Cleo) -> Callable[..., Told]:
    """Makes a job of Cleo's, through a process whose provider is this one."""

    def make(provider: Provider | None = None, **contact: Any) -> Told:
        with time_machine.travel(MORNING - timedelta(days=1), tick=False):
            job = new_job(contact_id=cleo(**contact).id if contact != {"nobody": True} else None)
        through = replace(runtime, composers={"news": compose})
        if provider is not None:
            through.senders = Senders(dict.fromkeys(MessageChannel, provider))
        return Told(through, job)

    return make


def test_without_a_provider_it_is_in_the_outbox(told: Callable[..., Told], db: Session) -> None:
    cleos = told()

    row = cleos.send(cleos.tell())

    assert (row.state, row.sent_at, row.provider, row.channel) == ("sent", MORNING, "outbox", "email")
    query = select(OutboxMessage).where(OutboxMessage.organization_id == cleos.job.organization_id)
    sent = db.exec(query).one()
    assert (sent.to, sent.text, sent.headers) == ("cleo@example.org", "Nord Service: hello", {})
    assert "\n" not in sent.subject
    assert "Hello &lt;Cleo&gt;," in sent.html
    assert "<b>" not in sent.html


def test_the_same_thing_is_told_once(told: Callable[..., Told]) -> None:
    provider = Provider()
    cleos, subject = told(provider), uuid7()

    first, again = cleos.tell(subject=subject), cleos.tell(subject=subject)
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: cleos.send(first), range(12)))

    assert again is None
    assert len(provider.messages) == 1


@pytest.mark.parametrize(
    ("contact", "asked", "channel", "to"),
    [
        ({}, None, "email", "cleo@example.org"),
        ({"channel": "sms"}, None, "sms", "+49301234567"),
        ({}, Channel.SMS, "sms", "+49301234567"),
        ({"phone": None}, Channel.SMS, "email", "cleo@example.org"),
        ({"channel": "sms", "phone": None}, None, "email", "cleo@example.org"),
    ],
)
def test_it_goes_by_the_channel_that_is_asked_for_and_there(
    told: Callable[..., Told], contact: dict[str, Any], asked: Channel | None, channel: str, to: str
) -> None:
    provider = Provider()
    cleos = told(provider, **contact)

    cleos.send(cleos.tell(channel=asked))

    assert [(one.channel, one.to) for one in provider.messages] == [(channel, to)]


@pytest.mark.parametrize(
    ("contact", "reason"),
    [
        ({"nobody": True}, "no_contact"),
        ({"email": None, "phone": None}, "no_contact"),
        ({"channel": "none"}, "opted_out"),
    ],
)
def test_what_cannot_or_may_not_be_sent_is_a_row_that_says_why(
    told: Callable[..., Told], contact: dict[str, Any], reason: str
) -> None:
    provider = Provider()
    cleos = told(provider, **contact)

    row = cleos.send(cleos.tell())

    assert (row.state, row.last_error, row.due_at) == ("suppressed", reason, None)
    assert provider.messages == []


def test_a_no_counts_when_the_message_is_sent(told: Callable[..., Told]) -> None:
    provider = Provider()
    cleos = told(provider)
    message_id = cleos.tell()
    row = cleos.row(message_id)
    no = {"contact_id": row.contact_id, "channel": "email", "source": "phone call", "at": MORNING}
    cleos.job.add(ContactConsent(organization_id=cleos.job.organization_id, state="withdrawn", **no))

    after = cleos.send(message_id)

    assert (after.state, after.last_error) == ("suppressed", "opted_out")
    assert provider.messages == []


def test_what_is_outdated_is_not_told_any_more(told: Callable[..., Told]) -> None:
    provider = Provider()
    cleos = told(provider)

    row = cleos.send(cleos.tell(data={"what": ""}))

    assert (row.state, row.last_error) == ("suppressed", "outdated")
    assert provider.messages == []


def test_it_waits_for_the_morning_unless_somebody_is_on_the_way(
    told: Callable[..., Told], clock_stands: time_machine.Traveller
) -> None:
    provider = Provider()
    cleos = told(provider)
    night = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
    clock_stands.move_to(night)

    waiting = cleos.send(cleos.tell(at=night))
    urgent = cleos.send(cleos.tell(at=night, data={"at_once": True}))

    assert (waiting.state, waiting.due_at) == ("due", datetime(2026, 11, 24, 7, 0, tzinfo=UTC))
    assert urgent.state == "sent"


def test_what_fails_for_now_is_tried_again_and_arrives_once(
    told: Callable[..., Told], clock_stands: time_machine.Traveller
) -> None:
    provider = Provider([TryLater("smtp-451"), TryLater("twilio-429", 120)])
    cleos = told(provider)
    message_id = cleos.tell()

    first = cleos.send(message_id)
    assert (first.state, first.due_at, first.last_error) == ("due", MORNING + timedelta(seconds=15), "smtp-451")
    assert cleos.send(message_id).attempts == 1
    clock_stands.shift(15)
    assert cleos.send(message_id).due_at == MORNING + timedelta(seconds=15 + 120)
    clock_stands.shift(120)
    assert cleos.send(message_id).state == "sent"

    assert len({(one.idempotency_key, one.text, one.html) for one in provider.messages}) == 1


def test_who_cannot_be_reached_for_days_is_not_told_any_more(
    told: Callable[..., Told], clock_stands: time_machine.Traveller
) -> None:
    cleos = told(Provider([TryLater("down")]))
    message_id = cleos.tell()
    cleos.send(message_id)
    clock_stands.shift(timedelta(days=3, seconds=1))

    row = cleos.send(message_id)

    assert (row.state, row.last_error) == ("failed", "gave-up: down")


@pytest.mark.parametrize(
    ("outcome", "idempotent", "state"),
    [
        (Refused("smtp-550"), False, "failed"),
        (Uncertain("ReadTimeout"), False, "uncertain"),
        (Uncertain("ReadTimeout"), True, "due"),
    ],
)
def test_what_becomes_of_it_depends_on_what_the_provider_says(
    told: Callable[..., Told], outcome: Outcome, idempotent: bool, state: str
) -> None:
    provider = Provider([outcome], idempotent=idempotent)
    cleos = told(provider)
    message_id = cleos.tell()

    row = cleos.send(message_id)
    cleos.send(message_id)

    assert row.state == state
    assert len(provider.messages) == (2 if state == "due" else 1)


@pytest.mark.parametrize(("idempotent", "state"), [(True, "due"), (False, "uncertain")])
def test_what_a_dead_worker_left_behind_is_cleared_up_within_a_minute(
    told: Callable[..., Told], idempotent: bool, state: str
) -> None:
    cleos = told(Provider(idempotent=idempotent))
    message_id = cleos.tell()
    assert message_id is not None
    with cleos.runtime.transaction(cleos.job.organization_id) as db:
        assert sending.claim(db, MESSAGES, cleos.job.organization_id, message_id, at=MORNING) is not None

    cleos.sweep(MORNING + timedelta(seconds=30))
    assert cleos.row(message_id).state == "sending"
    cleos.sweep(MORNING + timedelta(seconds=45))

    assert cleos.row(message_id).state == state


def test_the_office_sees_what_was_told_and_not_what_it_said(
    told: Callable[..., Told], api: CheckedClient, dana: Somebody, ana: Somebody
) -> None:
    cleos = told()
    cleos.send(cleos.tell(data={"what": "the secret is 482913"}))
    cleos.tell()
    path = f"/v1/work-orders/{cleos.job.work_order_id}/messages"

    listed = api.get(path, headers=dana.headers)
    refused = api.get(path, headers=ana.headers)

    assert sorted(one["state"] for one in listed.json()["items"]) == ["due", "sent"]
    assert "482913" not in listed.text
    assert refused.status_code == 403


def test_a_letter_is_the_same_in_words_and_in_style() -> None:
    letter = replace(LETTER, figure="482913", facts=(("Work order", "WO-1"),), after=("Bye",), or_open="Or:")

    text, html = as_text(letter, company="Nord"), as_html(letter, company="Nord", language="de")

    for words in ("482913", "http://x/y", "Bye", "Nord", "WO-1"):
        assert words in text
        assert words in html
    assert '<html lang="de" dir="ltr">' in html
    assert "<script" not in html


def test_who_wants_nothing_any_more_gets_nothing_that_was_on_its_way(told: Callable[..., Told]) -> None:
    provider = Provider()
    cleos = told(provider)
    message_id = cleos.tell()
    with cleos.runtime.transaction(cleos.job.organization_id) as db:
        contact = db.get_one(Contact, (cleos.job.organization_id, cleos.row(message_id).contact_id))
        contact.channel = Channel.NONE
        db.add(contact)

    after = cleos.send(message_id)

    assert (after.state, after.last_error) == ("suppressed", "opted_out")
    assert provider.messages == []
