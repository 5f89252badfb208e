"""The customer's link: opening it tells and changes nothing; a posted form is the one answer."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import Session, select

from app.customers.models import Contact, ContactConsent
from app.kit.runtime import Runtime
from app.surveys.models import Survey, SurveyAnswer
from app.work_orders.models import LedgerEvent, WorkOrder
from tests.surveys.conftest import MORNING, Job, Jobs, Web

Cleo = Callable[..., Contact]
pytestmark = pytest.mark.usefixtures("clock_stands")


@pytest.fixture
def job(a_job: Jobs, send: Callable[..., Survey]) -> Job:
    """Cleo has the link."""
    made = a_job()
    made.invite()
    assert send(made).state == "sent"
    return made


def nonce_of(page: str) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', page)
    assert found
    return found[1]


def answer(web: Web, job: Job, **given: str) -> Any:
    nonce = nonce_of(web.get(job.link()).text)
    return web.post(job.link(), {"nonce": nonce, **given})


def answers(db: Session, job: Job) -> dict[str, Any]:
    db.expire_all()
    found = db.exec(select(SurveyAnswer).where(SurveyAnswer.work_order_id == job.work_order_id)).all()
    return {one.question: one.comment if one.score is None else int(one.score) for one in found}


def checked(page: str) -> list[tuple[str, str]]:
    return re.findall(r'name="(\w+)" value="(\d+)" checked', page)


def test_the_link_shows_the_questions_and_whose_they_are(web: Web, job: Job) -> None:
    page = web.get(job.link())

    assert page.status_code == 200
    assert "How did we do?" in page.text
    assert "Nord Service" in page.text
    assert "Oven repair" in page.text
    assert "<script" not in page.text
    assert checked(page.text) == []


def test_the_page_lets_nothing_run_and_tells_nobody_where_it_was(web: Web, job: Job) -> None:
    headers = web.get(job.link()).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex, nofollow"


def test_a_thousand_visits_of_mail_scanners_change_nothing(web: Web, job: Job, db: Session) -> None:
    def everything() -> list[Any]:
        db.rollback()
        from app.kit.database import enter

        enter(db, job.organization_id)
        tables = (Survey, SurveyAnswer, ContactConsent, LedgerEvent)
        return [[row.model_dump(warnings=False) for row in db.exec(select(table)).all()] for table in tables]

    before = everything()
    for visit in range(250):
        assert web.get(f"{job.link()}?score={visit % 7}").status_code == 200
        assert web.head(f"{job.link()}?score=5").status_code == 200
        assert web.get(f"{job.link()}/unsubscribe").status_code == 200
        assert web.options(job.link()).status_code == 405

    assert everything() == before


def test_a_score_in_the_link_only_chooses_beforehand(web: Web, job: Job, db: Session) -> None:
    page = web.get(f"{job.link()}?score=4").text

    assert checked(page) == [("csat", "4")]
    assert answers(db, job) == {}


@pytest.mark.parametrize("score", ["0", "6", "-1", "4.5", "four", "٤", "", "4&score=5", '"><script>'])
def test_a_score_that_is_not_on_the_scale_chooses_nothing(web: Web, job: Job, score: str) -> None:
    page = web.get(f"{job.link()}?score={score}")

    assert page.status_code == 200
    assert checked(page.text) in ([], [("csat", "5")])
    assert "<script" not in page.text


def test_an_answer_is_kept_with_its_scale_and_the_work_order_stays_as_it_is(web: Web, job: Job, db: Session) -> None:
    sent = answer(web, job, csat="4", nps="9", comment="Quick & kind")

    assert sent.status_code == 303
    assert sent.headers["location"] == job.link()
    assert answers(db, job) == {"csat": 4, "nps": 9, "comment": "Quick & kind"}
    survey = job.survey()
    assert (survey.state, survey.answered_at) == ("answered", MORNING)
    kept = db.exec(select(SurveyAnswer).where(SurveyAnswer.survey_id == survey.id, SurveyAnswer.kind == "nps")).one()
    assert (kept.scale_min, kept.scale_max) == (0, 10)
    assert db.exec(select(WorkOrder.status).where(WorkOrder.id == job.work_order_id)).one() == "closed"


def test_after_the_answer_the_link_says_thanks_and_shows_it(web: Web, job: Job) -> None:
    answer(web, job, csat="2", comment="<b>late</b>")

    page = web.get(job.link()).text

    assert "Thank you!" in page
    assert "2026-11-24 10:00" in page
    assert checked(page) == [("csat", "2")]
    assert "&lt;b&gt;late&lt;/b&gt;" in page


def test_an_answer_can_be_changed_for_a_day_and_is_still_one_answer(
    web: Web, job: Job, db: Session, clock_stands: time_machine.Traveller
) -> None:
    answer(web, job, csat="2", nps="3", comment="late")
    clock_stands.move_to(MORNING + timedelta(hours=24))
    answer(web, job, csat="5", nps="3", comment="")

    assert answers(db, job) == {"csat": 5, "nps": 3}
    kept = db.exec(select(SurveyAnswer).where(SurveyAnswer.question == "csat")).one()
    assert (kept.answered_at, kept.edited_at) == (MORNING, MORNING + timedelta(hours=24))
    assert job.survey().answered_at == MORNING


def test_after_a_day_the_answer_is_closed(
    web: Web, job: Job, db: Session, clock_stands: time_machine.Traveller
) -> None:
    nonce = nonce_of(web.get(job.link()).text)
    web.post(job.link(), {"nonce": nonce, "csat": "2"})
    clock_stands.move_to(MORNING + timedelta(hours=24, seconds=1))

    late = web.post(job.link(), {"nonce": nonce, "csat": "5"})

    assert "It can no longer be changed." in late.text
    assert "<form" not in web.get(job.link()).text
    assert answers(db, job) == {"csat": 2}


def test_an_expired_link_is_gone(web: Web, job: Job, db: Session, clock_stands: time_machine.Traveller) -> None:
    nonce = nonce_of(web.get(job.link()).text)
    clock_stands.move_to(MORNING + timedelta(days=30))

    for answered in (web.get(job.link()), web.post(job.link(), {"nonce": nonce, "csat": "5"})):
        assert answered.status_code == 410
        assert "expired" in answered.text
    assert answers(db, job) == {}


@pytest.mark.parametrize(
    "path", ["/s/x", "/s/s_", "/s/" + "s_" + "A" * 38, "/s/%00", "/s/s_ä" + "A" * 40, "/s/" + "s" * 5000]
)
def test_a_link_that_is_nobody_s_is_not_found(web: Web, path: str) -> None:
    for answered in (web.get(path), web.post(path, {"csat": "5"}), web.get(f"{path}/unsubscribe")):
        assert answered.status_code == 404


def test_a_token_of_another_organization_opens_nothing(web: Web, job: Job, organization: Any) -> None:
    from app.kit.ids import uuid7
    from app.kit.tokens import SURVEY, derive

    foreign = derive(SURVEY, uuid7(), job.runtime.secret, job.survey().id)
    assert web.get(f"/s/{foreign}").status_code == 404


@pytest.mark.parametrize("nonce", ["", "made-up", "WyJ4IiwxXQ.aaaa"])
def test_a_form_that_was_not_fetched_here_records_nothing_and_keeps_what_was_typed(
    web: Web, job: Job, db: Session, nonce: str
) -> None:
    sent = web.post(job.link(), {"nonce": nonce, "csat": "5", "comment": "fine"})

    assert sent.status_code == 409
    assert "once more" in sent.text
    assert checked(sent.text) == [("csat", "5")]
    assert "fine</textarea>" in sent.text
    assert answers(db, job) == {}


def test_a_form_of_another_survey_records_nothing(
    web: Web, job: Job, a_job: Jobs, send: Callable[..., Survey], db: Session
) -> None:
    other = a_job()
    other.invite()
    send(other)
    nonce = nonce_of(web.get(other.link()).text)

    assert web.post(job.link(), {"nonce": nonce, "csat": "5"}).status_code == 409
    assert answers(db, job) == {}


@pytest.mark.parametrize("csat", ["", "0", "6", "99999999999999999999", "NaN", "5\x00", "4.0"])
def test_without_a_score_of_the_scale_the_form_comes_back(web: Web, job: Job, db: Session, csat: str) -> None:
    sent = answer(web, job, csat=csat, comment="please wait")

    assert sent.status_code == 422
    assert "Please choose a number first." in sent.text
    assert "please wait</textarea>" in sent.text
    assert answers(db, job) == {}


@pytest.mark.parametrize("body", [b"\xff\xfe", b"nonce=%ff&csat=5", b"csat=5" * 10_000, b"", b"&" * 1000, b"\x00"])
def test_no_bytes_at_all_break_the_form(web: Web, job: Job, db: Session, body: bytes) -> None:
    sent = web._api.build_request("POST", job.link(), content=body)
    sent.headers["content-type"] = "application/x-www-form-urlencoded"

    assert web._api.send(sent).status_code in (409, 422)
    assert answers(db, job) == {}


def test_a_comment_is_kept_as_text_without_what_terminals_choke_on(web: Web, job: Job, db: Session) -> None:
    answer(web, job, csat="3", comment="  first\r\nsecond\x00\x1b[31m 😀 " + "x" * 5000)

    comment = answers(db, job)["comment"]
    assert comment.startswith("first\nsecond[31m 😀 xxx")
    assert len(comment) == 2000


def test_twelve_presses_of_the_button_are_one_answer(web: Web, job: Job, db: Session) -> None:
    nonce = nonce_of(web.get(job.link()).text)

    with ThreadPoolExecutor(6) as pool:
        sent = list(pool.map(lambda _: web.post(job.link(), {"nonce": nonce, "csat": "5"}).status_code, range(12)))

    assert set(sent) == {303}
    assert answers(db, job) == {"csat": 5}


@pytest.mark.parametrize(
    ("language", "words"), [("de", "Wie waren wir?"), ("es", "¿Qué tal lo hicimos?"), ("fr", "How did we do?")]
)
def test_the_page_speaks_the_contact_s_language(
    web: Web, a_job: Jobs, cleo: Cleo, send: Callable[..., Survey], language: str, words: str
) -> None:
    job = a_job(cleo(language=language))
    job.invite()
    send(job)

    page = web.get(job.link(), headers={"Accept-Language": "pt"})

    assert words in page.text
    assert page.headers["content-language"] == (language if language != "fr" else "en")


def test_who_has_no_survey_is_told_so_in_the_browser_s_language(web: Web) -> None:
    assert "Hier ist nichts" in web.get("/s/x", headers={"Accept-Language": "fr;q=1, de-AT;q=0.8, en;q=0.1"}).text


def test_the_mail_program_s_own_button_opts_out(web: Web, job: Job, a_job: Jobs, db: Session) -> None:
    """RFC 8058: a POST with `List-Unsubscribe=One-Click`, from a machine that knows nothing else."""
    sent = web.post(f"{job.link()}/unsubscribe", {"List-Unsubscribe": "One-Click"})

    assert sent.status_code == 200
    consent = db.exec(select(ContactConsent).where(ContactConsent.contact_id == job.contact_id)).one()
    assert (consent.channel, consent.state, consent.source, consent.at) == ("email", "withdrawn", "link", MORNING)


def test_the_stylesheet_may_be_kept_for_ever(web: Web, job: Job) -> None:
    found = re.search(r'href="(/assets/pages-[0-9a-f]{16}\.css)"', web.get(job.link()).text)
    assert found
    style = web.get(found[1])

    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in style.headers["cache-control"]
    assert web.get("/assets/pages-0000000000000000.css").status_code == 404


def test_an_answer_to_a_message_that_is_still_being_sent_is_kept(
    web: Web, a_job: Jobs, runtime: Runtime, db: Session
) -> None:
    from app.kit.messages import Sent
    from app.kit.sending import claim, write_outcome
    from app.surveys.sending import SURVEYS

    job = a_job()
    survey_id = job.invite()
    assert survey_id is not None
    with runtime.transaction(job.organization_id) as sending:
        claimed = claim(sending, SURVEYS, job.organization_id, survey_id, at=MORNING)
    assert claimed is not None
    answer(web, job, csat="5")
    with runtime.transaction(job.organization_id) as sending:
        write_outcome(sending, SURVEYS, job.organization_id, claimed, Sent("m-1"), at=MORNING)

    assert job.survey().state == "answered"
    assert job.survey().sent_at == MORNING
