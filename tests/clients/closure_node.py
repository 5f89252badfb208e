"""The closure evaluator of the TypeScript client, compiled, in a Node of its own that lives as long as the tests."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

DRIVER = Path(__file__).with_name("node") / "closure.mjs"


class NodeEvaluator:
    """`ask("evaluate", case={…})`: what the module of that name says; the questions are in node/closure.mjs."""

    def __init__(self, node: str, compiled: Path) -> None:
        self._process = subprocess.Popen(
            [node, str(DRIVER), (compiled / "closure" / "index.js").as_uri()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
        )

    def ask(self, do: str, **what: Any) -> Any:
        answer = self._ask(do, what)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def refuses(self, do: str, **what: Any) -> str | None:
        """Why it throws; None when it does not."""
        return self._ask(do, what).get("error")

    def _ask(self, do: str, what: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "it ended"}')
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
