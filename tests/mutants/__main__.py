"""`python -m tests.mutants`: every mutant in a copy of the tree, the tests that shall catch it, and a table of who did.

Exit code 1 when one survives, or when what it replaces is not there (any more).
"""
# ruff: noqa: T201 - it is a command, it prints

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from app.kit.embedded_postgres import EmbeddedPostgres
from tests.mutants.catalog import MUTANTS, Mutant

PROJECT = Path(__file__).parents[2]
NEEDED = ("app", "tests", "clients/python", "migrations", "openapi", "pyproject.toml")
CAUGHT, SURVIVED, STALE = "caught", "SURVIVED", "NOT APPLIED"


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    asked.add_argument("--only", default="", help="those with this in their name")
    asked.add_argument("--healthy", action="store_true", help="run the same tests without any mutant: all must pass")
    given = asked.parse_args()
    chosen = [one for one in MUTANTS if given.only in one.name]
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres.start(Path(folder) / "postgres") as server:
        if given.healthy:
            return _healthy(chosen, Path(folder), server.dsn)
        found = [(one, test, how) for one in chosen for test, how in _hunt(one, Path(folder), server.dsn)]
    print(f"\n{sum(how == CAUGHT for _, _, how in found)} of {len(found)} caught, {len(chosen)} mutants")
    return 0 if found and all(how == CAUGHT for _, _, how in found) else 1


def _healthy(chosen: list[Mutant], folder: Path, dsn: str) -> int:
    tree = _copy(folder)
    tests = sorted({test for one in chosen for several in one.caught_by for test in several.split()})
    return subprocess.run(_pytest(*tests), cwd=tree, env=_surroundings(dsn), check=False).returncode


def _hunt(mutant: Mutant, folder: Path, dsn: str) -> list[tuple[str, str]]:
    """Test → what it said of the mutant."""
    tree = _copy(folder)
    is_applied = all(_applied(tree, mutant, n) for n in range(len(mutant.changes)))
    said, why = [], ""
    for test in mutant.caught_by:
        how = STALE
        if is_applied:
            done = subprocess.run(
                _pytest("-q", "--tb=short", *test.split()),
                cwd=tree,
                env=_surroundings(dsn),
                capture_output=True,
                check=False,
            )
            # 1: a test failed. Anything else is no test that failed: nothing was collected, the tree is broken.
            how = {0: SURVIVED, 1: CAUGHT}.get(done.returncode, f"BROKEN {done.stdout.decode()[-2000:]}")
            why = next((line for line in reversed(done.stdout.decode().splitlines()) if line.startswith("E  ")), "")
        print(f"{mutant.name:42} {how:12} {test.split()[0]}", flush=True)
        if how == CAUGHT:
            print(f"{'':55} {why[2:].strip()[:160]}", flush=True)
        said.append((test, how))
    return said


def _pytest(*more: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *more]


def _surroundings(dsn: str) -> dict[str, str]:
    return {**os.environ, "TEST_DATABASE_URL": dsn, "PYTHONDONTWRITEBYTECODE": "1"}


def _copy(folder: Path) -> Path:
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for name in NEEDED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            tree.mkdir(exist_ok=True)
            shutil.copy(source, tree / name)
    return tree


def _applied(tree: Path, mutant: Mutant, number: int) -> bool:
    change = mutant.changes[number]
    file = tree / change.file
    text = file.read_text()
    if text.count(change.old) != 1:
        print(f"{mutant.name}: {change.file} has {text.count(change.old)} times: {change.old!r}", file=sys.stderr)
        return False
    file.write_text(text.replace(change.old, change.new))
    return True


if __name__ == "__main__":
    sys.exit(main())
