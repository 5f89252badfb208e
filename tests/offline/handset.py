"""An app on a device: a script in Node with a library as it comes from npm, against a server of its own process."""

import json
import subprocess
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).with_name("node")


class Handset:
    """`order(do, **with)`: see the script for the words."""

    def __init__(self, node: str, script: str) -> None:
        self._process = subprocess.Popen(
            [node, str(SCRIPTS / script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def order(self, do: str, **what: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "it ended"}')
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def calls(self, method: str, part: str) -> list[int]:
        """The statuses of the calls since the last time that were about this."""
        return [one["status"] for one in self.order("calls") if one["method"] == method and part in one["path"]]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
