"""`POST /v1/sandbox/scenario/…`: what happens in the office, and that the app ends up as the answer says."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from app.kit import clock
from app.kit.runtime import Runtime
from app.sandbox.organization import make_sandbox
from app.sandbox.show import tell
from app.sync.scenarios import BIG, SCENARIOS
from tests.conftest import CheckedClient
from tests.sandbox.conftest import Sandbox, a_note
from tests.sync.vectors import Player, fresh_sandbox


@pytest.fixture
def player(runtime: Runtime, api: CheckedClient) -> Player:
    """Ana, with everything on her phone."""
    return Player(fresh_sandbox(runtime, api)).begin()


def is_as_expected(player: Player) -> bool:
    """Whether the phone holds what the sandbox says it should, after one more pull."""
    player.pull(limit=500)
    _, _, expected = player.send("GET", "/v1/sandbox/expected", None, {}, "Ana")
    return player.held["Ana"] == {(one["kind"], one["id"]): one["rev"] for one in expected["replica"]}


def complete(player: Player, visit_id: str) -> tuple[str, str | None]:
    [result] = player.push(player.operation("visit.complete", visit_id, args={"resolution": "fixed"}))
    return result["status"], result.get("code")


def depart(player: Player, visit_id: str) -> tuple[str, str | None]:
    [result] = player.push(player.operation("visit.depart", visit_id))
    return result["status"], result.get("code")


def test_a_job_is_given_to_somebody_else_while_offline(player: Player) -> None:
    first, second = player.jobs()[1:3]
    player.play("reassign-while-offline", visit_id=first)
    player.play("reassign-while-offline", visit_id=second)

    assert depart(player, first) == ("noted", "reassigned")
    assert ("job", first) not in player.held["Ana"]
    assert complete(player, second) == ("applied", "completed_after_reassign")
    assert ("job", second) in player.held["Ana"]
    assert is_as_expected(player)


def test_a_job_is_called_off_while_offline(player: Player) -> None:
    ids = player.play("cancel-while-offline")

    assert ids["visit_id"] == player.jobs()[0], "the next one, when none is named"
    assert depart(player, ids["visit_id"]) == ("noted", "job_cancelled")
    assert is_as_expected(player)


def test_two_technicians_complete_the_same_job(player: Player) -> None:
    ids = player.play("two-complete")

    assert complete(player, ids["visit_id"]) == ("noted", "already_done_by_other")
    assert is_as_expected(player)


def test_a_part_is_used_that_is_not_in_the_van(player: Player) -> None:
    part = player.play("stock-negative")["part"]
    job = player.jobs()[0]

    [_, used] = player.push(
        player.operation("visit.start", job), player.operation("part.use", job, args={"part": part, "qty": 1})
    )

    assert (used["status"], used["code"]) == ("applied", "stock_negative")
    levels = [one["data"]["qty"] for one in player.last["changes"] if one["kind"] == "stock"]
    assert levels == [-1]
    assert is_as_expected(player)


def test_a_restored_server_has_forgotten_a_job(player: Player) -> None:
    player.begin(by="Ben")
    ids = player.play("restore-backup")

    refused = player.pull()
    player.reconcile()

    assert (refused["code"], refused["recovery"]) == ("epoch_changed", "reconcile")
    assert [(one["id"], one.get("reason")) for one in player.last["changes"]] == [(ids["visit_id"], "reconcile")]
    assert is_as_expected(player)


def test_a_token_expires_and_the_refresh_token_is_good(runtime: Runtime, api: CheckedClient) -> None:
    told = tell(runtime, make_sandbox(runtime, at=clock.now(), domain=f"{uuid4().hex}.example"))
    form = {"grant_type": "password", "username": told["people"]["Ana"]["email"], "password": told["password"]}
    tokens = api.post("/oauth/token", data=form).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}

    api.post("/v1/sandbox/scenario/token-expired", headers=headers)
    expired = api.get("/v1/sync/changes", headers=headers)
    renewed = api.post("/oauth/token", data={"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]})

    assert (expired.status_code, expired.json()["code"]) == (401, "token_expired")
    headers = {"Authorization": f"Bearer {renewed.json()['access_token']}"}
    assert api.get("/v1/sync/changes", headers=headers).status_code == 200


def test_a_full_calendar_comes_in_pages(player: Player) -> None:
    before = len(player.held["Ana"])
    player.play("big-bootstrap")
    player.held["Ana"].clear()

    page = player.pull(cursor=None, limit=50)
    while page["has_more"]:
        page = player.pull(limit=50)

    assert page["phase"] == "bootstrap"
    assert len(player.held["Ana"]) == before + BIG
    assert is_as_expected(player)


def test_the_answer_to_one_push_is_lost(sandbox: Sandbox) -> None:
    cursor = sandbox.cursor("Cem")
    visit = next(
        one["id"] for one in sandbox.get("/v1/sandbox/expected", by="Cem").json()["replica"] if one["kind"] == "job"
    )
    operation = a_note(visit)
    sandbox.post("/v1/sandbox/scenario/lost-push", by="Cem")

    assert sandbox.get("/v1/sync/changes", by="Cem", params={"cursor": cursor}).status_code == 204, "a pull is not lost"
    assert sandbox.push(by="Ben").status_code == 200, "nor is somebody else's push"
    with pytest.raises(httpx.RemoteProtocolError):
        sandbox.push(operation, by="Cem")
    [result] = sandbox.push(operation, by="Cem").json()["results"]

    assert (result["status"], result["replayed"]) == ("applied", True)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_says_what_it_did_and_what_to_expect(runtime: Runtime, api: CheckedClient, name: str) -> None:
    send = fresh_sandbox(runtime, api)

    status, _, said = send("POST", f"/v1/sandbox/scenario/{name}", None, {}, "Ana")
    api.app.state.lost_pushes.clear()  # type: ignore[attr-defined]

    assert status == 200
    assert said["scenario"] == name
    assert said["did"]
    assert said["expect"].endswith(".")


def test_a_scenario_without_anything_to_play_with_says_so(player: Player) -> None:
    answers = [player.send("POST", "/v1/sandbox/scenario/two-complete", None, {}, "Ana") for _ in range(9)]

    assert (answers[-1][0], answers[-1][2]["code"]) == (409, "nothing-to-play-with")


def test_a_clock_that_stands_still_does_so_for_everybody(sandbox: Sandbox) -> None:
    from tests.sandbox.conftest import CLOCK

    assert sandbox.told["clock"] == CLOCK
    times = {sandbox.push(by=name).json()["server_time"] for name in ("Ana", "Ben")}
    assert times == {CLOCK.replace("Z", ".000Z")}


def test_the_clock_goes_on_when_it_stands_still_no_more() -> None:
    moment = clock.now() - timedelta(days=1)
    clock.stand_still(moment)
    try:
        assert clock.now() == moment
        with clock.off_by(60):
            assert clock.now() == moment + timedelta(minutes=1)
    finally:
        clock.stand_still(None)
    assert clock.now() > moment + timedelta(hours=1)
