"""`/v1/sandbox`: for who builds an app. Outside of sandbox organizations there is nothing here."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlmodel import Session

from app.domain.replica import digest_of, rev_of
from app.identity.access import Caller, Db, Me, api_router
from app.kit import clock
from app.kit.database import rows
from app.kit.problems import NotFound, refuses
from app.kit.schemas import Out
from app.sync.chaos import is_sandbox
from app.sync.playing import NothingToPlay, Play
from app.sync.scenarios import SCENARIOS

router = api_router("/v1/sandbox", "sandbox")

Scenario = StrEnum("Scenario", {name.replace("-", "_").upper(): name for name in SCENARIOS})  # type: ignore[misc]


class ScenarioOut(Out):
    """`did`: what happened in the office, in words; `ids`: of what; `expect`: what the app should make of it."""

    scenario: str
    did: list[str]
    ids: dict[str, str]
    expect: str


class HeldOut(Out):
    kind: str
    id: str
    rev: str


class ExpectedOut(Out):
    """What a device that is up to date holds, in the order of kind and id; `digest` is the digest of it."""

    replica: list[HeldOut]
    digest: str


def check_sandbox(db: Session, me: Caller) -> None:
    """
    Raises:
        NotFound: the caller's organization is no sandbox.
    """
    if not is_sandbox(db, me.organization_id):
        raise NotFound("There is nothing here.")


@router.post("/scenario/{name}", responses=refuses(NotFound, NothingToPlay))
def play_scenario(name: Scenario, me: Me, db: Db, request: Request, visit_id: UUID | None = None) -> ScenarioOut:
    """Let something happen to your next job, or to `visit_id`, while your app is offline."""
    check_sandbox(db, me)
    play = Play(db, me, clock.now(), visit_id)
    SCENARIOS[name.value](play)
    if name.value == "lost-push":
        request.app.state.lost_pushes.add((me.organization_id, me.technician_id))
    return ScenarioOut(scenario=name.value, did=play.did, ids=play.ids, expect=play.expect)


HELD = """
SELECT kind, entity_id AS id, epoch, seq FROM feed_entries
WHERE organization_id = %(o)s AND feed_id = %(t)s AND NOT removed ORDER BY kind, entity_id
"""


@router.get("/expected", responses=refuses(NotFound))
def get_expected_replica(me: Me, db: Db) -> ExpectedOut:
    """What your device holds when it is up to date: compare with what it does hold."""
    check_sandbox(db, me)
    found: list[dict[str, Any]] = rows(db, HELD, o=me.organization_id, t=me.technician_id)
    held = [HeldOut(kind=one["kind"], id=one["id"], rev=rev_of(one["epoch"], one["seq"])) for one in found]
    return ExpectedOut(replica=held, digest=digest_of((one.kind, one.id, one.rev) for one in held))
