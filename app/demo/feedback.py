"""Whom Nordlicht Service asked after a job, and what they said. Nothing is sent now; a few mails lie in the outbox."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session, SQLModel

from app.customers.models import Channel
from app.demo.chance import Chance
from app.demo.story import Story
from app.domain.ledger import EventType, fold
from app.domain.surveys import (
    TEMPLATE,
    TEMPLATE_VERSION,
    QuestionKind,
    SuppressedReason,
    SurveyPolicy,
    postal_district,
    snapshot,
    window_accuracy_minutes,
)
from app.kit.outbox import store
from app.kit.runtime import Runtime
from app.kit.tokens import SURVEY, derive, fingerprint
from app.surveys.compose import invitation
from app.surveys.models import Survey, SurveyAnswer, SurveyState
from app.surveys.queries import facts_of

POLICY = SurveyPolicy()
COMMENTS = {
    5: ("Friendly, quick, clean. Thank you!", "Very good.", ""),
    4: ("All fine.", ""),
    3: ("It took two visits.", ""),
    2: ("Nobody called to say that it would be late.", ""),
    1: ("Still not working properly.", "Waited half a day."),
}
IN_OUTBOX = 5


def ask_customers(stories: Sequence[Story], secret: str) -> list[SQLModel]:
    """The survey of each work order that was closed, with its answers; in the order in which they were closed."""
    closed = [(event.effective_at, story) for story in stories if (event := first_closed(story))]
    asked_at: dict[UUID, datetime] = {}
    made: list[SQLModel] = []
    for at, story in sorted(closed, key=lambda one: (one[0], str(one[1].id))):
        reason = _why_not(story, asked_at, at)
        survey = _survey(story, at, reason, secret)
        made.append(survey)
        if reason is None:
            asked_at[story.place.contact.id] = at
            made += _answers(story, survey)
    return made


def first_closed(story: Story) -> Any:
    return next((event for event in story.events if event.type == EventType.CLOSED), None)


def _why_not(story: Story, asked_at: dict[UUID, datetime], at: datetime) -> SuppressedReason | None:
    if story.place.opted_out:
        return SuppressedReason.OPTED_OUT
    before = asked_at.get(story.place.contact.id)
    return SuppressedReason.COOLDOWN if before is not None and at - before < POLICY.cooldown else None


def _survey(story: Story, at: datetime, reason: SuppressedReason | None, secret: str) -> Survey:
    contact, chance = story.place.contact, story.stage.chance
    survey = Survey(
        organization_id=story.organization_id,
        id=chance.id(at),
        work_order_id=story.id,
        contact_id=contact.id,
        state=SurveyState.SUPPRESSED if reason else SurveyState.SENT,
        suppressed_reason=reason.value if reason else None,
        channel=contact.channel.value,
        language=contact.language,
        questions=snapshot(TEMPLATE),
        template_version=TEMPLATE_VERSION,
        segments=_segments(story),
        created_at=at,
    )
    if reason is None:
        survey.token_hash = fingerprint(derive(SURVEY, story.organization_id, secret, survey.id))
        survey.due_at = survey.claimed_at = at
        survey.attempts, survey.provider = 1, "demo"
        survey.provider_id = f"demo-{chance.getrandbits(48):012x}"
        survey.sent_at = at + timedelta(seconds=chance.randint(1, 20))
        survey.expires_at = at + POLICY.link_lives
        if contact.channel is Channel.SMS:
            survey.state, survey.delivered_at = SurveyState.DELIVERED, survey.sent_at + timedelta(seconds=4)
        elif chance.happens(2):
            survey.state, survey.last_error, survey.sent_at = SurveyState.FAILED, "550 no such mailbox", None
    return survey


def _segments(story: Story) -> dict[str, Any]:
    _, visits = fold(story.told())
    trip = story.trips[-1] if story.trips else None
    technician = trip.worker.technician if trip else None
    visit = visits[trip.id] if trip else None
    return {
        "technician_id": str(technician.id) if technician else None,
        "team_id": str(technician.team_id) if technician else None,
        "partner_id": str(technician.partner_id) if technician and technician.partner_id else None,
        "employment": technician.employment.value if technician else None,
        "territory": story.place.site.territory,
        "postal_district": postal_district(story.place.site.postal_code),
        "work_type": story.kind.key,
        "work_class": story.row["work_class"],
        "priority": story.row["priority"],
        "window_accuracy_minutes": window_accuracy_minutes(
            visit.arrived_at if visit else None,
            visit.first_window_start if visit else None,
            visit.first_window_end if visit else None,
        ),
    }


def _answers(story: Story, survey: Survey) -> list[SQLModel]:
    """What the customer answered, if they did: late arrivals and second trips cost stars."""
    chance = story.stage.chance
    if survey.sent_at is None or not chance.happens(46):
        return []
    at = survey.sent_at + chance.minutes(8, 2500)
    if at > story.stage.now:
        return []
    survey.state, survey.answered_at = SurveyState.ANSWERED, at
    stars = _stars(chance, story, survey)
    scores = {QuestionKind.CSAT: stars, QuestionKind.NPS: max(0, min(10, 2 * stars + chance.choice((-1, 0, 0, 1))))}
    comment = chance.choice(COMMENTS[stars])
    made: list[SQLModel] = []
    for question in TEMPLATE:
        score = scores.get(question.kind)
        if (score is None and not comment) or (question.kind is QuestionKind.NPS and chance.happens(20)):
            continue
        low, high = question.scale or (None, None)
        made.append(
            SurveyAnswer(
                organization_id=story.organization_id,
                id=chance.id(at),
                survey_id=survey.id,
                work_order_id=story.id,
                kind=question.kind,
                question=question.key,
                score=None if score is None else Decimal(score),
                scale_min=None if low is None else Decimal(low),
                scale_max=None if high is None else Decimal(high),
                comment=comment if score is None else None,
                answered_at=at,
            )
        )
    return made


def _stars(chance: Chance, story: Story, survey: Survey) -> int:
    late = (survey.segments["window_accuracy_minutes"] or 0) > 0
    trouble = late + (len(story.trips) > 1) + any(event.type == EventType.REOPENED for event in story.events)
    weights = {0: (1, 2, 5, 27, 65), 1: (5, 10, 25, 35, 25)}.get(trouble, (25, 25, 25, 15, 10))
    return chance.choices((1, 2, 3, 4, 5), weights)[0]


def fill_outbox(db: Session, runtime: Runtime, surveys: Sequence[Survey]) -> None:
    """The last mails that nobody has answered, as they would have gone out."""
    waiting = [one for one in surveys if one.state == SurveyState.SENT and one.channel == Channel.EMAIL]
    for survey in waiting[-IN_OUTBOX:]:
        facts = facts_of(db, survey.organization_id, survey.work_order_id, waiting_counts=False)
        assert facts is not None
        assert survey.sent_at is not None
        token = derive(SURVEY, survey.organization_id, runtime.secret, survey.id)
        message = invitation(survey, facts, base_url=runtime.settings.base_url, token=token)
        store(db, message, at=survey.sent_at)
