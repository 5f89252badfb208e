"""The customer gets the link once: with the question how it went, or alone when nobody asks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlmodel import select

from app.customers.models import Channel, Contact
from app.identity.models import Organization
from app.kit import clock
from app.kit.outbox import latest_messages
from app.kit.runtime import Runtime
from app.kit.sms import segments
from app.messages.models import CustomerMessage
from app.surveys.compose import ROOM_SEGMENTS
from app.surveys.models import Survey
from app.surveys.sending import send_survey
from tests.reports.conftest import POLICY, Play, Story

WorkOff = Callable[[], None]


def told(story: Story) -> list[Any]:
    """What lies in the outbox, the oldest first."""
    with story.runtime.transaction(story.organization_id) as db:
        return list(reversed(latest_messages(db, story.organization_id)))


def alone(story: Story) -> list[CustomerMessage]:
    with story.runtime.transaction(story.organization_id) as db:
        query = select(CustomerMessage).where(CustomerMessage.organization_id == story.organization_id)
        return [one for one in db.exec(query).all() if one.kind == "service_report"]


@pytest.fixture
def asks(runtime: Runtime, organization: Organization) -> Callable[..., None]:
    """How the organization asks its customers; `name` is what it is called."""

    def change(*, name: str = "Nord Service", **policy: Any) -> None:
        with runtime.transaction(organization.id) as db:
            found = db.get_one(Organization, organization.id)
            found.name, found.settings = name, {**found.settings, "surveys": policy}

    return change


@pytest.fixture
def by_sms(runtime: Runtime, scene: Any, organization: Organization) -> None:
    with runtime.transaction(organization.id) as db:
        db.get_one(Contact, (organization.id, scene.contact_id)).channel = Channel.SMS


def test_the_question_how_it_went_carries_the_link(play: Play, work_off: WorkOff) -> None:
    story = play(language="de")
    work_off()

    [mail] = told(story)

    link = f"http://testserver{story.path}"
    assert "Wie waren wir?" in mail.subject
    assert f"Was wir gemacht haben: Ihr Servicebericht:\n{link}\n" in mail.text.replace("\n\n", "\n")
    assert f'href="{link}"' in mail.html
    assert alone(story) == []


def test_without_a_wish_in_the_policy_nobody_is_told_of_a_report(play: Play, work_off: WorkOff) -> None:
    story = play(policy={**POLICY, "report": {"send": False}})
    work_off()

    [mail] = told(story)

    assert "/r/" not in mail.text + mail.html
    assert alone(story) == []


@pytest.mark.usefixtures("by_sms")
def test_an_sms_carries_the_link_when_there_is_room(play: Play, work_off: WorkOff) -> None:
    story = play(language="de")
    work_off()

    [sms] = told(story)

    assert f"Bericht: http://testserver{story.path}" in sms.text
    assert segments(sms.text) <= ROOM_SEGMENTS


@pytest.mark.usefixtures("by_sms")
def test_an_sms_without_room_asks_only(play: Play, work_off: WorkOff, asks: Callable[..., None]) -> None:
    asks(name="Nord Service " * 7)
    story = play()
    work_off()

    [sms] = told(story)

    assert "/r/" not in sms.text
    assert "/s/" in sms.text


def test_who_is_not_asked_gets_the_report_alone(play: Play, work_off: WorkOff, asks: Callable[..., None]) -> None:
    asks(sample_percent=0)
    story = play(language="de")
    work_off()

    [mail] = told(story)

    link = f"http://testserver{story.path}"
    assert mail.subject == f"Ihr Servicebericht: Heizung ist kalt ({story.work_order['number']})"
    assert link in mail.text
    assert f'href="{link}"' in mail.html
    assert "Der Link gilt bis 27.12.2027." in mail.text
    [message] = alone(story)
    assert (message.state, message.language) == ("sent", "de")


@pytest.mark.usefixtures("by_sms")
def test_alone_it_goes_by_sms_too(play: Play, work_off: WorkOff, asks: Callable[..., None]) -> None:
    asks(sample_percent=0)
    story = play(language="en")
    work_off()

    [sms] = told(story)

    number = story.work_order["number"]
    assert sms.text == f"Nord Service: {number} is done. Your service report: http://testserver{story.path}"


def test_who_was_asked_lately_gets_the_report_alone(
    play: Play, work_off: WorkOff, clock_stands: time_machine.Traveller
) -> None:
    first = play()
    work_off()
    clock_stands.shift(timedelta(days=1))
    second = play()
    work_off()

    assert [one.work_order_id for one in alone(second)] == [second.id]
    assert [first.path in told(second)[0].text, second.path in told(second)[1].text] == [True, True]


def test_who_said_no_is_told_nothing(play: Play, work_off: WorkOff, scene: Any) -> None:
    path = f"/v1/contacts/{scene.contact_id}/consents"
    scene.post(path, {"channel": "email", "state": "withdrawn", "source": "phone"}, status=201)
    story = play()
    work_off()

    assert told(story) == []
    [message] = alone(story)
    assert (message.state, message.last_error) == ("suppressed", "opted_out")


def test_a_report_that_came_after_the_question_goes_alone(
    play: Play, work_off: WorkOff, asks: Callable[..., None], clock_stands: time_machine.Traveller
) -> None:
    asks(trigger="completed")
    story = play(policy={**POLICY, "auto_close": False})
    work_off()
    assert ["/r/" in one.text for one in told(story)] == [False]

    clock_stands.shift(timedelta(minutes=5))
    version = {"If-Match": f'"{story.scene.order(str(story.id))["version"]}"'}
    path, approved = f"/v1/work-orders/{story.id}/reviews", {"decision": "approve"}
    story.scene.post(path, approved, by=story.scene.boss, status=201, **version)
    work_off()

    assert [story.path in one.text for one in told(story)] == [False, True]


def test_it_is_told_once_however_often_the_work_is_closed(
    play: Play, work_off: WorkOff, asks: Callable[..., None], clock_stands: time_machine.Traveller
) -> None:
    asks(sample_percent=0)
    story = play()
    work_off()
    story.scene.act(str(story.id), "reopening", {"reason": "It is cold again"})
    clock_stands.shift(timedelta(minutes=5))
    visit = story.scene.dispatched(story.who, story.scene.order(str(story.id)))
    again = Story(**{**story.__dict__, "visit": visit, "evidence": {}})
    for action in ("depart", "arrive", "start"):
        story.scene.report(visit["id"], action, story.who)
    again.upload("signature", "customer", clock.now(), signer_name="Cleo")
    again.close({})
    work_off()

    assert story.scene.order(str(story.id))["status"] == "closed"
    assert len(told(story)) == 1


def test_a_question_that_is_suppressed_when_it_would_be_sent_leaves_the_report_alone(
    play: Play, work_off: WorkOff, asks: Callable[..., None]
) -> None:
    asks(delay_minutes=30)
    story = play()
    asks(sample_percent=0)
    with story.runtime.transaction(story.organization_id) as db:
        survey = db.exec(select(Survey).where(Survey.work_order_id == story.id)).one()
        assert survey.state == "due"
        survey.due_at = clock.now()
    send_survey(story.runtime, organization_id=str(story.organization_id), survey_id=str(survey.id))
    work_off()

    assert [story.path in one.text for one in told(story)] == [True]
    assert len(alone(story)) == 1
