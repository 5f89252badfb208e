"""The ladder of imports holds, and the check that says so notices when it does not."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FEATURES = (
    "identity", "customers", "work_orders", "visits", "dispatch", "parts", "attachments", "messages", "closure",
    "certificates", "reports", "surveys", "kpis", "sync", "partners", "imports",
)  # fmt: skip
#: The edge of every request: it reads the clock once, and it commits before the answer is sent.
EDGE = "app/identity/access.py"
#: What the worker and the command line run: they stand where routes stand.
RUN_BY_THE_WORKER = {
    "app/closure/confirmation_tasks.py",
    "app/closure/upkeep.py",
    "app/imports/commands.py",
    "app/imports/command.py",
    "app/attachments/tasks.py",
    "app/sync/epochs.py",
    "app/sync/manifests.py",
    "app/sync/redrive.py",
    "app/sync/upkeep.py",
    # Before any route, around all of them, or at the end of each transaction:
    "app/certificates/sealing.py",
    "app/sync/chaos.py",
    "app/sync/door.py",
    "app/sync/feeds.py",
    "app/sync/glance.py",
}
#: Each operation of a device is a transaction of its own, whatever becomes of the others in its request.
MANY_TRANSACTIONS = {
    "app/sync/pushing.py",
    "app/sync/redrive.py",
    "app/sync/routes.py",
    "app/sync/door.py",
    "app/sync/scenarios.py",
}


@pytest.fixture
def copy_of_the_app(tmp_path: Path) -> Path:
    """The app and its settings in a folder where a test may spoil them."""
    shutil.copytree(PROJECT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def sources(*parts: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PROJECT.joinpath("app", *parts).rglob("*.py")):
        yield path.relative_to(PROJECT), ast.parse(path.read_text())


def imported_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def has_routes(tree: ast.Module) -> bool:
    return any(
        isinstance(target, ast.Name) and target.id == "router"
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
    )


def test_the_app_keeps_to_the_ladder(copy_of_the_app: Path) -> None:
    answer = lint_imports(copy_of_the_app)

    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("kit/planted.py", "import app.surveys", "Imports go down the ladder only"),
        ("visits/planted.py", "import app.closure.models", "Imports go down the ladder only"),
        ("closure/planted.py", "import app.models", "Imports go down the ladder only"),
        ("planted/__init__.py", "", "Imports go down the ladder only"),
        ("domain/planted.py", "import sqlalchemy", "The rules of the field know no tool"),
        ("surveys/planted.py", "import app.kit.embedded_postgres", "Features know nothing of the server"),
    ],
)
def test_a_planted_violation_is_found(copy_of_the_app: Path, file: str, line: str, broken: str) -> None:
    planted = copy_of_the_app / "app" / file
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(f"{line}\n")

    answer = lint_imports(copy_of_the_app)

    assert answer.returncode != 0
    assert any(broken in text and "BROKEN" in text for text in answer.stdout.splitlines())


def test_two_parts_of_a_folder_that_need_each_other_are_found(copy_of_the_app: Path) -> None:
    folder = copy_of_the_app / "app" / "visits"
    (folder / "planted_one.py").write_text("import app.visits.planted_two\n")
    (folder / "planted_two.py").write_text("import app.visits.planted_one\n")

    answer = lint_imports(copy_of_the_app)

    assert answer.returncode != 0
    assert any("need each other BROKEN" in text for text in answer.stdout.splitlines())


def test_the_domain_imports_the_standard_library_and_itself_only() -> None:
    strangers = {
        f"{path}: {name}"
        for path, tree in sources("domain")
        for name in imported_names(tree)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("app.domain")
    }

    assert strangers == set()


def test_no_feature_commits_or_rolls_back() -> None:
    said = {
        f"{path}:{node.lineno}"
        for feature in FEATURES
        for path, tree in sources(feature)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"commit", "rollback"}
        and str(path) not in {EDGE, *MANY_TRANSACTIONS}
    }

    assert said == set()


def test_only_routes_and_what_runs_them_read_the_clock() -> None:
    readers = {
        str(path)
        for feature in (*FEATURES, "domain")
        for path, tree in sources(feature)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"clock", "datetime", "date"}
        and not has_routes(tree)
        and str(path) != EDGE
    }

    assert readers == RUN_BY_THE_WORKER
