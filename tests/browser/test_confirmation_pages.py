"""The question whether the work is done, and the code, in a real Chromium: small, light and dark, without scripts."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from app.closure.codes import digits_of
from app.closure.models import CustomerCode, CustomerConfirmation
from app.kit import clock
from app.kit.outbox import OutboxMessage
from app.kit.runtime import Runtime
from app.messages.models import CustomerMessage
from app.messages.sending import send_one
from app.visits.models import Visit
from tests.browser.browser import look, must_be_fine
from tests.browser.test_survey_pages import a_zone_at_midday, in_every_view, site  # noqa: F401
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, make_job
from tests.surveys.conftest import cleo  # noqa: F401

LONG = "Kältekreislauf-Inspektionsprotokollierung und Donaudampfschifffahrtsgesellschaftskapitänskajüte"


@pytest.fixture
def work(site: Runtime, api: CheckedClient, ana: Somebody, cleo: Callable[..., Any]) -> Callable[..., Job]:  # noqa: F811
    """Ana has done work for Cleo, who has got the messages about it."""

    def make(rule: dict[str, Any], *, title: str = "Oven is cold", done: bool = True, **contact: Any) -> Job:
        assert ana.technician is not None
        whom = cleo(time_zone=a_zone_at_midday(), **contact)
        policy = {"id": "p", "rules": [{"id": "r", **rule}]}
        job = make_job(site, whom.organization_id, ana.technician.id, policy=policy, contact_id=whom.id)
        if done:
            submit(api, job, ana)
        with site.transaction(job.organization_id) as db:
            messages = db.exec(select(CustomerMessage).where(CustomerMessage.visit_id == job.visit_id)).all()
        for message in messages:
            send_one(site, organization_id=str(job.organization_id), message_id=str(message.id))
        return job

    return make


def submit(api: CheckedClient, job: Job, who: Somebody) -> None:
    from tests.closure.test_submit_closure import a_closure

    body = a_closure(resolution_code="pump_replaced")
    answer = api.post(f"/v1/visits/{job.visit_id}/closure", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text


def url(job: Job, page: str) -> str:
    """Where the message about this job leads."""
    with job.runtime.transaction(job.organization_id) as db:
        told = db.exec(select(CustomerMessage.id).where(CustomerMessage.visit_id == job.visit_id)).one()
        sent = db.exec(select(OutboxMessage).where(OutboxMessage.idempotency_key == f"message:{told}")).one()
    found = re.search(rf"http\S+/{page}/\S+", sent.text)
    assert found
    return found[0]


def answer_of(job: Job) -> tuple[str | None, str | None]:
    with job.runtime.transaction(job.organization_id) as db:
        row = db.exec(select(CustomerConfirmation).where(CustomerConfirmation.visit_id == job.visit_id)).one()
        return row.answer, row.comment


CONFIRM = {"kind": "customer_confirm"}
CODE = {"kind": "customer_code", "params": {"channel": "shown"}}


def test_the_question_is_fine_in_every_view_and_language(work: Callable[..., Job], tmp_path: Path) -> None:
    jobs = {language: work(CONFIRM, language=language) for language in ("en", "de")}
    visits = [
        visit
        for language, job in jobs.items()
        for visit in in_every_view(url(job, "confirm"), tmp_path, f"confirm-{language}")
    ]

    for seen in look(*visits):
        must_be_fine(seen)
        assert seen["status"] == 200
        assert seen["checked"] == []
    assert [answer_of(job) for job in jobs.values()] == [(None, None)] * 2


def test_a_customer_says_no_without_scripts(work: Callable[..., Job], tmp_path: Path) -> None:
    job = work(CONFIRM)
    steps = [
        {"check": "input[name=answer][value=no]"},
        {"fill": ["textarea", "It is cold again.\nPlease call."]},
        {"click": "button"},
    ]

    [first] = look({"url": url(job, "confirm"), "steps": steps})

    must_be_fine(first)
    assert first["heading"] == "Thank you!"
    assert [request.split()[0] for request in first["requests"] if "/confirm/" in request] == ["GET", "POST", "GET"]
    assert answer_of(job) == ("no", "It is cold again.\nPlease call.")
    for seen in look(*in_every_view(url(job, "confirm"), tmp_path, "said")):
        must_be_fine(seen)


def test_the_browser_asks_for_yes_or_no_before_it_sends(work: Callable[..., Job]) -> None:
    [seen] = look({"url": url(work(CONFIRM), "confirm"), "steps": [{"click": "button"}]})

    assert seen["heading"] == "Is the work done?"
    assert [request for request in seen["requests"] if request.startswith("POST")] == []


def test_what_is_wrong_is_shown_and_what_was_typed_stays(work: Callable[..., Job], tmp_path: Path) -> None:
    job = work(CONFIRM)
    steps = [
        {"blank": "input[name=nonce]"},
        {"check": "input[name=answer][value=yes]"},
        {"fill": ["textarea", LONG]},
        {"click": "button"},
    ]

    for seen in look(*in_every_view(url(job, "confirm"), tmp_path, "trouble", steps=steps)):
        must_be_fine(seen)
        assert seen["status"] == 409
        assert seen["checked"] == ["answer=yes"]
        assert "once more" in seen["text"]
    assert answer_of(job) == (None, None)


def test_the_code_and_the_notices_are_fine_in_every_view(
    work: Callable[..., Job],
    site: Runtime,  # noqa: F811
    tmp_path: Path,
) -> None:
    shown, gone = work(CODE, done=False), work(CODE, done=False, language="de")
    with site.transaction(shown.organization_id) as db:
        code = db.exec(select(CustomerCode).where(CustomerCode.visit_id == shown.visit_id)).one()
        digits = digits_of(db, code)
        db.exec(select(CustomerCode).where(CustomerCode.visit_id == gone.visit_id)).one().expires_at = clock.now()
        assert db.get_one(Visit, (gone.organization_id, gone.visit_id)).status == "in_progress"
    pages = {
        "code": url(shown, "code"),
        "code-gone": url(gone, "code"),
        "unknown": f"{site.settings.base_url}/confirm/nobody",
    }

    visits = [visit for name, address in pages.items() for visit in in_every_view(address, tmp_path, name)]
    for seen in look(*visits):
        must_be_fine(seen)
        assert seen["status"] in (200, 404, 410)
        assert (digits in seen["text"]) is (seen["url"] == url(shown, "code"))
