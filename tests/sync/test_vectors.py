"""`openapi/sync-vectors`: what was recorded is what the server answers today, and what the reference clients make of
it is what they should hold. `scripts/sync-vectors` records anew."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from app.kit import clock
from app.kit.runtime import Runtime
from app.sync.operations import HANDLERS
from tests.conftest import CheckedClient
from tests.sync.vector_scripts import SCRIPTS
from tests.sync.vectors import CLOCK, FOLDER, Player, Send, fresh_sandbox, play_again, read, write

RECORD = os.environ.get("RECORD_SYNC_VECTORS") == "1"


@pytest.fixture
def sandbox(runtime: Runtime, api: CheckedClient) -> Iterator[Callable[[], Send]]:
    """Makes a fresh sandbox whose clock stands still, and a way to send to it."""
    clock.stand_still(datetime.fromisoformat(CLOCK))
    yield lambda: fresh_sandbox(runtime, api)
    clock.stand_still(None)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_server_answers_as_it_was_recorded(sandbox: Callable[[], Send], name: str) -> None:
    if RECORD:
        player = Player(sandbox())
        SCRIPTS[name](player)
        write(name, (SCRIPTS[name].__doc__ or "").strip(), player.exchanges)

    recording = read(name)
    played = play_again(recording, Player(sandbox()))

    for one, now in zip(recording["exchanges"], json.loads(json.dumps(played)), strict=True):
        assert now == one, one["about"]


def test_there_is_a_recording_of_every_script_and_no_other() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(SCRIPTS)


def test_every_version_of_every_operation_is_recorded_and_accepted() -> None:
    recorded = {
        (operation["type"], operation["v"]): result["status"]
        for one in read("every-operation")["exchanges"]
        if one["request"]["path"] == "/v1/sync"
        for operation, result in zip(
            one["request"]["body"]["operations"], one["response"]["body"]["results"], strict=True
        )
    }

    assert set(HANDLERS) <= set(recorded)
    assert {recorded[known] for known in HANDLERS} <= {"applied", "noted"}
