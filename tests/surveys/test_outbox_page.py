"""The developer's page shows what would have gone out, to the developer's own machine only."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.customers.models import Channel, Contact
from app.kit.runtime import Runtime
from app.main import create_app
from app.surveys.models import Survey
from tests.surveys.conftest import Job, Jobs

pytestmark = pytest.mark.usefixtures("clock_stands")
Open = Callable[..., TestClient]


@pytest.fixture
def developer(with_settings: Callable[..., Runtime], api: TestClient) -> Open:
    """A client on the machine itself, of a program with no public address, unless said otherwise."""

    def make(
        client: tuple[str, int] = ("127.0.0.1", 50000), base_url: str = "http://127.0.0.1:8000", **settings: Any
    ) -> TestClient:
        app = create_app(with_settings(**{"public_url": None, **settings}))
        app.state.seats = api.app.state.seats  # type: ignore[attr-defined]
        return TestClient(app, base_url=base_url, client=client)

    return make


@pytest.fixture
def job(a_job: Jobs, send: Callable[..., Survey], with_settings: Callable[..., Runtime]) -> Job:
    made = a_job()
    made.invite()
    send(made, with_settings(public_url=None))
    return made


def test_the_newest_message_is_on_the_page_with_its_link(developer: Open, job: Job) -> None:
    client = developer()
    page = client.get(f"/outbox?o={job.organization_id}")
    [newest, *_] = client.get(f"/outbox.json?o={job.organization_id}").json()
    shown = client.get(f"/outbox/{newest['id']}?o={newest['organization_id']}")

    assert "cleo@example.org" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert newest["idempotency_key"] == f"survey:{job.survey().id}"
    assert f'href="http://127.0.0.1:8000{job.link()}"' in shown.text
    assert newest["created_at"].endswith("Z")


def test_the_mail_is_shown_under_a_policy_of_its_own(developer: Open, job: Job) -> None:
    client = developer()
    [newest, *_] = client.get(f"/outbox.json?o={job.organization_id}").json()
    mail = client.get(f"/outbox/{newest['id']}/html?o={newest['organization_id']}")

    assert "How did we do?" in mail.text
    assert "sandbox" in mail.headers["content-security-policy"]


def test_a_text_message_shows_how_many_segments_it_has(
    developer: Open, a_job: Jobs, cleo: Callable[..., Contact], send: Callable[..., Survey]
) -> None:
    job = a_job(cleo(channel=Channel.SMS))
    job.invite()
    send(job)
    client = developer()
    [newest, *_] = client.get(f"/outbox.json?o={job.organization_id}").json()

    assert "1 segment" in client.get(f"/outbox/{newest['id']}?o={newest['organization_id']}").text


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({"client": ("192.0.2.7", 50000)}, {}),
        ({"base_url": "http://rebound.example"}, {}),
        ({"public_url": "https://firstfix.example"}, {}),
        ({"message_webhook_url": "http://127.0.0.1:9/"}, {}),
        ({}, {"X-Forwarded-For": "192.0.2.7"}),
        ({}, {"Forwarded": "for=192.0.2.7"}),
        ({}, {"Via": "1.1 proxy"}),
    ],
)
def test_for_everybody_else_there_is_no_such_page(
    developer: Open, job: Job, options: dict[str, Any], headers: dict[str, str]
) -> None:
    client = developer(**options)
    organization_id, message_id = job.organization_id, job.survey().id

    for path in ("/outbox", "/outbox.json", f"/outbox/{message_id}?o={organization_id}"):
        assert client.get(path, headers=headers).status_code == 404


def test_no_role_opens_it(developer: Open, job: Job, ada: Any) -> None:
    client = developer(client=("192.0.2.7", 50000))

    assert client.get("/outbox", headers=ada.headers).status_code == 404


def test_with_one_real_provider_the_page_shows_what_the_other_channel_keeps(developer: Open, job: Job) -> None:
    assert developer(smtp_url=SecretStr("smtp://127.0.0.1:9")).get("/outbox").status_code == 200
