"""`python -m app demo`: find a demo server or start one, play the day, stop what was started."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape

from app.demo.cast import ORGANIZATION, PASSWORD, email_of
from app.demo.talk import DayFailed

USUAL = "http://127.0.0.1:8000"
ROOT = Path(__file__).resolve().parents[2]
#: It stands beside `app` and is a package of its own, for others to use without the server.
REFERENCE_CLIENT = ROOT / "clients" / "python"
START_SECONDS, STOP_SECONDS = 120, 30


def show(url: str | None, data_dir: Path | None, out: Console) -> bool:
    """Play the day; whether every step did what it should."""
    try:
        find_reference_client()
        from app.demo.day import play

        if url is not None or (data_dir is None and is_demo_server(USUAL)):
            out.print(f"A day at {ORGANIZATION}, on {url or USUAL}", soft_wrap=True)
            play(url or USUAL, out)
        else:
            with (
                tempfile.TemporaryDirectory(prefix="firstfix-demo-") as temporary,
                started(data_dir or Path(temporary), out) as address,
            ):
                play(address, out)
    except DayFailed as trouble:
        out.print(f"\n[red]✗[/red] {escape(str(trouble))}", soft_wrap=True)
        return False
    out.print("\n[green]The whole day went as it should.[/green]")
    return True


def find_reference_client() -> None:
    """Let `import firstfix_offline` find it, without installing anything.

    Raises:
        DayFailed: it is not there.
    """
    if not (REFERENCE_CLIENT / "firstfix_offline").is_dir():
        raise DayFailed(f"the technicians' phones run the reference client, and {REFERENCE_CLIENT} is missing")
    if str(REFERENCE_CLIENT) not in sys.path:
        sys.path.append(str(REFERENCE_CLIENT))


def is_demo_server(url: str) -> bool:
    """Whether a server answers there on which the demo's people can sign in."""
    form = {"grant_type": "password", "username": email_of("Dana"), "password": PASSWORD}
    try:
        with httpx.Client(base_url=url, timeout=5, trust_env=False) as http:
            ready = http.get("/readyz").status_code == 200
            return ready and http.post("/oauth/token", data=form).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def started(data_dir: Path, out: Console) -> Iterator[str]:
    """A demo server of our own, on a free port, with its own database and outbox; its address.

    Raises:
        DayFailed: it did not become ready.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    log, port = data_dir / "server.log", free_port()
    ours = {
        name: text for name, text in os.environ.items() if name != "DATABASE_URL" and not name.startswith("FIRSTFIX_")
    }
    with log.open("ab") as said:
        command = ["serve", "--demo", "--port", str(port), "--data-dir", str(data_dir.absolute())]
        server = subprocess.Popen(
            [sys.executable, "-m", "app", *command],
            cwd=ROOT,
            env=ours,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        with out.status("Starting a demo server …"):
            wait_until_ready(server, address, log)
        out.print(f"A day at {ORGANIZATION}, on a server started for it at {address}", soft_wrap=True)
        yield address
    finally:
        stop(server)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/readyz", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise DayFailed(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def stop(server: subprocess.Popen[bytes]) -> None:
    """Ask it to end, so that it stops its database too; kill it when it does not."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
