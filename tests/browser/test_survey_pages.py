"""The survey in a real Chromium: small screens, light and dark, without scripts, checked by axe."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from app.customers.models import Channel
from app.domain.surveys import Trigger
from app.identity.models import Organization
from app.kit import clock
from app.kit.messages import Channel as MessageChannel
from app.kit.outbox import latest_messages
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.surveys.commands import make_survey
from app.surveys.models import Survey, SurveyAnswer
from app.surveys.sending import send_survey
from app.surveys.texts import LANGUAGES
from tests.browser.browser import VIEWS, look, must_be_fine
from tests.served import served
from tests.surveys.conftest import Job, Jobs, a_job, cleo, with_settings  # noqa: F401

Visit = dict[str, Any]


@pytest.fixture(scope="module")
def site(settings: Settings, dsn: str) -> Iterator[Runtime]:
    """The whole application on a port of this machine."""
    with served(settings, dsn) as runtime:
        yield runtime


def a_zone_at_midday() -> str:
    """Where nobody sleeps now (these names count west of Greenwich as positive)."""
    return f"Etc/GMT{clock.now().hour - 12:+d}"


@pytest.fixture
def asked(site: Runtime, a_job: Jobs, cleo: Callable[..., Any]) -> Callable[..., Job]:  # noqa: F811
    """Makes a job whose customer has just got the link."""

    def make(**contact: Any) -> Job:
        made = a_job(cleo(time_zone=a_zone_at_midday(), **contact))
        job = Job(site, made.organization_id, made.work_order_id, made.contact_id)
        with site.transaction(job.organization_id) as db:
            make_survey(db, job.organization_id, job.work_order_id, trigger=Trigger.CLOSED, at=clock.now())
        send_survey(site, organization_id=str(job.organization_id), survey_id=str(job.survey().id))
        assert job.survey().state == "sent"
        return job

    return make


def url(job: Job, more: str = "") -> str:
    return f"{job.runtime.settings.base_url}{job.link()}{more}"


def in_every_view(address: str, folder: Path, name: str, **more: Any) -> list[Visit]:
    return [
        {
            "url": address,
            "width": width,
            "scheme": scheme,
            "screenshot": str(folder / f"{name}-{width}-{scheme}.png"),
            **more,
        }
        for width, scheme in VIEWS
    ]


def answers(job: Job) -> dict[str, Any]:
    with job.runtime.transaction(job.organization_id) as db:
        found = db.exec(select(SurveyAnswer).where(SurveyAnswer.work_order_id == job.work_order_id)).all()
        return {one.question: one.comment if one.score is None else int(one.score) for one in found}


def test_the_form_is_fine_in_every_view_and_language(asked: Callable[..., Job], tmp_path: Path) -> None:
    jobs = {language: asked(language=language) for language in LANGUAGES}
    visits = [
        visit
        for language, job in jobs.items()
        for visit in in_every_view(url(job, "?score=4"), tmp_path, f"form-{language}")
    ]

    for seen in look(*visits):
        must_be_fine(seen)
        assert seen["status"] == 200
        assert seen["checked"] == ["csat=4"]
    assert [answers(job) for job in jobs.values()] == [{}, {}, {}]


def test_a_customer_answers_without_scripts_and_sees_thanks(asked: Callable[..., Job], tmp_path: Path) -> None:
    job = asked()
    steps = [
        {"check": "input[name=csat][value='5']"},
        {"check": "input[name=nps][value='10']"},
        {"fill": ["textarea", "Quick and kind"]},
        {"click": "button"},
    ]

    [first] = look({"url": url(job), "steps": steps, "screenshot": str(tmp_path / "thanks.png")})

    must_be_fine(first)
    assert first["heading"] == "Thank you!"
    assert [request.split()[0] for request in first["requests"] if "/s/" in request] == ["GET", "POST", "GET"]
    assert answers(job) == {"csat": 5, "nps": 10, "comment": "Quick and kind"}
    for seen in look(*in_every_view(url(job), tmp_path, "thanks")):
        must_be_fine(seen)
        assert seen["checked"] == ["csat=5", "nps=10"]


def test_the_keyboard_alone_is_enough(asked: Callable[..., Job]) -> None:
    job = asked()
    keys = ["Tab", "Space", "ArrowRight", "ArrowRight", "Tab", "Tab", "Tab", "Enter"]

    [seen] = look({"url": url(job), "steps": [{"press": key} for key in keys]})

    assert seen["heading"] == "Thank you!"
    assert answers(job) == {"csat": 3}


def test_the_browser_asks_for_a_score_before_it_sends(asked: Callable[..., Job]) -> None:
    job = asked()

    [seen] = look({"url": url(job), "steps": [{"click": "button"}]})

    assert seen["heading"] == "How did we do?"
    assert [request for request in seen["requests"] if request.startswith("POST")] == []


def test_what_is_wrong_is_shown_and_announced(asked: Callable[..., Job], tmp_path: Path) -> None:
    job = asked()
    steps = [{"blank": "input[name=nonce]"}, {"check": "input[name=csat][value='2']"}, {"click": "button"}]

    for seen in look(*in_every_view(url(job), tmp_path, "trouble", steps=steps)):
        must_be_fine(seen)
        assert seen["status"] == 409
        assert "once more" in seen["text"]
    assert answers(job) == {}


def test_the_notices_are_fine_in_every_view(asked: Callable[..., Job], site: Runtime, tmp_path: Path) -> None:
    expired, unsubscribed = asked(language="de"), asked()
    with site.transaction(expired.organization_id) as db:
        query = select(Survey).where(Survey.work_order_id == expired.work_order_id)
        db.exec(query).one().expires_at = clock.now()
    pages = {
        "expired": url(expired),
        "unknown": f"{site.settings.base_url}/s/nobody",
        "unsubscribe": url(unsubscribed, "/unsubscribe"),
    }

    visits = [visit for name, address in pages.items() for visit in in_every_view(address, tmp_path, name)]
    for seen in look(*visits):
        must_be_fine(seen)
        assert seen["status"] in (200, 404, 410)


def test_the_outbox_is_fine_in_every_view(
    asked: Callable[..., Job], site: Runtime, organization: Organization, tmp_path: Path
) -> None:
    asked()
    asked(channel=Channel.SMS, language="de")
    outbox = f"{site.settings.base_url}/outbox?o={organization.id}"
    with site.transaction(organization.id) as db:
        mail = next(one for one in latest_messages(db, organization.id) if one.channel == MessageChannel.EMAIL)
    message = f"{site.settings.base_url}/outbox/{mail.id}?o={organization.id}"

    visits = in_every_view(outbox, tmp_path, "outbox") + in_every_view(message, tmp_path, "message")
    for seen in look(*visits):
        must_be_fine(seen)


def test_with_scripts_allowed_there_is_still_none(asked: Callable[..., Job]) -> None:
    [seen] = look({"url": url(asked()), "javascript": True, "width": 390})

    must_be_fine(seen)
