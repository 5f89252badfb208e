"""Starting, sharing and stopping the embedded server."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psycopg

from app.kit.embedded_postgres.cluster import DATABASE, PORT, SOCKET_NAME, SUPERUSER, Cluster, is_postgres
from app.kit.embedded_postgres.program import Program, hand_over, program_for

LOG_BYTES_KEPT = 10_000_000
REVIVE_SECONDS = 0.5

#: Errors are told to the client, which logs them without personal values; the server's log keeps its own life only.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "port": str(PORT),
    "max_connections": "100",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}

#: A new server is refused while processes of a killed one still end; that passes by itself.
PASSING_TROUBLE = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')

#: Servers that this process started and left to others. Python complains of a running child that it forgets.
_left_to_others: list[subprocess.Popen[bytes]] = []


class EmbeddedPostgresFailed(RuntimeError):
    """The embedded server did not start or stop; the message carries the end of its log."""


class EmbeddedPostgres:
    """A share in the running server of a data folder. Also a context manager that stops at its end."""

    def __init__(self, cluster: Cluster, share: IO[str]) -> None:
        self._cluster = cluster
        self._share = share
        self._process: subprocess.Popen[bytes] | None = None
        self._temporary: Path | None = None
        self._stopping = threading.Event()

    @classmethod
    def start(cls, data_dir: Path, *, timeout_seconds: float = 60) -> Self:
        """Have a server on the folder, which is made (0700) when it is missing.

        Raises:
            EmbeddedPostgresUnavailable: the wheel is missing or does not run on this machine.
            EmbeddedPostgresFailed: the server did not become ready in time.
        """
        data_dir = data_dir.absolute().resolve()
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        cluster, deadline = Cluster(data_dir), time.monotonic() + timeout_seconds
        with _locked(cluster.lock, deadline):
            share = cluster.users.open("a")
            fcntl.flock(share, fcntl.LOCK_SH)
            server = cls(cluster, share)
            try:
                server._have_it_run(deadline)
            except BaseException:
                share.close()
                server._forget_temporary()
                raise
        return server

    @property
    def dsn(self) -> str:
        """A libpq URL; for SQLAlchemy put `postgresql+psycopg` in place of `postgresql`."""
        return self._cluster.dsn()

    @property
    def pid(self) -> int | None:
        """The server's process, None when it is not running."""
        found = self._cluster.postmaster()
        return found[0] if found is not None and is_postgres(found[0]) else None

    def keep_running(self) -> None:
        """From now on start the server again when it dies; a thread looks twice a second."""
        threading.Thread(target=self._revive, name="embedded-postgres", daemon=True).start()

    def stop(self, *, timeout_seconds: float = 60) -> None:
        """Give the share back; the last one shuts the server down, cutting open connections. Harmless to repeat.

        Raises:
            EmbeddedPostgresFailed: the server was still there after the time allowed.
        """
        if self._share.closed:
            return
        deadline = time.monotonic() + timeout_seconds
        self._stopping.set()
        with _locked(self._cluster.lock, deadline), self._share:
            if self._others_share():
                if self._process is not None and self._process.poll() is None:
                    _left_to_others.append(self._process)
                return
            self._shut_down(deadline)
            self._forget_temporary()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _others_share(self) -> bool:
        try:
            fcntl.flock(self._share, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    def _have_it_run(self, deadline: float) -> None:
        cluster = self._cluster
        while not _has_database(cluster):
            if not cluster.runs():
                self._launch(deadline)
            _pause(deadline, cluster)

    def _launch(self, deadline: float) -> None:
        """Start the server and wait until it is ready, or has given up over something that passes by itself."""
        cluster = self._cluster
        program = program_for(cluster.folder)
        self._temporary = program.temporary
        if not cluster.folder.exists():
            _make_cluster(cluster, program)
        hand_over(cluster.folder, program.account)
        _forget_dead_process(cluster)
        _keep_log_small(cluster.log)
        log_start = cluster.log.stat().st_size if cluster.log.exists() else 0
        self._process = _start_server(cluster, program)
        while self._process.poll() is None:
            if cluster.is_ready():
                return
            _pause(deadline, cluster, self._process)
        said = cluster.log.read_bytes()[log_start:].decode(errors="replace")
        if not any(trouble in said for trouble in PASSING_TROUBLE):
            raise EmbeddedPostgresFailed(f"The embedded PostgreSQL did not start:\n{said[-2000:]}")

    def _shut_down(self, deadline: float) -> None:
        cluster = self._cluster
        if (pid := self.pid) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            while self.pid is not None:
                _pause(deadline, cluster)
        if self._process is not None:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        cluster.forget_short_name()

    def _forget_temporary(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def _revive(self) -> None:
        """Start the server again whenever it has died, until `stop`."""
        while not self._stopping.wait(REVIVE_SECONDS):
            if self._process is not None:
                self._process.poll()
            if self.pid is not None:
                continue
            deadline = time.monotonic() + 60
            with (
                suppress(EmbeddedPostgresFailed, psycopg.OperationalError),
                _locked(self._cluster.lock, deadline),
            ):
                if not self._stopping.is_set():
                    self._have_it_run(deadline)


def _make_cluster(cluster: Cluster, program: Program) -> None:
    """Make the cluster beside its place and move it there whole: a kill in between leaves nothing half made."""
    fresh = cluster.data_dir / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    hand_over(fresh, program.account)
    sync = ["--sync-method=syncfs"] if sys.platform == "linux" else []
    command = program.command(
        "initdb", f"--username={SUPERUSER}", "--auth=trust", "--encoding=UTF8", "--locale-provider=builtin",
        "--locale=C", "--builtin-locale=C.UTF-8", "--no-instructions", *sync, folder=fresh,
    )  # fmt: skip
    account = program.account
    made = subprocess.run(
        command, cwd=fresh, env=_environment(), capture_output=True, text=True, check=False,
        user=account.uid, group=account.gid, extra_groups=account.groups,
    )  # fmt: skip
    if made.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise EmbeddedPostgresFailed(f"The embedded PostgreSQL could not be set up:\n{made.stderr[-2000:]}")
    fresh.rename(cluster.folder)


def _start_server(cluster: Cluster, program: Program) -> subprocess.Popen[bytes]:
    """Start the server in a session of its own, so that Ctrl-C is ours and not its."""
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    account = program.account
    with open(os.open(cluster.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab") as log:
        return subprocess.Popen(
            program.command("postgres", *settings, folder=cluster.folder),
            cwd=cluster.folder, env=_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, user=account.uid, group=account.gid, extra_groups=account.groups,
        )  # fmt: skip


def _has_database(cluster: Cluster) -> bool:
    """Whether the server is ready and the database there, made if need be."""
    if not cluster.is_ready():
        return False
    try:
        with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.OperationalError:  # it ended in this moment
        return False
    return True


def _forget_dead_process(cluster: Cluster) -> None:
    """Drop the lock files of a process that is over, or whose number now belongs to another program.

    The server would refuse to start, as after a restart of a container or while a killed server's parent has not
    yet noticed. It still refuses while its shared memory is in use, so two never run.
    """
    for lock_file in (cluster.folder / "postmaster.pid", cluster.folder / f"{SOCKET_NAME}.lock"):
        with suppress(FileNotFoundError, IndexError, ValueError):
            if not is_postgres(int(lock_file.read_text().splitlines()[0])):
                lock_file.unlink()


def _keep_log_small(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES_KEPT:
        log.replace(log.with_suffix(".log.1"))


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _pause(deadline: float, cluster: Cluster, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait a moment.

    Raises:
        EmbeddedPostgresFailed: the deadline has passed; a `process` that is not ready by then is killed.
    """
    if time.monotonic() > deadline:
        if process is not None:
            process.kill()
            process.wait()
        end = cluster.log.read_text(errors="replace")[-2000:] if cluster.log.exists() else ""
        raise EmbeddedPostgresFailed(f"The embedded PostgreSQL was not ready in time:\n{end}")
    time.sleep(0.02)


@contextmanager
def _locked(path: Path, deadline: float) -> Iterator[None]:
    """Hold the folder's lock: starting and stopping happen one after the other, whichever process does them."""
    with path.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise EmbeddedPostgresFailed(f"Another start or stop still holds {path}.") from None
                time.sleep(0.02)
        yield
