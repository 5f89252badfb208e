"""The embedded server: it starts anywhere, keeps what it was told, and opens no folder to anyone."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.kit.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresUnavailable, program, running_dsn
from app.kit.embedded_postgres.cluster import Cluster

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="only root can run a server as somebody else")

HOLD_A_SERVER = """
import sys, time
from pathlib import Path
from app.kit.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres.start(Path(sys.argv[1]))
print(server.pid, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder in which no server is left running, whatever the test did."""
    folder = tmp_path / "data"
    yield folder
    found = Cluster(folder).postmaster()
    if found is not None:
        with EmbeddedPostgres.start(folder):
            pass


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every account may enter; the test's own is private."""
    folder = Path(tempfile.mkdtemp(prefix="firstfix-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def ask(server: EmbeddedPostgres, query: str) -> object:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def write_down(server: EmbeddedPostgres, word: str) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", [word])


def words(server: EmbeddedPostgres) -> object:
    return ask(server, "SELECT array_agg(word ORDER BY word) FROM words")


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def another_program(data_dir: Path) -> subprocess.Popen[str]:
    """A program that has a server on the folder until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD_A_SERVER, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def pid_told_by(other: subprocess.Popen[str]) -> int:
    assert other.stdout is not None
    return int(other.stdout.readline())


def wait_until(true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_server_is_durable_and_listens_on_a_private_socket_only(data_dir: Path) -> None:
    with EmbeddedPostgres.start(data_dir) as server:
        shown = [
            ask(server, f"SHOW {name}")
            for name in ("fsync", "full_page_writes", "listen_addresses", "unix_socket_permissions", "server_encoding")
        ]

        assert shown == ["on", "on", "", "0700", "UTF8"]
        assert (data_dir / "postgres").stat().st_mode & 0o777 == 0o700
        assert str(ask(server, "SHOW server_version")).startswith("18.")


def test_the_second_start_is_quick_and_finds_what_the_first_one_wrote(data_dir: Path) -> None:
    with EmbeddedPostgres.start(data_dir) as server:
        write_down(server, "kept")

    began = time.monotonic()
    with EmbeddedPostgres.start(data_dir) as server:
        seconds = time.monotonic() - began

        assert words(server) == ["kept"]
        assert seconds < 2


def test_after_a_kill_of_the_server_the_next_start_recovers_what_was_committed(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir)
    write_down(server, "committed")

    kill(server.pid)
    with EmbeddedPostgres.start(data_dir) as recovered:
        assert words(recovered) == ["committed"]
    server.stop()


def test_after_a_kill_of_the_program_the_next_start_takes_the_running_server_over(data_dir: Path) -> None:
    other = another_program(data_dir)
    pid = pid_told_by(other)
    other.kill()
    other.communicate()

    with EmbeddedPostgres.start(data_dir) as server:
        assert server.pid == pid
        assert ask(server, "SELECT 1") == 1
    assert running_dsn(data_dir) is None


def test_programs_that_start_at_the_same_moment_share_one_server_and_the_last_one_stops_it(data_dir: Path) -> None:
    others = [another_program(data_dir) for _ in range(3)]
    pids = {pid_told_by(other) for other in others}

    assert len(pids) == 1
    for other in others[:2]:
        other.communicate("")
        assert running_dsn(data_dir) is not None
    others[2].communicate("")
    assert running_dsn(data_dir) is None


def test_another_command_finds_the_server_while_it_runs(data_dir: Path) -> None:
    assert running_dsn(data_dir) is None

    with EmbeddedPostgres.start(data_dir) as server:
        assert running_dsn(data_dir) == server.dsn

    assert running_dsn(data_dir) is None


def test_a_watched_server_comes_back_by_itself(data_dir: Path) -> None:
    with EmbeddedPostgres.start(data_dir) as server:
        write_down(server, "kept")
        server.keep_running()
        killed = server.pid

        kill(killed)
        wait_until(lambda: server.pid not in {None, killed} and running_dsn(data_dir), seconds=5)

        assert words(server) == ["kept"]


def test_a_process_number_that_now_belongs_to_another_program_does_not_block_the_start(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir)
    kill(server.pid)
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text("\n".join([str(os.getpid()), *pid_file.read_text().splitlines()[1:]]) + "\n")

    with EmbeddedPostgres.start(data_dir) as again:
        assert ask(again, "SELECT 1") == 1
    server.stop()


def test_a_start_that_was_killed_half_way_leaves_nothing_in_the_way(data_dir: Path) -> None:
    half_made = data_dir / "postgres.new" / "base"
    half_made.mkdir(parents=True)

    with EmbeddedPostgres.start(data_dir) as server:
        assert ask(server, "SELECT 1") == 1
    assert not half_made.exists()


def test_a_folder_with_a_long_path_gets_a_short_name_that_is_removed_at_the_end(data_dir: Path) -> None:
    deep = data_dir / ("x" * 120)

    with EmbeddedPostgres.start(deep) as server:
        link = Path((deep / "postgres.socket").read_text())
        assert ask(server, "SELECT 1") == 1
        assert running_dsn(deep) == server.dsn
        assert link.parent.stat().st_mode & 0o777 == 0o700

    assert not link.parent.exists()


def test_without_the_wheel_the_message_asks_for_a_database_url(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "find_spec", lambda _: None)

    with pytest.raises(EmbeddedPostgresUnavailable, match="Set DATABASE_URL"):
        EmbeddedPostgres.start(data_dir)


def test_programs_that_do_not_run_on_this_machine_ask_for_a_database_url(
    data_dir: Path, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (public / "bin").mkdir()
    monkeypatch.setattr(program, "_wheel_tree", lambda: public)

    with pytest.raises(EmbeddedPostgresUnavailable, match="Set DATABASE_URL"):
        EmbeddedPostgres.start(data_dir)


@as_root
def test_as_root_the_server_has_its_own_account_and_no_folder_changes_its_mode(tmp_path: Path) -> None:
    private = tmp_path / "only-root"
    private.mkdir(mode=0o700)

    with EmbeddedPostgres.start(private / "data") as server:
        owner = (private / "data" / "postgres").stat().st_uid
        runs_as = Path(f"/proc/{server.pid}").stat().st_uid
        assert ask(server, "SELECT 1") == 1

    assert owner == runs_as
    assert pwd.getpwuid(runs_as).pw_name in {"firstfix", "nobody"}
    assert [folder.stat().st_mode & 0o777 for folder in (private, private / "data")] == [0o700, 0o700]
    assert {(private / "data").stat().st_uid, private.stat().st_uid} == {0}


@as_root
def test_as_root_a_cluster_of_an_ordinary_account_is_run_by_that_account(data_dir: Path) -> None:
    with EmbeddedPostgres.start(data_dir):
        pass
    subprocess.run(["chown", "-R", "nobody", str(data_dir / "postgres")], check=True)

    with EmbeddedPostgres.start(data_dir) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid


@as_root
def test_as_root_a_cluster_that_root_copied_back_is_given_to_the_account(data_dir: Path) -> None:
    with EmbeddedPostgres.start(data_dir) as server:
        write_down(server, "kept")
    subprocess.run(["chown", "-R", "root:root", str(data_dir / "postgres")], check=True)

    with EmbeddedPostgres.start(data_dir) as server:
        assert words(server) == ["kept"]


@as_root
@pytest.mark.parametrize("copies", ["kept", "temporary"])
def test_as_root_programs_in_a_private_folder_run_from_a_copy(
    copies: str, tmp_path: Path, public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, private = program._wheel_tree(), tmp_path / "only-root"
    private.mkdir()
    copied = program._copy_into(private, tree)
    private.chmod(0o700)
    (public / "a-file").touch()
    shared = public / ("shared" if copies == "kept" else "a-file/cannot-be-made")
    monkeypatch.setattr(program, "_wheel_tree", lambda: copied)
    monkeypatch.setattr(program, "SHARED_COPIES", shared)

    with EmbeddedPostgres.start(tmp_path / "data") as server:
        runs = Path(f"/proc/{server.pid}/exe").resolve()
        assert ask(server, "SELECT 1") == 1

    assert not runs.is_relative_to(private)
    assert runs.exists() is (copies == "kept")
    assert private.stat().st_mode & 0o777 == 0o700


@as_root
def test_an_ordinary_account_runs_its_own_server(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork that gives root up, with the wheel where that account can read it."""
    readable = public / "packages"
    readable.mkdir()
    readable_tree = program._copy_into(readable, program._wheel_tree())
    monkeypatch.setattr(program, "_wheel_tree", lambda: readable_tree)
    home = public / "home"
    home.mkdir()
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)

    child = os.fork()
    if child == 0:
        result = 1
        try:
            os.chdir("/")
            os.setgroups([])
            os.setgid(nobody.pw_gid)
            os.setuid(nobody.pw_uid)
            with EmbeddedPostgres.start(home / "data") as server:
                mine = (home / "data" / "postgres").stat().st_uid == nobody.pw_uid
                result = 0 if mine and ask(server, "SELECT 1") == 1 else 2
        finally:
            os._exit(result)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
