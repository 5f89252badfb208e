"""How an invitation leaves the house: by `app.kit.sending`, when nothing speaks against it at that moment."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from app.domain.surveys import SuppressedReason, sending_time, why_not
from app.identity.queries import every_organization
from app.kit import sending
from app.kit.database import rows
from app.kit.messages import Message
from app.kit.queue import Sweep, Task
from app.kit.runtime import Runtime, runtime_of
from app.kit.sending import Outbound
from app.kit.tokens import fingerprint
from app.reports.commands import send_report
from app.reports.queries import report_link
from app.surveys import queries
from app.surveys.commands import SEND, token_of
from app.surveys.compose import invitation
from app.surveys.models import Survey, SurveyState
from app.surveys.queries import Facts


def prepare(db: Session, survey: Survey, at: datetime) -> Message | None:
    """The invitation, unless something speaks against it now: consent, cool-down and quiet hours count when a message
    is sent, not when it was planned."""
    _one_at_a_time(db, survey)
    facts = queries.facts_of(db, survey.organization_id, survey.work_order_id, waiting_counts=False)
    assert facts is not None, "a survey has a work order"
    if not _may_go_now(survey, facts, at):
        if survey.state in (SurveyState.SUPPRESSED, SurveyState.FAILED):
            send_report(db, survey.organization_id, survey.work_order_id, at=at)
        return None
    token = token_of(db, survey.organization_id, survey.id)
    survey.token_hash = fingerprint(token)
    survey.expires_at = at + facts.policy.link_lives
    report = report_link(db, survey.organization_id, survey.work_order_id, made_by=survey.created_at)
    return invitation(survey, facts, base_url=runtime_of(db).settings.base_url, token=token, report=report)


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


SURVEYS = Outbound(Survey, task=SEND, task_id="survey_id", prepare=prepare)


def send_survey(runtime: Runtime, *, organization_id: str, survey_id: str) -> None:
    """Send one survey if it is due. Safe to run twice, and at the same time."""
    sending.send(runtime, SURVEYS, organization_id=UUID(organization_id), row_id=UUID(survey_id))


def sweep_surveys(runtime: Runtime) -> None:
    sending.sweep(runtime, SURVEYS, every_organization(runtime))


TASKS = [Task(SEND, send_survey)]
#: Every fifteen seconds: what was abandoned is visible, or on its way again, within a minute.
SWEEPS = [Sweep("surveys.sweep", "* * * * * */15", sweep_surveys)]
