"""`Prefer: respond-async`: the worker takes the file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import Session, select

from app.identity.models import Organization, Team
from app.imports import commands
from app.imports.command import import_folder
from app.imports.models import ImportRun
from app.kit.problems import NotFound
from app.kit.runtime import Runtime
from tests.conftest import CheckedClient, Somebody
from tests.imports.conftest import Send, as_ndjson, counts

TEAMS = [{"ref": f"team {n}"} for n in range(25)]


def test_the_worker_takes_the_file_and_the_report_says_how_far_it_is(
    send: Send, api: CheckedClient, max_: Somebody, db: Session, work_off: Callable[[], None]
) -> None:
    queued = send("teams", *TEAMS, {"name": "nameless"}, prefer="respond-async, wait=1")
    assert (queued["state"], counts(queued)) == ("queued", (0, 0, 0, 0))

    work_off()

    done = api.get(f"/v1/imports/{queued['id']}", headers=max_.headers).json()
    assert (done["state"], done["rows_done"], counts(done)) == ("done", 26, (25, 0, 0, 1))
    assert db.exec(select(ImportRun.body)).one() is None
    assert len(db.exec(select(Team)).all()) == 25


def test_where_to_look_is_in_the_location(api: CheckedClient, max_: Somebody) -> None:
    headers = {**max_.headers, "Content-Type": "text/csv", "Prefer": "respond-async"}

    answer = api.post("/v1/imports", params={"table": "teams"}, content=b"ref\nnorth\n", headers=headers)

    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/imports/{answer.json()['id']}"


def test_a_worker_that_dies_between_two_chunks_goes_on_where_it_stood(
    send: Send, runtime: Runtime, organization: Organization, monkeypatch: pytest.MonkeyPatch, db: Session
) -> None:
    monkeypatch.setattr(commands, "CHUNK", 10)
    run = send("teams", *TEAMS, prefer="respond-async")
    whole = commands.take_chunk

    def dies_at_the_second(db: Session, run: ImportRun, *more: object, **others: object) -> None:
        if run.rows_done:
            raise KeyboardInterrupt
        whole(db, run, *more, **others)  # type: ignore[arg-type]

    ids = {"organization_id": str(organization.id), "import_id": run["id"]}
    with monkeypatch.context() as dying:
        dying.setattr(commands, "take_chunk", dies_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            commands.run_import(runtime, **ids)
    half = db.exec(select(ImportRun)).one()
    assert (half.state, half.rows_done, half.rows_total) == ("running", 10, 25)

    commands.run_import(runtime, **ids)
    commands.run_import(runtime, **ids)

    db.expire_all()
    done = db.exec(select(ImportRun)).one()
    assert (done.state, done.rows_done, done.rows_created, done.rows_unchanged) == ("done", 25, 25, 0)


def test_an_import_that_cannot_go_on_says_so(
    send: Send, runtime: Runtime, organization: Organization, monkeypatch: pytest.MonkeyPatch, db: Session
) -> None:
    run = send("teams", *TEAMS, prefer="respond-async")

    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(commands, "take_chunk", breaks)
    commands.run_import(runtime, organization_id=str(organization.id), import_id=run["id"])

    assert db.exec(select(ImportRun.state)).one() == "failed"


def test_a_folder_is_imported_in_the_order_of_its_tables(
    runtime: Runtime, organization: Organization, tmp_path: Path
) -> None:
    (tmp_path / "technicians.csv").write_text("ref,team_ref\nT1,north\n")
    (tmp_path / "teams.ndjson").write_bytes(as_ndjson([{"ref": "north"}]))
    (tmp_path / "other.csv").write_text("x\n")
    told: list[tuple[str, int, int]] = []

    found = import_folder(runtime, organization.id, tmp_path, lambda *how_far: told.append(how_far))

    assert [(run.table_name, run.rows_created, run.rows_warned) for run in found] == [
        ("teams", 1, 0),
        ("technicians", 1, 0),
    ]
    assert told == [("teams", 0, 1), ("teams", 1, 1), ("technicians", 0, 1), ("technicians", 1, 1)]


def test_a_folder_without_tables_is_refused(runtime: Runtime, organization: Organization, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        import_folder(runtime, organization.id, tmp_path)
