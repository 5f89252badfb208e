"""How an invitation leaves the house: once.

The survey's row is the truth and a task only nudges. A send claims the row in one short transaction, talks to the
provider with none open, and writes the outcome in another. Whoever dies in between leaves the row `sending`; the sweep
then asks an idempotent provider again with the same key, and lets a person look (`uncertain`) at any other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import Session

from app.domain.surveys import SuppressedReason, retry_delay, sending_time, why_not
from app.identity.queries import every_organization
from app.kit import clock
from app.kit.database import rows
from app.kit.messages import Channel, Message, Outcome, Refused, Sender, Sent, TryLater, Uncertain
from app.kit.problems import NotFound
from app.kit.queue import Sweep, Task, enqueue
from app.kit.runtime import Runtime, runtime_of
from app.kit.tokens import fingerprint
from app.surveys import queries
from app.surveys.commands import SEND, token_of
from app.surveys.compose import invitation
from app.surveys.models import Survey, SurveyState
from app.surveys.queries import Facts

#: No provider may take longer than this (each sender's own time-outs end well before).
ABANDONED_AFTER = timedelta(seconds=40)
#: A survey that is due and was nudged is nudged again after this long: the task may have been lost.
NUDGE_AGAIN_AFTER = timedelta(minutes=1)
SWEEP_MOST = 200


@dataclass(frozen=True, slots=True)
class Claim:
    """What one send holds: the survey is `sending` since `at`, and only the holder of this `at` writes its outcome."""

    survey_id: UUID
    at: datetime
    message: Message
    sender: Sender


def send_survey(runtime: Runtime, *, organization_id: str, survey_id: str) -> None:
    """Send one survey if it is due. Safe to run twice, and at the same time."""
    owner = UUID(organization_id)
    with runtime.transaction(owner) as db:
        claim = claim_survey(db, owner, UUID(survey_id), at=clock.now())
    if claim is None:
        return
    outcome = claim.sender.send(claim.message)
    with runtime.transaction(owner) as db:
        write_outcome(db, owner, claim, outcome, at=clock.now())


def claim_survey(db: Session, organization_id: UUID, survey_id: UUID, *, at: datetime) -> Claim | None:
    """Make it `sending`, if it is due and nothing speaks against it now: consent, cool-down and quiet hours count
    when a message is sent, not when it was planned."""
    try:
        survey = queries.survey_of(db, organization_id, survey_id, lock=True)
    except NotFound:
        return None
    if survey.state != SurveyState.DUE or survey.due_at is None or survey.due_at > at:
        return None
    _one_at_a_time(db, survey)
    facts = queries.facts_of(db, organization_id, survey.work_order_id, waiting_counts=False)
    assert facts is not None, "a survey has a work order"
    if not _may_go_now(survey, facts, at):
        return None
    token = token_of(db, organization_id, survey_id)
    sender = runtime_of(db).senders.by_channel[Channel(facts.row["channel"])]
    survey.state, survey.claimed_at = SurveyState.SENDING, at
    survey.attempts += 1
    survey.channel, survey.provider = facts.row["channel"], sender.name
    survey.token_hash = fingerprint(token)
    survey.expires_at = at + facts.policy.link_lives
    message = invitation(survey, facts, base_url=runtime_of(db).settings.base_url, token=token)
    return Claim(survey_id, at, message, sender)


def _one_at_a_time(db: Session, survey: Survey) -> None:
    """Two surveys of one contact wait for each other, or both would find that nobody was asked lately."""
    rows(
        db,
        "SELECT 1 FROM contacts WHERE organization_id = %(o)s AND id = %(c)s FOR NO KEY UPDATE",
        o=survey.organization_id,
        c=survey.contact_id,
    )


def _may_go_now(survey: Survey, facts: Facts, at: datetime) -> bool:
    retried = survey.attempts > 0
    reason = why_not(facts.circumstances, facts.policy, at=at)
    if retried and reason is SuppressedReason.COOLDOWN:
        reason = None
    allowed_at = sending_time(at, facts.zone, facts.policy)
    give_up_at = survey.created_at + facts.policy.delay + facts.policy.send_within
    if reason is None and not retried and allowed_at > give_up_at:
        reason = SuppressedReason.QUIET_EXPIRED
    if reason is not None:
        survey.state, survey.suppressed_reason = SurveyState.SUPPRESSED, reason
    elif allowed_at > give_up_at:
        survey.state = SurveyState.FAILED
        survey.last_error = f"gave-up: {survey.last_error}"[:200]
    elif allowed_at > at:
        survey.due_at, survey.claimed_at = allowed_at, None
    else:
        return True
    return False


def write_outcome(db: Session, organization_id: UUID, claim: Claim, outcome: Outcome, *, at: datetime) -> None:
    """Only the claim that still holds the survey writes; what a carrier reported meanwhile, or an answer, stays."""
    survey = queries.survey_of(db, organization_id, claim.survey_id, lock=True)
    if survey.claimed_at != claim.at:
        return
    held = survey.state in (SurveyState.SENDING, SurveyState.UNCERTAIN)
    match outcome:
        case Sent(provider_id):
            survey.provider_id, survey.sent_at, survey.last_error = provider_id, survey.sent_at or at, None
            if held:
                survey.state = SurveyState.SENT
        case Refused(reason) if held:
            survey.state, survey.last_error = SurveyState.FAILED, reason
        case TryLater(reason, asked_for_seconds) if held:
            survey.state, survey.last_error = SurveyState.DUE, reason
            survey.due_at, survey.claimed_at = at + retry_delay(survey.attempts, asked_for_seconds), None
        case Uncertain(reason) if held:
            survey.last_error = reason
            _clear_up(survey, claim.sender, at)


def _clear_up(survey: Survey, sender: Sender | None, at: datetime) -> None:
    """Nobody knows whether it went: ask the same idempotent provider again, or let a person look."""
    if sender is not None and sender.idempotent and sender.name == survey.provider:
        survey.state, survey.due_at, survey.claimed_at = SurveyState.DUE, at, None
    else:
        survey.state = SurveyState.UNCERTAIN


def sweep_surveys(runtime: Runtime) -> None:
    """Nudge what is due and clear up what was abandoned, organization by organization."""
    at = clock.now()
    for organization_id in every_organization(runtime):
        with runtime.transaction(organization_id) as db:
            sweep_organization(db, organization_id, at=at)


def sweep_organization(db: Session, organization_id: UUID, *, at: datetime) -> None:
    senders = runtime_of(db).senders.by_channel
    for survey in queries.abandoned_surveys(db, organization_id, claimed_before=at - ABANDONED_AFTER):
        survey.last_error = "abandoned"
        _clear_up(survey, senders.get(Channel(survey.channel)) if survey.channel else None, at)
    db.flush()
    nudged_before = at - NUDGE_AGAIN_AFTER
    for survey_id in queries.due_surveys(db, organization_id, at=at, nudged_before=nudged_before, most=SWEEP_MOST):
        enqueue(db, SEND, organization_id=organization_id, survey_id=survey_id)


TASKS = [Task(SEND, send_survey)]
#: Every fifteen seconds: what was abandoned is visible, or on its way again, within a minute.
SWEEPS = [Sweep("surveys.sweep", "* * * * * */15", sweep_surveys)]
