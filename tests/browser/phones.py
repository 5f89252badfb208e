"""Phones in a test's hand: each a Chromium profile of its own, driven by `phones.mjs`, that lives until the end."""

import json
import subprocess
from pathlib import Path
from typing import Any, Self

from tests.browser.browser import PROJECT, chromium


class Phones:
    """`order("ana", "click", "#sync")`: what can be ordered is listed in `phones.mjs`."""

    def __enter__(self) -> Self:
        script = str(Path(__file__).with_name("phones.mjs"))
        self._process = subprocess.Popen(
            ["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
        )
        self._say({"executable": chromium()})
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def order(self, phone: str, do: str, *given: Any) -> Any:
        """
        Raises:
            AssertionError: it could not be done, or was not seen within a minute.
        """
        return self._say({"phone": phone, "do": do, "given": given})

    def _say(self, order: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "it ended"}')
        assert "error" not in answer, (order, answer["error"])
        return answer["value"]
