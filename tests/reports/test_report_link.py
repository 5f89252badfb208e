"""The customer's link: who finds what behind it, for how long, and that looking leaves no trace."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from PIL import Image
from sqlmodel import select

from app.kit import clock
from app.kit.tokens import mint
from app.reports.commands import LINK_LIVES, make_report
from app.reports.models import ServiceReport
from app.reports.queries import report_link
from tests.reports.conftest import POLICY, Play, Story, Web, a_photo

EVERYTHING = ("", "/report.pdf", "/evidence/{before}")


def addresses(story: Story) -> list[str]:
    return [story.path + more.format(**story.evidence) for more in EVERYTHING]


def reports_of(story: Story) -> list[ServiceReport]:
    with story.runtime.transaction(story.organization_id) as db:
        query = select(ServiceReport).where(ServiceReport.organization_id == story.organization_id)
        return list(db.exec(query).all())


def test_the_link_needs_no_sign_in_and_lets_nothing_else_in(play: Play, web: Web) -> None:
    story = play()

    answer = web.get(story.path)

    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self'" in policy
    assert "unsafe" not in policy
    assert "script" not in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["content-language"] == "de"
    assert f'href="{story.path}/report.pdf?lang=de"' in answer.text
    assert web.get(f"{story.path}?lang=en").headers["content-language"] == "en"


def test_looking_at_it_changes_nothing(play: Play, web: Web) -> None:
    story = play()
    before = [report.model_dump() for report in reports_of(story)]

    for address in addresses(story):
        assert web.get(address).status_code == web.head(address).status_code == 200

    assert [report.model_dump() for report in reports_of(story)] == before


def test_a_picture_is_the_one_that_we_made_anew(play: Play, web: Web) -> None:
    story = play()

    answer = web.get(f"{story.path}/evidence/{story.evidence['before']}")

    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.content != a_photo("BEFORE", "#b3261e")
    assert Image.open(BytesIO(answer.content)).size == (1280, 960)
    signature = web.get(f"{story.path}/evidence/{story.evidence['signature']}")
    assert signature.headers["content-type"] == "image/png"
    part = web.get(f"{story.path}/evidence/{story.evidence['before']}", headers={"Range": "bytes=0-1"})
    assert (part.status_code, part.content) == (206, b"\xff\xd8")


def test_pictures_of_other_jobs_are_not_there(play: Play, web: Web) -> None:
    story, other = play(), play()

    for evidence_id in (other.evidence["before"], str(uuid4())):
        answer = web.get(f"{story.path}/evidence/{evidence_id}")
        assert (answer.status_code, answer.content) == (404, b"")


def test_the_link_lives_for_400_days(play: Play, web: Web, clock_stands: time_machine.Traveller) -> None:
    story = play()
    end = clock.now() + timedelta(days=400)

    clock_stands.move_to(end - timedelta(seconds=1))
    assert [web.get(address).status_code for address in addresses(story)] == [200, 200, 200]

    clock_stands.move_to(end)
    answers = [web.get(address, headers={"Accept-Language": "de"}) for address in addresses(story)]
    assert [answer.status_code for answer in answers] == [410, 410, 410]
    assert "Dieser Link ist abgelaufen" in answers[0].text
    assert "Heizung" not in answers[0].text


def unknown_tokens(story: Story) -> dict[str, str]:
    own = story.path.removeprefix("/r/")
    return {
        "no token": "nobody",
        "other letters": own[:-1] + ("a" if own[-1] != "a" else "b"),
        "another of this organization": mint("r", story.organization_id, bits=96),
        "another organization": mint("r", uuid4(), bits=96),
        "another kind": "s" + own[1:],
        "the work order": str(story.id),
    }


def test_what_is_no_link_finds_nothing(play: Play, web: Web) -> None:
    story = play()

    for token in unknown_tokens(story).values():
        answer = web.get(f"/r/{token}?lang=de")
        assert answer.status_code == 404
        assert "Hier ist nichts" in answer.text
        assert web.get(f"/r/{token}/report.pdf").status_code == 404
        assert web.get(f"/r/{token}/evidence/{story.evidence['before']}").status_code == 404


@pytest.mark.parametrize(
    "policy", [{**POLICY, "report": {"send": False}}, {k: v for k, v in POLICY.items() if k != "report"}]
)
def test_there_is_no_link_unless_the_policy_wants_one(play: Play, web: Web, policy: dict[str, Any]) -> None:
    story = play(policy=policy)

    assert reports_of(story) == []
    assert web.get(story.path).status_code == 404
    assert story.report().status_code == 200


def test_only_its_hash_is_kept(play: Play) -> None:
    story = play()

    [report] = reports_of(story)

    token = story.path.removeprefix("/r/")
    assert token not in str(report.model_dump())
    with story.runtime.transaction(story.organization_id) as db:
        assert report_link(db, story.organization_id, story.id) == f"http://testserver{story.path}"


def test_the_link_is_still_told_when_the_secret_was_rotated(play: Play, web: Web) -> None:
    story = play()
    rotated = replace(story.runtime, secret="a newer secret, long enough too", previous_secrets=[story.runtime.secret])

    with rotated.transaction(story.organization_id) as db:
        told = report_link(db, story.organization_id, story.id)

    assert told == f"http://testserver{story.path}"
    assert web.get(story.path).status_code == 200


def test_a_link_whose_secret_was_lost_is_not_told_and_made_anew_at_the_next_closing(play: Play, web: Web) -> None:
    story = play()
    lost = replace(story.runtime, secret="a secret after the first was lost", previous_secrets=[])

    with lost.transaction(story.organization_id) as db:
        before = report_link(db, story.organization_id, story.id)
        make_report(db, story.organization_id, story.id, at=clock.now())
        after = report_link(db, story.organization_id, story.id)

    assert before is None
    assert after is not None
    assert web.get(after.removeprefix("http://testserver")).status_code == 200
    assert web.get(story.path).status_code == 404


def test_closing_again_keeps_the_link_and_prolongs_it(
    play: Play, clock_stands: time_machine.Traveller, web: Web
) -> None:
    story = play()
    [before] = reports_of(story)
    clock_stands.shift(timedelta(days=20))
    story.scene.act(str(story.id), "reopening", {"reason": "It is cold again"})
    assert 'Stand</dt><dd dir="auto">Erledigt' not in web.get(story.path).text

    visit = story.scene.dispatched(story.who, story.scene.order(str(story.id)))
    again = Story(**{**story.__dict__, "visit": visit, "evidence": {}})
    for action in ("depart", "arrive", "start"):
        clock_stands.shift(timedelta(minutes=10))
        story.scene.report(visit["id"], action, story.who)
    again.upload("signature", "customer", clock.now(), signer_name="Cleo")
    again.close({})

    [after] = reports_of(story)
    assert (after.id, after.token_hash, after.created_at) == (before.id, before.token_hash, before.created_at)
    assert after.expires_at == clock.now() + LINK_LIVES
    assert "Besuch 2" in web.get(story.path).text
