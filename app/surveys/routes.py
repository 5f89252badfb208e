"""Surveys for the office, the customer's link, and the carrier's reports."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from app.identity.access import Db, Me, Operation, Running, api_router
from app.kit import clock
from app.kit.database import enter
from app.kit.forms import Fields
from app.kit.pages import page_headers
from app.kit.problems import BadRequest, NotAllowed, NotFound, refuses
from app.kit.schemas import Page
from app.kit.senders import twilio_settings
from app.kit.sms import is_signed
from app.surveys import commands, pages, queries
from app.surveys.queries import SurveyListQuery
from app.surveys.schemas import SurveyAnswerOut, SurveyDetailOut, SurveyOut

router = api_router("/v1/surveys", "surveys")
reports = api_router("/v1/messages", "messages")
links = APIRouter(route_class=Operation, include_in_schema=False)


@router.get("", response_model=Page[SurveyOut])
def list_surveys(page: Annotated[SurveyListQuery, Query()], db: Db, me: Me) -> Any:
    """Invitations, newest first, with what became of each; `state=uncertain` needs somebody's eyes."""
    items, next_cursor = queries.surveys_page(db, me.organization_id, page)
    return {"items": items, "next_cursor": next_cursor}


@router.get("/{survey_id}", response_model=SurveyDetailOut, responses=refuses(NotFound))
def get_survey(survey_id: UUID, db: Db, me: Me) -> Any:
    """One survey with its questions and its answers."""
    survey = queries.survey_of(db, me.organization_id, survey_id)
    answers = [SurveyAnswerOut.model_validate(answer) for answer in queries.answers_of(db, survey)]
    shown = SurveyOut.model_validate(survey).model_dump()
    return SurveyDetailOut(**shown, questions=survey.questions, answers=answers)


@links.api_route("/s/{token}", methods=["GET", "HEAD"])
def show_survey(token: str, request: Request, db: Db, score: str = "") -> Response:
    survey = pages.find_survey(db, token, write=False)
    if survey is None:
        return pages.unknown_page(request.headers.get("accept-language"))
    return pages.survey_page(db, survey, token, score=score, at=clock.now())


@links.post("/s/{token}")
def answer_survey(token: str, request: Request, db: Db, fields: Fields) -> Response:
    survey = pages.find_survey(db, token, write=True)
    if survey is None:
        return pages.unknown_page(request.headers.get("accept-language"))
    return pages.answer_page(db, survey, token, dict(fields), at=clock.now())


@links.api_route("/s/{token}/unsubscribe", methods=["GET", "HEAD"])
def show_unsubscribe(token: str, request: Request, db: Db) -> Response:
    survey = pages.find_survey(db, token, write=False)
    if survey is None:
        return pages.unknown_page(request.headers.get("accept-language"))
    return pages.unsubscribe_page(db, survey, token)


@links.post("/s/{token}/unsubscribe")
def unsubscribe(token: str, request: Request, db: Db) -> Response:
    """Also what a mail program posts for its own button (RFC 8058): no form, no cookie, no nonce."""
    survey = pages.find_survey(db, token, write=True)
    if survey is None:
        return pages.unknown_page(request.headers.get("accept-language"))
    commands.opt_out(db, survey, source="link", at=clock.now())
    return pages.unsubscribed_page(survey)


class SignatureInvalid(NotAllowed):
    """The report was not signed by the provider."""

    code = "signature-invalid"


class ReportUnreadable(BadRequest):
    """The report does not name a message and its status."""

    code = "report-unreadable"


@reports.post(
    "/twilio-status",
    status_code=204,
    responses=refuses(SignatureInvalid, NotFound, ReportUnreadable),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": {"type": "object", "additionalProperties": {"type": "string"}}
                }
            },
        }
    },
)
def receive_twilio_status(
    organization: UUID, survey: UUID, request: Request, db: Db, running: Running, fields: Fields
) -> Response:
    """What Twilio reports about a message. Proven by `X-Twilio-Signature` over the address we gave and the form."""
    twilio = twilio_settings(running.settings)
    address = f"{running.settings.base_url}{request.url.path}?{request.url.query}"
    given = request.headers.get("x-twilio-signature", "")
    if twilio is None or not is_signed(twilio.auth_token, address, fields, given):
        raise SignatureInvalid("This report is not signed by the provider.")
    report = dict(fields)
    if not report.get("MessageSid") or not report.get("MessageStatus"):
        raise ReportUnreadable("A report names a message and its status.")
    enter(db, organization)
    commands.note_delivery(
        queries.survey_of(db, organization, survey, lock=True),
        report["MessageStatus"],
        provider_id=report["MessageSid"],
        error=report.get("ErrorCode"),
        at=clock.now(),
    )
    return Response(status_code=204, headers=page_headers())
