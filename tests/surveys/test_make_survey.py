"""Whom we ask, once, and the reason when we do not."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from app.customers.models import Channel, Contact, ContactConsent
from app.domain.surveys import Trigger
from app.identity.models import Organization
from app.kit.runtime import Runtime
from app.surveys.commands import make_survey
from app.surveys.models import Survey
from tests.surveys.conftest import MORNING, Job, Jobs

Cleo = Callable[..., Contact]


def waiting_tasks(db: Session, job: Job) -> int:
    query = sa.text(
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'surveys.send' AND args ->> 'survey_id' = :id"
    )
    return int(db.connection().execute(query, {"id": str(job.survey().id)}).scalar_one())


def set_policy(runtime: Runtime, organization: Organization, **policy: Any) -> None:
    with runtime.transaction(organization.id) as db:
        found = db.exec(select(Organization).where(Organization.id == organization.id)).one()
        found.settings = {**found.settings, "surveys": policy}


def test_a_closed_job_makes_one_survey_that_is_on_its_way(a_job: Jobs, db: Session) -> None:
    job = a_job()

    survey_id = job.invite()

    survey = job.survey()
    assert survey.id == survey_id
    assert (survey.state, survey.suppressed_reason, survey.due_at) == ("due", None, MORNING)
    assert (survey.channel, survey.language) == ("email", "en")
    assert [question["key"] for question in survey.questions] == ["csat", "nps", "comment"]
    assert survey.token_hash is not None
    assert waiting_tasks(db, job) == 1


def test_the_survey_remembers_what_its_answers_can_be_grouped_by(a_job: Jobs) -> None:
    job = a_job()
    job.invite()

    segments = job.survey().segments
    assert segments["territory"] == "north"
    assert segments["postal_district"] == "SW1A"
    assert segments["work_type"] == "repair"
    assert segments["window_accuracy_minutes"] == 12
    assert segments["technician_id"] is not None


def test_whatever_reopens_there_is_one_survey_for_life(a_job: Jobs, db: Session) -> None:
    job = a_job()
    job.invite()

    assert job.invite(at=MORNING + timedelta(days=90)) is None
    assert waiting_tasks(db, job) == 1


def test_twelve_closings_at_once_make_one_survey(a_job: Jobs, db: Session) -> None:
    job = a_job()

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: job.invite(), range(12)))

    assert len([one for one in made if one is not None]) == 1
    assert waiting_tasks(db, job) == 1


def test_a_closing_that_is_undone_asks_nobody(a_job: Jobs, runtime: Runtime, db: Session) -> None:
    job = a_job()

    def close_and_fail() -> None:
        with runtime.transaction(job.organization_id) as inside:
            make_survey(inside, job.organization_id, job.work_order_id, trigger=Trigger.CLOSED, at=MORNING)
            raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        close_and_fail()

    assert db.exec(select(Survey).where(Survey.work_order_id == job.work_order_id)).all() == []
    nudges = sa.text("SELECT count(*) FROM procrastinate_jobs WHERE args ->> 'organization_id' = :id")
    assert db.connection().execute(nudges, {"id": str(job.organization_id)}).scalar_one() == 0


@pytest.mark.parametrize(
    ("contact", "order", "reason"),
    [
        ({}, {"is_test": True}, "test"),
        ({"email": None}, {}, "no_contact"),
        ({"channel": Channel.SMS, "phone": None}, {}, "no_contact"),
        ({"channel": Channel.NONE}, {}, "opted_out"),
    ],
)
def test_what_is_not_sent_is_a_row_with_its_reason(
    a_job: Jobs, cleo: Cleo, db: Session, contact: dict[str, Any], order: dict[str, Any], reason: str
) -> None:
    job = a_job(cleo(**contact), **order)
    job.invite()

    survey = job.survey()
    assert (survey.state, survey.suppressed_reason, survey.token_hash) == ("suppressed", reason, None)
    assert waiting_tasks(db, job) == 0


def test_work_for_nobody_has_nobody_to_ask(a_job: Jobs) -> None:
    job = a_job(None)
    job.invite()

    assert job.survey().suppressed_reason == "no_contact"


def test_the_newest_word_about_consent_counts(a_job: Jobs, cleo: Cleo, runtime: Runtime) -> None:
    contact = cleo()
    for days, state, reason in ((1, "withdrawn", "opted_out"), (2, "granted", None)):
        with runtime.transaction(contact.organization_id) as db:
            db.add(
                ContactConsent(
                    organization_id=contact.organization_id,
                    contact_id=contact.id,
                    channel=Channel.EMAIL,
                    state=state,
                    source="phone call",
                    at=MORNING + timedelta(days=days),
                )
            )
        job = a_job(contact)
        job.invite(at=MORNING + timedelta(days=days))
        assert job.survey().suppressed_reason == reason


def test_who_was_asked_lately_is_not_asked_again(a_job: Jobs, cleo: Cleo) -> None:
    contact = cleo()
    first, second, third = (a_job(contact) for _ in range(3))
    first.invite()
    second.invite(at=MORNING + timedelta(days=13, hours=23))
    third.invite(at=MORNING + timedelta(days=14))

    assert second.survey().suppressed_reason == "cooldown"
    assert third.survey().state == "due"


def test_only_the_sampled_are_asked(a_job: Jobs, runtime: Runtime, organization: Organization) -> None:
    set_policy(runtime, organization, sample_percent=0)
    job = a_job()
    job.invite()

    assert job.survey().suppressed_reason == "sampled_out"


def test_the_policy_says_what_asks(a_job: Jobs, runtime: Runtime, organization: Organization) -> None:
    set_policy(runtime, organization, trigger="completed")
    job = a_job()

    assert job.invite(trigger=Trigger.CLOSED) is None
    assert job.invite(trigger=Trigger.COMPLETED) is not None


def test_at_night_the_question_waits_for_the_morning_of_the_contact(a_job: Jobs, cleo: Cleo, db: Session) -> None:
    job = a_job(cleo(time_zone="America/New_York"))
    job.invite(at=datetime(2026, 11, 23, 4, 0, tzinfo=UTC))

    assert job.survey().due_at == datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
    assert waiting_tasks(db, job) == 0


def test_what_would_come_too_late_is_not_sent(a_job: Jobs, runtime: Runtime, organization: Organization) -> None:
    set_policy(runtime, organization, send_within_hours=4)
    job = a_job()
    job.invite(at=datetime(2026, 11, 23, 22, 0, tzinfo=UTC))

    assert job.survey().suppressed_reason == "quiet_expired"


def test_making_a_survey_adds_three_statements_to_a_closing(
    a_job: Jobs, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = a_job()
    seen: list[str] = []
    execute = psycopg.Cursor.execute

    def counted(cursor: Any, query: Any, *more: Any, **options: Any) -> Any:
        seen.append(str(query)[:60])
        return execute(cursor, query, *more, **options)

    with runtime.transaction(job.organization_id) as db:
        monkeypatch.setattr(psycopg.Cursor, "execute", counted)
        make_survey(db, job.organization_id, job.work_order_id, trigger=Trigger.CLOSED, at=MORNING)
        monkeypatch.undo()

    assert len(seen) == 3, seen
