"""The demo organization, made once in a database of its own."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from rich.console import Console

from app.demo import organization
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.main import build_runtime
from app.migrate import migrate

#: Any day will do; the ninety days end with its first minute, in Hamburg.
NOW = datetime(2026, 7, 15, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="package")
def demo_dsn(make_database: Callable[[str], str]) -> str:
    dsn = make_database("firstfix_demo")
    migrate(dsn)
    return dsn


@pytest.fixture(scope="package")
def demo(demo_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """A process that has the demo organization."""
    folder: Path = tmp_path_factory.mktemp("demo")
    settings = Settings(
        data_dir=folder,
        run_worker=False,
        secret_key="a secret that only these tests know",
        public_url="http://testserver",
    )
    runtime = build_runtime(settings, demo_dsn)
    organization.make(runtime, now=NOW)
    yield runtime
    runtime.engine.dispose()


@pytest.fixture(scope="package")
def demo_id(demo: Runtime) -> UUID:
    found = organization.find(demo)
    assert found is not None
    return found


@pytest.fixture
def paper() -> Console:
    """A console that remembers; read it with `paper.file.getvalue()`."""
    return Console(file=io.StringIO(), width=80)
