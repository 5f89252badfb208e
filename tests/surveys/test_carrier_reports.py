"""What Twilio reports about a text is believed when Twilio signed it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.customers.models import Channel, Contact
from app.kit.runtime import Runtime
from app.main import create_app
from app.surveys.models import Survey
from tests.conftest import CheckedClient
from tests.kit.twilio_stand_in import ACCOUNT, TOKEN, Twilio, twilio_stand_in
from tests.openapi_check import Contract
from tests.surveys.conftest import MORNING, Job, Jobs

pytestmark = pytest.mark.usefixtures("clock_stands")


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


@pytest.fixture
def reported_to(by_twilio: Runtime, api: TestClient) -> CheckedClient:
    """The application with these settings, beside the one that all tests share."""
    app = create_app(by_twilio)
    app.state.seats = api.app.state.seats  # type: ignore[attr-defined]
    client = CheckedClient(app, follow_redirects=False)
    client.contract = Contract(app.openapi())
    return client


@pytest.fixture
def texted(
    a_job: Jobs, cleo: Callable[..., Contact], send: Callable[..., Survey], by_twilio: Runtime, twilio: Twilio
) -> Job:
    job = a_job(cleo(channel=Channel.SMS))
    job.invite()
    assert send(job, by_twilio).state == "sent"
    return job


def test_a_delivered_text_is_noted_once(reported_to: Any, texted: Job, twilio: Twilio) -> None:
    for _ in range(2):
        assert twilio.report(reported_to, twilio.accepted[0], "delivered").status_code == 204

    survey = texted.survey()
    assert (survey.state, survey.delivered_at) == ("delivered", MORNING)


def test_a_text_that_never_arrived_is_noted_with_the_carrier_s_reason(
    reported_to: Any, texted: Job, twilio: Twilio
) -> None:
    twilio.report(reported_to, twilio.accepted[0], "undelivered", ErrorCode="30003")

    survey = texted.survey()
    assert (survey.state, survey.last_error, survey.bounced_at) == ("failed", "carrier-30003", MORNING)


def test_a_report_clears_up_what_was_uncertain(
    a_job: Jobs,
    cleo: Callable[..., Contact],
    send: Callable[..., Survey],
    by_twilio: Runtime,
    twilio: Twilio,
    reported_to: Any,
) -> None:
    twilio.illness = "answer-lost"
    job = a_job(cleo(channel=Channel.SMS))
    job.invite()
    assert send(job, by_twilio).state == "uncertain"

    twilio.report(reported_to, twilio.accepted[0], "sent")

    assert job.survey().state == "sent"
    assert job.survey().provider_id == twilio.accepted[0]["sid"]


def test_reports_in_the_wrong_order_do_not_go_back(reported_to: Any, texted: Job, twilio: Twilio) -> None:
    for status in ("delivered", "sent", "queued"):
        twilio.report(reported_to, twilio.accepted[0], status)

    assert texted.survey().state == "delivered"


@pytest.mark.parametrize("signature", ["", "AAAA", "ü"])
def test_a_report_that_twilio_did_not_sign_changes_nothing(
    reported_to: Any, texted: Job, twilio: Twilio, signature: str
) -> None:
    path = twilio.accepted[0]["StatusCallback"].removeprefix("https://firstfix.example")
    answered = reported_to.post(
        path,
        data={"MessageSid": "SM1", "MessageStatus": "delivered"},
        headers={"X-Twilio-Signature": signature.encode()},
    )

    assert answered.status_code == 403
    assert answered.json()["code"] == "signature-invalid"
    assert texted.survey().state == "sent"


def test_a_report_signed_for_one_survey_is_not_believed_about_another(
    reported_to: Any, texted: Job, twilio: Twilio, a_job: Jobs
) -> None:
    other = a_job()
    other.invite()
    message = twilio.accepted[0]
    genuine = twilio.report(reported_to, message, "delivered").request
    moved = str(genuine.url).replace(str(texted.survey().id), str(other.survey().id))

    answered = reported_to.post(
        moved.removeprefix("http://testserver"), content=genuine.content, headers=dict(genuine.headers)
    )

    assert answered.status_code == 403
    assert other.survey().delivered_at is None


def test_without_twilio_nobody_may_report(api: TestClient, texted: Job, twilio: Twilio) -> None:
    assert twilio.report(api, twilio.accepted[0], "delivered").status_code == 403  # type: ignore[arg-type]
