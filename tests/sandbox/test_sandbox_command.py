"""`python -m app sandbox`: one command, nothing else needed."""

import re
from pathlib import Path

import httpx

from tests.processes import Process, free_port, wait_until_ready


def test_one_command_starts_a_sandbox_with_its_own_database_and_says_how_to_begin(tmp_path: Path) -> None:
    port = free_port()
    process = Process(["-m", "app", "sandbox", "--port", str(port)], tmp_path / "said.log", {"DATABASE_URL": ""})
    process.start()
    try:
        base = f"http://127.0.0.1:{port}"
        wait_until_ready(process, f"{base}/readyz", seconds=90)
        said = process.log.read_text()
        people = dict(re.findall(r"^  (\w+)\s+(\S+@sandbox\.example)", said, re.M))
        [token] = re.findall(rf"export BASE={base} TOKEN=(\S+)", said)
        page = httpx.get(f"{base}/v1/sync/changes", headers={"Authorization": f"Bearer {token}"}, trust_env=False)

        assert list(people) == ["Ana", "Ben", "Cem", "Dana"]
        assert {one["kind"] for one in page.json()["changes"]} == {"me", "manifest", "job", "stock"}
        assert sum(one["kind"] == "job" for one in page.json()["changes"]) == 6
    finally:
        process.stop()
