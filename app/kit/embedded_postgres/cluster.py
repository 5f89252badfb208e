"""The files of the embedded server, and what they tell about it."""

import os
import shutil
import socket
import sys
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

SUPERUSER = "firstfix"
DATABASE = "firstfix"
PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
#: The kernel's limit for a socket's path, in bytes, on the systems we run on: 107 on Linux, 103 on macOS.
LONGEST_SOCKET_PATH = 103


@dataclass(frozen=True)
class Cluster:
    """The files of one data folder."""

    data_dir: Path

    @property
    def folder(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def log(self) -> Path:
        return self.data_dir / "postgres.log"

    @property
    def lock(self) -> Path:
        return self.data_dir / "postgres.lock"

    @property
    def users(self) -> Path:
        return self.data_dir / "postgres.users"

    @property
    def short_name(self) -> Path:
        return self.data_dir / "postgres.socket"

    def dsn(self, database: str = DATABASE) -> str:
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self.socket_folder()), safe='/')}&port={PORT}"

    def socket_folder(self) -> Path:
        """The cluster's folder, by a short symbolic link in a private temporary folder when its path is too long."""
        if len(os.fsencode(self.folder / SOCKET_NAME)) <= LONGEST_SOCKET_PATH:
            return self.folder
        if self.short_name.exists():
            link = Path(self.short_name.read_text())
            if link.exists() and link.samefile(self.folder):
                return link
        link = Path(tempfile.mkdtemp(prefix="firstfix-")) / "s"
        link.symlink_to(self.folder, target_is_directory=True)
        self.short_name.write_text(str(link))
        return link

    def forget_short_name(self) -> None:
        with suppress(FileNotFoundError):
            shutil.rmtree(Path(self.short_name.read_text()).parent, ignore_errors=True)
            self.short_name.unlink()

    def runs(self) -> bool:
        """Whether a server of this cluster runs and listens, ready or not."""
        found = self.postmaster()
        return found is not None and is_postgres(found[0]) and self._answers()

    def _answers(self) -> bool:
        with closing(socket.socket(socket.AF_UNIX)) as probe:
            probe.settimeout(5)
            try:
                probe.connect(str(self.socket_folder() / SOCKET_NAME))
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            except OSError:  # its queue is full: busy, so alive
                return True
        return True

    def postmaster(self) -> tuple[int, str] | None:
        """Process id and state ("starting", "ready", "stopping", …) out of `postmaster.pid`, when it is complete."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
            return int(lines[0]), lines[7].strip()
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def is_ready(self) -> bool:
        found = self.postmaster()
        return found is not None and found[1] == "ready" and self.runs()


def running_dsn(data_dir: Path) -> str | None:
    """The libpq URL of the server that is running on the folder and ready, None when there is none.

    The caller has no share in it: the server may be stopped by those who have.
    """
    cluster = Cluster(data_dir.absolute().resolve())
    return cluster.dsn() if cluster.is_ready() else None


def is_postgres(pid: int) -> bool:
    """Whether the process runs and, where the system can tell, is PostgreSQL.

    A dead process that its parent has not noticed yet does not run.
    """
    if sys.platform == "linux":
        try:
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return name == "postgres" and rest.split()[0] not in {"Z", "X"}
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
