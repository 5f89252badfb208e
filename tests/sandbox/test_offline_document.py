"""docs/offline.md: its examples are the recordings', its commands run, and it knows all there is to know."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from app.sync.chaos import WORDS
from app.sync.models import OperationStatus
from app.sync.operations import HANDLERS
from app.sync.scenarios import SCENARIOS
from tests.sandbox.conftest import Sandbox
from tests.sync.vectors import read

DOCUMENT = Path(__file__).parents[2] / "docs" / "offline.md"
EXAMPLE = re.compile(r"<!-- vector: (\S+) (\d+) (\S+) -->\n```json\n(.*?)```", re.S)
COMMANDS = re.compile(r"<!-- run: first five minutes -->\n```sh\n(.*?)```", re.S)
#: As `scripts/sync-vectors` sets it: the examples are written anew from the recordings.
RECORD = os.environ.get("RECORD_SYNC_VECTORS") == "1"


def written(value: Any, indent: int = 0, width: int = 120) -> str:
    """JSON with as much on a line as fits."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= width or not isinstance(value, dict | list) or not value:
        return flat
    inner, pairs = " " * (indent + 2), isinstance(value, dict)
    lines = [
        f"{inner}{json.dumps(key)}: {written(one, indent + 2, width)}" if pairs else inner + written(one, indent + 2)
        for key, one in (value.items() if isinstance(value, dict) else enumerate(value))
    ]
    opening, closing = "{}" if pairs else "[]"
    return opening + "\n" + ",\n".join(lines) + "\n" + " " * indent + closing


def example(name: str, number: str, path: str) -> str:
    value = read(name)["exchanges"][int(number)]
    for part in path.split("."):
        value = value[int(part)] if part.isdigit() else value[part]
    return written(value) + "\n"


def test_every_example_is_what_was_recorded() -> None:
    if RECORD:
        fill = lambda m: m[0][: m.start(4) - m.start()] + example(m[1], m[2], m[3]) + "```"  # noqa: E731
        DOCUMENT.write_text(EXAMPLE.sub(fill, DOCUMENT.read_text()))
    found = EXAMPLE.findall(DOCUMENT.read_text())

    assert len(found) >= 10
    for name, number, path, shown in found:
        assert shown == example(name, number, path), (name, number, path)


def test_the_first_five_minutes_go_as_they_are_written(sandbox: Sandbox, tmp_path: Path) -> None:
    [commands] = COMMANDS.findall(DOCUMENT.read_text())
    given = {"BASE": sandbox.told["base_url"], "TOKEN": sandbox.told["people"]["Ana"]["token"]}

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    first, scenario, last = done.stdout.splitlines()
    assert (first, last) == ("204", "noted reassigned")
    pushed = json.loads((tmp_path / "pushed.json").read_text())
    expected = json.loads((tmp_path / "expected.json").read_text())
    held = {(one["kind"], one["id"]) for one in expected["replica"]}
    assert ("job", json.loads(scenario)["ids"]["visit_id"]) not in held
    assert ("issue", pushed["results"][0]["issue_id"]) in held


def test_everything_that_can_be_sent_or_asked_for_is_in_the_document() -> None:
    text = DOCUMENT.read_text()

    for word in (*WORDS, *SCENARIOS, *(type_ for type_, _ in HANDLERS), *OperationStatus):
        assert re.search(rf"`{re.escape(word)}[=`]", text), word
