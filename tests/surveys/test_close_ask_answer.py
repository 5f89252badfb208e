"""The whole way: Ana closes the job, the mail arrives at an SMTP server, Cleo answers through the link in it."""

import re
from collections.abc import Callable
from typing import Any, cast

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.customers.models import Contact
from app.identity.models import Organization
from app.kit import clock
from app.kit.runtime import Runtime
from app.surveys.models import Survey
from tests.conftest import Somebody
from tests.field import make_job
from tests.kit.test_mail import Mailbox, a_server, stopped
from tests.surveys.conftest import Job, Web
from tests.surveys.test_survey_link import nonce_of

Closing = Callable[[], Job]


@pytest.fixture
def closed_by_ana(
    api: TestClient, runtime: Runtime, organization: Organization, ana: Somebody, cleo: Callable[..., Contact]
) -> Closing:
    """Ana submits the closure of a visit at Cleo's, where it is midday."""

    def close() -> Job:
        contact = cleo(time_zone=f"Etc/GMT{clock.now().hour - 12:+d}")
        assert ana.technician is not None
        work = make_job(
            runtime, organization.id, ana.technician.id, customer_id=contact.customer_id, contact_id=contact.id
        )
        body = {"id": str(contact.id), "occurred_at": clock.now().isoformat()}
        answer = api.post(f"/v1/visits/{work.visit_id}/closure", json=body, headers=ana.headers)
        assert answer.status_code in (200, 201), answer.text
        assert work.work_order().status == "closed"
        return Job(runtime, organization.id, work.work_order_id, contact.id)

    return close


def test_closing_asks_the_customer_whose_answer_the_office_reads(
    api: TestClient,
    web: Web,
    closed_by_ana: Closing,
    send: Callable[..., Survey],
    with_settings: Callable[..., Runtime],
    dana: Somebody,
) -> None:
    mailbox = Mailbox()
    server = a_server(mailbox)
    job = closed_by_ana()
    try:
        send(job, with_settings(smtp_url=SecretStr(f"smtp://127.0.0.1:{server.port}")))
    finally:
        stopped(server)
    [mail] = mailbox.mails
    text = cast(Any, next(iter(mail.iter_parts()))).get_content()
    [link] = re.findall(r"http://testserver(/s/[\w-]+)\s", text)

    nonce = nonce_of(web.get(link).text)
    assert web.post(link, {"nonce": nonce, "csat": "5", "comment": "Warm again"}).status_code == 303

    [survey] = api.get(f"/v1/surveys?work_order_id={job.work_order_id}", headers=dana.headers).json()["items"]
    assert survey["state"] == "answered"
    shown = api.get(f"/v1/surveys/{survey['id']}", headers=dana.headers).json()
    assert [answer["comment"] for answer in shown["answers"]] == [None, "Warm again"]


def test_a_provider_that_is_down_never_stands_in_the_way_of_closing(
    closed_by_ana: Closing, send: Callable[..., Survey], with_settings: Callable[..., Runtime]
) -> None:
    job = closed_by_ana()

    survey = send(job, with_settings(smtp_url=SecretStr("smtp://127.0.0.1:9")))

    assert (survey.state, survey.attempts) == ("due", 1)
