"""The doctor says what is broken and what to do, and is well when nothing is."""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from app.doctor import State, examine, report
from app.kit.settings import Settings
from app.migrate import migrate
from tests.processes import free_port

Database = Callable[[], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def patient(make_database: Callable[[str], str]) -> str:
    dsn = make_database("firstfix_doctor")
    migrate(dsn)
    return dsn


@pytest.fixture
def connection(patient: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(patient, autocommit=True) as opened:
        yield opened


def found(dsn: str, folder: Path, **settings: object) -> dict[str, tuple[State, str, str]]:
    """The findings by check: state, what was found, what to do."""
    told = examine(Settings(data_dir=folder, **settings), lambda: nullcontext(dsn))  # type: ignore[arg-type]
    return {one.check: (one.state, one.said, one.advice) for one in told}


def test_nothing_is_broken_on_a_migrated_database(patient: str, tmp_path: Path) -> None:
    findings = found(patient, tmp_path)
    paper = Console(file=io.StringIO(), width=200)

    assert {name for name, (state, _, _) in findings.items() if state is not State.OK} == {"messages"}
    assert findings["messages"][0] is State.WARN
    assert report(Settings(data_dir=tmp_path), lambda: nullcontext(patient), paper)
    assert "row-level security" in paper.file.getvalue()  # type: ignore[attr-defined]


def test_an_old_schema_says_to_migrate(make_database: Callable[[str], str], tmp_path: Path) -> None:
    empty = make_database("firstfix_doctor_empty")

    state, said, advice = found(empty, tmp_path)["schema"]

    assert state is State.FAIL
    assert said.startswith("none, newest is ")
    assert "migrate" in advice
    assert not report(Settings(data_dir=tmp_path), lambda: nullcontext(empty), Console(file=io.StringIO()))


def test_a_table_without_its_wall_is_named(patient: str, connection: psycopg.Connection, tmp_path: Path) -> None:
    connection.execute("ALTER TABLE visits NO FORCE ROW LEVEL SECURITY")
    try:
        state, said, _ = found(patient, tmp_path)["row-level security"]
    finally:
        connection.execute("ALTER TABLE visits FORCE ROW LEVEL SECURITY")

    assert (state, said) == (State.FAIL, "not in force on visits")


def test_work_that_nobody_does_is_counted(patient: str, connection: psycopg.Connection, tmp_path: Path) -> None:
    job = (
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, scheduled_at) "
        "VALUES ('default', 'surveys.send', %s, now() - interval '1 hour')"
    )
    try:
        connection.execute(job, ["todo"])
        connection.execute(job, ["doing"])
        state, said, advice = found(patient, tmp_path)["queue"]
    finally:
        connection.execute("DELETE FROM procrastinate_jobs")

    assert (state, said) == (State.WARN, "1 late, 1 stalled, 0 failed")
    assert "worker" in advice


def test_a_database_that_cannot_be_reached_is_one_finding_among_the_others(tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/none"

    findings = found(nowhere, tmp_path)

    assert findings["database"][0] is State.FAIL
    assert findings["data folder"][0] is State.OK
    assert "schema" not in findings


def test_a_data_folder_that_cannot_be_written_to_is_said(patient: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    assert found(patient, tmp_path / "file")["data folder"][0] is State.FAIL


def test_a_mail_server_that_does_not_answer_is_said_without_its_password(patient: str, tmp_path: Path) -> None:
    url = f"smtp://me:hush-hush@127.0.0.1:{free_port()}"

    state, said, advice = found(patient, tmp_path, smtp_url=url)["messages"]

    assert state is State.FAIL
    assert "hush-hush" not in said + advice


def test_half_an_account_for_text_messages_is_said(patient: str, tmp_path: Path) -> None:
    state, said, _ = found(patient, tmp_path, twilio_account_sid="AC1")["messages"]

    assert state is State.FAIL
    assert "TWILIO" in said


def test_links_that_nobody_else_can_open_are_said(patient: str, tmp_path: Path) -> None:
    assert found(patient, tmp_path, host="0.0.0.0")["links"][0] is State.WARN
    assert found(patient, tmp_path, host="0.0.0.0", public_url="https://fix.example")["links"][0] is State.OK
