"""What a customer sees behind a link. Opening it tells and changes nothing; only a posted form does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from app.domain.surveys import EDITABLE_FOR, is_editable, questions_of
from app.kit.database import enter
from app.kit.forms import is_fresh, make_nonce
from app.kit.pages import best_language, page, page_headers
from app.kit.tokens import SURVEY, fingerprint, organization_of
from app.surveys import commands, queries
from app.surveys.commands import AnswerClosed, AnswerIncomplete
from app.surveys.compose import TEMPLATES, question_words
from app.surveys.models import Survey
from app.surveys.queries import OpenedLink
from app.surveys.texts import LANGUAGES, texts_in

FORM = "survey-form"


def find_survey(db: Session, token: str, *, write: bool) -> Survey | None:
    """The survey of this link, locked when `write` is set; otherwise in a transaction that cannot write at all."""
    organization_id = organization_of(token, SURVEY)
    if organization_id is None:
        return None
    enter(db, organization_id, read_only=not write)
    return queries.survey_by_token(db, organization_id, fingerprint(token), lock=write)


def unknown_page(accepted: str | None) -> HTMLResponse:
    language, texts = texts_in(best_language(accepted, tuple(LANGUAGES), fallback="en"))
    return _notice(language, texts.unknown_title, texts.unknown, status=404)


def has_expired(survey: Survey, at: datetime) -> bool:
    return survey.expires_at is not None and survey.expires_at <= at


def survey_page(db: Session, survey: Survey, token: str, *, score: str, at: datetime) -> HTMLResponse:
    """The form, with `score` chosen beforehand; the answer with a way to change it; or a notice that it is over."""
    if (over := _over_page(survey, at)) is not None:
        return over
    opened = queries.opened_link(db, survey)
    values = dict(opened.answers)
    if survey.answered_at is None:
        values = {question.key: score for question in questions_of(survey.questions) if question.required}
    return _form(db, opened, token, values, at=at)


def answer_page(db: Session, survey: Survey, token: str, form: Mapping[str, str], *, at: datetime) -> Response:
    """Record what was posted and send the browser back to the link, or show the form again with what is wrong."""
    if (over := _over_page(survey, at)) is not None:
        return over
    _, texts = texts_in(survey.language)
    if not is_fresh(db, FORM, survey.id, form.get("nonce", ""), at=at):
        return _form(db, queries.opened_link(db, survey), token, form, at=at, trouble=texts.form_too_old, status=409)
    try:
        commands.record_answer(db, survey, form, at=at)
    except AnswerIncomplete as refusal:
        opened = queries.opened_link(db, survey)
        return _form(db, opened, token, form, at=at, trouble=texts.please_choose, status=refusal.status)
    except AnswerClosed:
        return closed_page(survey)
    return RedirectResponse(f"/s/{token}", status_code=303, headers=page_headers())


def _over_page(survey: Survey, at: datetime) -> HTMLResponse | None:
    language, texts = texts_in(survey.language)
    if has_expired(survey, at):
        return _notice(language, texts.expired_title, texts.expired, status=410)
    if not is_editable(survey.answered_at, at=at):
        return closed_page(survey)
    return None


def closed_page(survey: Survey) -> HTMLResponse:
    language, texts = texts_in(survey.language)
    return _notice(language, texts.closed_title, texts.closed, done=True)


def unsubscribe_page(db: Session, survey: Survey, token: str) -> HTMLResponse:
    language, texts = texts_in(survey.language)
    company = queries.opened_link(db, survey).company
    action = f"/s/{token}/unsubscribe"
    return page(TEMPLATES, "unsubscribe.html", language=language, t=texts, company=company, action=action)


def unsubscribed_page(survey: Survey) -> HTMLResponse:
    language, texts = texts_in(survey.language)
    return _notice(language, texts.unsubscribed_title, texts.unsubscribed, done=True)


def _notice(language: str, title: str, text: str, *, status: int = 200, done: bool = False) -> HTMLResponse:
    values = {"title": title, "text": text, "company": "", "done": done}
    return page(TEMPLATES, "message.html", language=language, status=status, **values)


def _form(
    db: Session,
    opened: OpenedLink,
    token: str,
    values: Mapping[str, str],
    *,
    at: datetime,
    trouble: str = "",
    status: int = 200,
) -> HTMLResponse:
    survey = opened.survey
    language, texts = texts_in(survey.language)
    questions = questions_of(survey.questions)
    answered = survey.answered_at is not None
    shown: dict[str, Any] = {
        "t": texts,
        "company": opened.company,
        "work": opened.work.replace("-", "\N{NON-BREAKING HYPHEN}"),
        "questions": [question_words(question, texts) for question in questions],
        "values": {question.key: values.get(question.key, "") for question in questions},
        "answered": answered,
        "until": opened.until(EDITABLE_FOR) if answered else "",
        "trouble": trouble,
        "action": f"/s/{token}",
        "nonce": make_nonce(db, FORM, survey.id, at=at),
    }
    return page(TEMPLATES, "survey.html", language=language, status=status, **shown)
