"""The one program, as an operator types it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from app.identity import commands
from app.kit import clock
from app.kit.database import enter, rows
from app.kit.settings import Settings
from app.main import build_runtime
from app.migrate import migrate

RECORDS = {
    "technicians.csv": "ref,name\nT1,Ana\nT2,Ben\n",
    "teams.csv": "ref,name\nN,North\n",
}


@pytest.fixture
def database(make_database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An empty database that the program is told of."""
    dsn = make_database("firstfix_command_line")
    monkeypatch.setenv("DATABASE_URL", dsn)
    monkeypatch.setenv("FIRSTFIX_DATA_DIR", str(tmp_path / "data"))
    return dsn


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "records"
    made.mkdir()
    for name, text in RECORDS.items():
        (made / name).write_text(text)
    return made


def an_organization(dsn: str, name: str, tmp_path: Path) -> None:
    migrate(dsn)
    runtime = build_runtime(Settings(data_dir=tmp_path / "data"), dsn)
    with runtime.transaction(None) as db:
        commands.create_organization(db, name, at=clock.now())
    runtime.engine.dispose()


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_a_folder_is_imported_with_a_report(database: str, folder: Path, tmp_path: Path) -> None:
    an_organization(database, "Nord", tmp_path)

    code, said = run("import", str(folder))

    assert code == 0, said
    assert "technicians" in said
    runtime = build_runtime(Settings(data_dir=tmp_path / "data"), database)
    with runtime.transaction(None) as db:
        [organization] = rows(db, "SELECT id FROM organizations")
        enter(db, organization["id"])
        assert [row["name"] for row in rows(db, "SELECT name FROM technicians ORDER BY name")] == ["Ana", "Ben"]
    runtime.engine.dispose()


def test_a_refused_row_is_said_and_ends_with_one(database: str, folder: Path, tmp_path: Path) -> None:
    an_organization(database, "Nord", tmp_path)
    (folder / "technicians.csv").write_text("ref,name\nT1,Ana\nT1,Somebody else\n")

    code, said = run("import", str(folder))

    assert code == 1
    assert "technicians: 1 × same-key-twice, first in line 3" in said


def test_of_several_organizations_one_must_be_named(database: str, folder: Path, tmp_path: Path) -> None:
    for name in ("Nord", "Ost"):
        an_organization(database, name, tmp_path)

    without = run("import", str(folder))
    named = run("import", str(folder), "--organization", "Ost")

    assert without[0] == 1
    assert "--organization" in without[1]
    assert named[0] == 0


def test_an_empty_folder_is_an_error(database: str, folder: Path, tmp_path: Path) -> None:
    an_organization(database, "Nord", tmp_path)
    shutil.rmtree(folder)
    folder.mkdir()

    code, said = run("import", str(folder))

    assert code == 1
    assert "no file of a table" in said


def test_the_doctor_ends_with_one_when_the_schema_is_missing_and_with_zero_when_it_is_there(database: str) -> None:
    before = run("doctor")
    migrated = run("migrate")
    after = run("doctor")

    assert before[0] == 1
    assert "schema" in before[1]
    assert migrated[0] == 0
    assert after[0] == 0, after[1]
