"""A real Chromium, driven by `look.mjs`: open pages as customers do and say what was seen.

Needs `npm ci` in the project's folder and a Chromium on the PATH (or in `CHROMIUM`); both are said when missing.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

#: Every size and scheme a page is looked at in.
VIEWS = [(width, scheme) for width in (320, 390) for scheme in ("light", "dark")]


def chromium() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        raise RuntimeError("The browser tests need Chromium: apt-get install chromium, or set CHROMIUM.")
    if not (PROJECT / "node_modules" / "playwright-core").is_dir():
        raise RuntimeError("The browser tests need their tools: npm ci, in the project's folder.")
    return found


def look(*visits: dict[str, Any]) -> list[dict[str, Any]]:
    """What each visit saw: `status, title, text, violations, small_targets, overflow_px, requests, checked, …`.

    A visit: `url`, and if wanted `width, scheme, javascript, locale, screenshot, headers, steps`; see `look.mjs`.
    """
    order = {"executable": chromium(), "visits": visits}
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("look.mjs"))],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        timeout=180,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"The browser failed: {done.stderr[-2000:]}")
    seen: list[dict[str, Any]] = json.loads(done.stdout)
    return seen


def must_be_fine(seen: dict[str, Any]) -> None:
    """Accessible, within the screen, reachable with a thumb, and talking to nobody but us."""
    assert seen["violations"] == []
    assert seen["rules_passed"] > 5
    assert seen["overflow_px"] <= 0
    assert seen["small_targets"] == []
    assert seen["scripts"] == 0
    host = seen["url"].split("/")[2]
    assert [request for request in seen["requests"] if request.split("/")[2] != host] == []
    assert [line for line in seen["complaints"] if "Content Security Policy" in line] == []
