"""What stays of a server with an embedded database when it is stopped, and when it is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.processes import ROOT, Process, free_port, wait_until_ready


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(tmp_path: Path, port: int) -> Process:
    return Process(
        ["-m", "app", "serve", "--port", str(port), "--data-dir", str(tmp_path / "data")],
        tmp_path / "server.log",
        {"FIRSTFIX_BOOTSTRAP_ADMIN": "ada@example.org:plenty of horses", "FIRSTFIX_LOG_LEVEL": "warning"},
    )


def postmaster(folder: Path) -> int | None:
    """The process of the embedded database; None when there is none."""
    file = folder / "data" / "postgres" / "postmaster.pid"
    if not file.exists():
        return None
    number = int(file.read_text().split()[0])
    return number if Path(f"/proc/{number}").exists() else None


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_server_takes_its_database_along(
    server: Process, tmp_path: Path, port: int, how: signal.Signals
) -> None:
    server.start()
    wait_until_ready(server, f"http://127.0.0.1:{port}/readyz")
    assert postmaster(tmp_path) is not None

    os.kill(server.pid, how)
    assert server.running is not None
    code = server.running.wait(20)

    assert code == (0 if how is signal.SIGTERM else 130), server.last_words()
    assert postmaster(tmp_path) is None


def test_a_killed_server_loses_nothing_and_the_next_one_goes_on(server: Process, tmp_path: Path, port: int) -> None:
    server.start()
    wait_until_ready(server, f"http://127.0.0.1:{port}/readyz")
    form = {"grant_type": "password", "username": "ada@example.org", "password": "plenty of horses"}
    signed_in = httpx.post(f"http://127.0.0.1:{port}/oauth/token", data=form).json()
    headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
    team = httpx.post(f"http://127.0.0.1:{port}/v1/teams", json={"name": "North"}, headers=headers)
    assert team.status_code == 201

    server.kill()
    server.start()
    wait_until_ready(server, f"http://127.0.0.1:{port}/readyz")

    teams = httpx.get(f"http://127.0.0.1:{port}/v1/teams", headers=headers).json()["items"]
    assert [one["name"] for one in teams] == ["North"]
    server.stop()
    assert postmaster(tmp_path) is None


def test_without_an_admin_the_first_start_prints_a_link_that_works_once(tmp_path: Path, port: int) -> None:
    server = Process(
        ["-m", "app", "serve", "--port", str(port), "--data-dir", str(tmp_path / "data")],
        tmp_path / "server.log",
        {"FIRSTFIX_LOG_LEVEL": "warning"},
    )
    server.start()
    wait_until_ready(server, f"http://127.0.0.1:{port}/readyz")
    link = server.last_words().split("once: ")[1].split()[0]

    assert httpx.get(link).status_code == 200
    server.stop()


def test_a_setting_that_cannot_be_is_one_line_and_an_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app", "serve", "--data-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "FIRSTFIX_BOOTSTRAP_ADMIN": "ada@example.org:short"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "FIRSTFIX_BOOTSTRAP_ADMIN" in done.stderr
