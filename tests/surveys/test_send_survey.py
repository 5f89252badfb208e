"""Each invitation leaves once, whatever the provider does."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pydantic import SecretStr
from sqlmodel import Session, select

from app.customers.models import Channel, Contact, ContactConsent
from app.kit.messages import Channel as MessageChannel
from app.kit.messages import Message, Outcome, Refused, Sent, TryLater, Uncertain
from app.kit.outbox import OutboxMessage
from app.kit.runtime import Runtime
from app.kit.senders import Senders
from app.kit.sending import claim, sweep_organization
from app.surveys.models import Survey
from app.surveys.sending import SURVEYS
from tests.kit.test_mail import Mailbox, a_server, stopped
from tests.kit.twilio_stand_in import ACCOUNT, TOKEN, Twilio, twilio_stand_in
from tests.surveys.conftest import MORNING, Job, Jobs

Send = Callable[..., Survey]

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


@pytest.fixture
def through(with_settings: Callable[..., Runtime]) -> Callable[[Provider], Runtime]:
    def make(provider: Provider) -> Runtime:
        runtime = with_settings()
        runtime.senders = Senders(dict.fromkeys(MessageChannel, provider))
        return runtime

    return make


def sweep(job: Job, runtime: Runtime, at: datetime) -> None:
    with runtime.transaction(job.organization_id) as db:
        sweep_organization(db, SURVEYS, job.organization_id, at=at)


def test_without_a_provider_the_message_is_in_the_outbox(a_job: Jobs, send: Send, db: Session) -> None:
    job = a_job()
    job.invite()

    survey = send(job)

    assert (survey.state, survey.sent_at, survey.provider) == ("sent", MORNING, "outbox")
    assert survey.expires_at == MORNING + timedelta(days=30)
    [message] = db.exec(select(OutboxMessage).where(OutboxMessage.organization_id == job.organization_id)).all()
    assert message.to == "cleo@example.org"
    assert f"http://testserver{job.link()}" in message.text
    assert f"{job.link()}?score=5" in message.html
    assert message.headers["List-Unsubscribe"] == f"<http://testserver{job.link()}/unsubscribe>"


def test_the_queue_does_it_by_itself(a_job: Jobs, work_off: Callable[[], None]) -> None:
    job = a_job()
    job.invite()

    work_off()

    assert job.survey().state == "sent"


def test_a_second_nudge_sends_nothing(a_job: Jobs, send: Send, through: Callable[[Provider], Runtime]) -> None:
    provider = Provider()
    runtime = through(provider)
    job = a_job()
    job.invite()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: send(job, runtime), range(12)))

    assert len(provider.messages) == 1


def test_what_fails_for_now_is_tried_again_and_arrives_once(
    a_job: Jobs, send: Send, through: Callable[[Provider], Runtime], clock_stands: time_machine.Traveller
) -> None:
    provider = Provider([TryLater("smtp-451"), TryLater("twilio-429", 120)])
    runtime = through(provider)
    job = a_job()
    job.invite()

    first = send(job, runtime)
    assert (first.state, first.due_at, first.last_error) == ("due", MORNING + timedelta(seconds=15), "smtp-451")
    assert send(job, runtime).attempts == 1
    clock_stands.shift(15)
    second = send(job, runtime)
    assert second.due_at == MORNING + timedelta(seconds=15 + 120)
    clock_stands.shift(120)
    assert send(job, runtime).state == "sent"

    assert len({message.idempotency_key for message in provider.messages}) == 1
    assert len({message.text for message in provider.messages}) == 1


def test_what_is_refused_is_not_tried_again(
    a_job: Jobs, send: Send, through: Callable[[Provider], Runtime], clock_stands: time_machine.Traveller
) -> None:
    provider = Provider([Refused("smtp-550")])
    runtime = through(provider)
    job = a_job()
    job.invite()

    survey = send(job, runtime)
    clock_stands.shift(3600)
    sweep(job, runtime, MORNING + timedelta(hours=1))
    send(job, runtime)

    assert (survey.state, survey.last_error) == ("failed", "smtp-550")
    assert len(provider.messages) == 1


def test_what_is_uncertain_is_never_sent_again_by_a_provider_without_keys(
    a_job: Jobs, send: Send, through: Callable[[Provider], Runtime], clock_stands: time_machine.Traveller
) -> None:
    provider = Provider([Uncertain("ReadTimeout")])
    runtime = through(provider)
    job = a_job()
    job.invite()

    survey = send(job, runtime)
    clock_stands.shift(86400)
    sweep(job, runtime, MORNING + timedelta(days=1))
    send(job, runtime)

    assert (survey.state, survey.last_error) == ("uncertain", "ReadTimeout")
    assert len(provider.messages) == 1


def test_what_is_uncertain_is_asked_again_with_the_same_key_where_keys_are_honored(
    a_job: Jobs, send: Send, through: Callable[[Provider], Runtime]
) -> None:
    provider = Provider([Uncertain("ReadTimeout")], idempotent=True)
    runtime = through(provider)
    job = a_job()
    job.invite()

    send(job, runtime)

    assert send(job, runtime).state == "sent"
    assert len({message.idempotency_key for message in provider.messages}) == 1


@pytest.mark.parametrize(("idempotent", "state"), [(True, "due"), (False, "uncertain")])
def test_what_a_dead_worker_left_behind_is_cleared_up_within_a_minute(
    a_job: Jobs, through: Callable[[Provider], Runtime], idempotent: bool, state: str
) -> None:
    runtime = through(Provider(idempotent=idempotent))
    job = a_job()
    survey_id = job.invite()
    assert survey_id is not None
    with runtime.transaction(job.organization_id) as db:
        assert claim(db, SURVEYS, job.organization_id, survey_id, at=MORNING) is not None

    sweep(job, runtime, MORNING + timedelta(seconds=30))
    assert job.survey().state == "sending"
    sweep(job, runtime, MORNING + timedelta(seconds=45))

    assert job.survey().state == state


def test_a_lost_nudge_is_repeated(a_job: Jobs, runtime: Runtime, work_off: Callable[[], None], db: Session) -> None:
    import sqlalchemy as sa

    job = a_job()
    job.invite()
    db.connection().execute(sa.text("DELETE FROM procrastinate_jobs"))
    db.commit()

    sweep(job, runtime, MORNING + timedelta(minutes=1))
    work_off()
    assert job.survey().state == "due"
    sweep(job, runtime, MORNING + timedelta(minutes=6))
    work_off()

    assert job.survey().state == "sent"


def test_consent_counts_when_the_message_is_sent(
    a_job: Jobs, cleo: Callable[..., Contact], send: Send, runtime: Runtime, through: Callable[[Provider], Runtime]
) -> None:
    provider = Provider()
    contact = cleo()
    job = a_job(contact)
    job.invite()
    with runtime.transaction(job.organization_id) as db:
        db.add(
            ContactConsent(
                organization_id=job.organization_id,
                contact_id=contact.id,
                channel=Channel.EMAIL,
                state="withdrawn",
                source="phone call",
                at=MORNING,
            )
        )

    survey = send(job, through(provider))

    assert (survey.state, survey.suppressed_reason) == ("suppressed", "opted_out")
    assert provider.messages == []


def test_what_is_retried_into_the_night_waits_for_the_morning(
    a_job: Jobs, send: Send, through: Callable[[Provider], Runtime], clock_stands: time_machine.Traveller
) -> None:
    provider = Provider([TryLater("down")])
    runtime = through(provider)
    job = a_job()
    job.invite()
    send(job, runtime)

    clock_stands.move_to(datetime(2026, 11, 23, 21, 30, tzinfo=UTC))
    survey = send(job, runtime)

    assert (survey.state, survey.due_at) == ("due", datetime(2026, 11, 24, 7, 0, tzinfo=UTC))
    assert len(provider.messages) == 1


def test_two_surveys_of_one_contact_that_were_made_at_once_ask_once(
    a_job: Jobs, cleo: Callable[..., Contact], send: Send, runtime: Runtime, through: Callable[[Provider], Runtime]
) -> None:
    provider = Provider()
    contact = cleo()
    one, other = a_job(contact), a_job(contact)
    with runtime.transaction(one.organization_id) as first, runtime.transaction(one.organization_id) as second:
        from app.domain.surveys import Trigger
        from app.surveys.commands import make_survey

        for db, job in ((first, one), (second, other)):
            make_survey(db, job.organization_id, job.work_order_id, trigger=Trigger.CLOSED, at=MORNING)

    states = [send(job, through(provider)).state for job in (one, other)]

    assert sorted(states) == ["sent", "suppressed"]
    assert len(provider.messages) == 1


def test_the_mail_is_really_received_by_an_smtp_server(
    a_job: Jobs, cleo: Callable[..., Contact], send: Send, with_settings: Callable[..., Runtime]
) -> None:
    mailbox = Mailbox()
    controller = a_server(mailbox)
    runtime = with_settings(
        smtp_url=SecretStr(f"smtp://127.0.0.1:{controller.port}"), mail_from="Nord Service <jobs@nord.example>"
    )
    job = a_job(cleo(language="de", name="Cleo Müller"))
    job.invite()
    try:
        survey = send(job, runtime)
    finally:
        stopped(controller)

    [mail] = mailbox.mails
    assert (survey.state, survey.provider) == ("sent", "smtp")
    assert survey.provider_id == mail["Message-ID"]
    assert mail["Subject"].startswith("Wie waren wir? Oven repair (WO-")
    assert mail["From"] == "Nord Service <jobs@nord.example>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = (part.get_content() for part in mail.iter_parts())  # type: ignore[attr-defined]
    assert "Guten Tag Cleo Müller," in text
    assert f"http://testserver{job.link()}" in text
    assert 'lang="de"' in html
    assert "<style" not in html


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    with twilio_stand_in() as stand_in:
        yield stand_in


@pytest.fixture
def by_twilio(twilio: Twilio, with_settings: Callable[..., Runtime]) -> Runtime:
    return with_settings(
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=SecretStr(TOKEN),
        twilio_from="+15005550006",
        twilio_base_url=twilio.url,
        public_url="https://firstfix.example",
    )


def test_a_text_goes_through_twilio_in_the_contact_s_language(
    a_job: Jobs, cleo: Callable[..., Contact], send: Send, twilio: Twilio, by_twilio: Runtime
) -> None:
    job = a_job(cleo(channel=Channel.SMS, language="es"))
    job.invite()

    survey = send(job, by_twilio)

    [message] = twilio.accepted
    assert (survey.state, survey.provider, survey.provider_id) == ("sent", "twilio", message["sid"])
    assert message["To"] == "+49301234567"
    assert "¿Qué tal lo hicimos?" in message["Body"]
    assert f"https://firstfix.example{job.link()}" in message["Body"]
    assert message["StatusCallback"].endswith(f"organization={job.organization_id}&survey={survey.id}")


def test_a_text_whose_answer_was_lost_went_out_once(
    a_job: Jobs, cleo: Callable[..., Contact], send: Send, twilio: Twilio, by_twilio: Runtime
) -> None:
    twilio.illness = "answer-lost"
    job = a_job(cleo(channel=Channel.SMS))
    job.invite()

    assert send(job, by_twilio).state == "uncertain"
    twilio.illness = ""
    sweep(job, by_twilio, MORNING + timedelta(hours=1))
    assert send(job, by_twilio).state == "uncertain"

    assert len(twilio.accepted) == 1


def test_the_provider_of_the_operator_gets_the_key(
    a_job: Jobs, send: Send, with_settings: Callable[..., Runtime]
) -> None:
    from tests.kit.test_message_webhook import a_provider

    with a_provider() as provider:
        job = a_job()
        job.invite()
        survey = send(job, with_settings(message_webhook_url=provider.url))

    assert (survey.state, survey.provider_id) == ("sent", "m-1")
    assert list(provider.seen) == [f"{job.organization_id}:survey:{survey.id}"]
