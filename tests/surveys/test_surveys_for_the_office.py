"""The office sees what became of each survey, and never the link."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from app.domain.roles import Role
from app.identity.commands import create_organization, create_person
from app.identity.models import SignedInSession
from app.identity.sessions import begin
from app.kit.runtime import Runtime
from app.surveys.models import Survey
from tests.conftest import Somebody
from tests.surveys.conftest import MORNING, Job, Jobs, Web
from tests.surveys.test_survey_link import answer

pytestmark = pytest.mark.usefixtures("clock_stands")


@pytest.fixture
def job(a_job: Jobs, send: Callable[..., Survey]) -> Job:
    made = a_job()
    made.invite()
    send(made)
    return made


def test_the_list_can_be_asked_for_one_state_or_one_work_order(
    api: TestClient, job: Job, a_job: Jobs, dana: Somebody
) -> None:
    other = a_job(None)
    other.invite()

    everything = api.get("/v1/surveys", headers=dana.headers).json()["items"]
    sent = api.get("/v1/surveys?state=sent", headers=dana.headers).json()["items"]
    of_other = api.get(f"/v1/surveys?work_order_id={other.work_order_id}", headers=dana.headers).json()["items"]

    assert len(everything) == 2
    assert [survey["work_order_id"] for survey in sent] == [str(job.work_order_id)]
    assert [survey["suppressed_reason"] for survey in of_other] == ["no_contact"]
    assert api.get("/v1/surveys?state=lost", headers=dana.headers).status_code == 422
    assert api.get("/v1/surveys?color=red", headers=dana.headers).status_code == 422


def test_a_survey_comes_with_its_questions_and_answers(api: TestClient, web: Web, job: Job, dana: Somebody) -> None:
    answer(web, job, csat="4", comment="fine")

    shown = api.get(f"/v1/surveys/{job.survey().id}", headers=dana.headers).json()

    assert shown["state"] == "answered"
    assert [question["key"] for question in shown["questions"]] == ["csat", "nps", "comment"]
    assert [(one["question"], one["score"], one["scale_max"], one["comment"]) for one in shown["answers"]] == [
        ("csat", 4, 5, None),
        ("comment", None, None, "fine"),
    ]


def test_nobody_of_the_staff_gets_the_link(
    api: TestClient, web: Web, job: Job, dana: Somebody, sam: Somebody, ada: Somebody, max_: Somebody, fay: Somebody
) -> None:
    answer(web, job, csat="4")
    secret = job.link().removeprefix("/s/")
    stored = job.survey().token_hash
    assert stored is not None

    for somebody in (dana, sam, ada, max_, fay):
        for path in ("/v1/surveys", f"/v1/surveys/{job.survey().id}"):
            answered = api.get(path, headers=somebody.headers)
            assert answered.status_code == 200
            assert secret not in answered.text
            assert "token" not in answered.text
            assert stored.hex() not in answered.text


def test_technicians_and_partners_see_no_survey(
    api: TestClient, job: Job, ana: Somebody, pia: Somebody, tom: Somebody
) -> None:
    for somebody in (ana, pia, tom):
        assert api.get("/v1/surveys", headers=somebody.headers).status_code == 403
        assert api.get(f"/v1/surveys/{job.survey().id}", headers=somebody.headers).status_code == 403


def test_a_survey_of_another_organization_is_not_there(api: TestClient, job: Job, runtime: Runtime) -> None:
    with runtime.transaction(None) as db:
        elsewhere = create_organization(db, "Elsewhere", time_zone="UTC", currency="EUR", at=MORNING).id
    with runtime.transaction(elsewhere) as db:
        stranger = create_person(
            db,
            elsewhere,
            name="Stranger",
            email=f"stranger@{elsewhere.hex}.example",
            password=None,
            roles=[Role.DISPATCHER],
            technician_id=None,
            partner_id=None,
            at=MORNING,
        )
        session = SignedInSession(
            organization_id=elsewhere, person_id=stranger.id, created_at=MORNING, last_used_at=MORNING
        )
        headers = {"Authorization": f"Bearer {begin(db, session, at=MORNING, refreshable=False).access_token}"}

    assert api.get(f"/v1/surveys/{job.survey().id}", headers=headers).status_code == 404
    assert api.get("/v1/surveys", headers=headers).json()["items"] == []
