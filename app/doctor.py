"""`python -m app doctor`: is everything here that the program needs, and what is to be done where it is not."""

import shutil
import smtplib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlsplit

import psycopg
from alembic.script import ScriptDirectory
from rich.console import Console
from rich.table import Table

from app.kit.database import API_ROLE
from app.kit.embedded_postgres import EmbeddedPostgresFailed, EmbeddedPostgresUnavailable
from app.kit.mail import smtp_settings
from app.kit.senders import make_senders
from app.kit.settings import Settings
from app.migrate import SUPPORTED, config

OLDEST_PYTHON = (3, 11)
LOW_BYTES, TOO_FEW_BYTES = 2_000_000_000, 200_000_000
SLOW_QUEUE_MINUTES = 5
CLOCK_WARN_SECONDS, CLOCK_FAIL_SECONDS = 2, 60
#: Read before anybody is known, so they belong to no organization's wall.
OUTSIDE_THE_WALL = ("sign_ins",)


class State(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


COLORS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `advice` is empty when nothing is to be done."""

    check: str
    state: State
    said: str
    advice: str = ""


def report(settings: Settings, database: Callable[[], AbstractContextManager[str]], out: Console) -> bool:
    """Check, print the table, and say whether nothing is broken."""
    findings = list(examine(settings, database))
    table = Table("check", "", "found", "what to do")
    for one in findings:
        table.add_row(one.check, f"[{COLORS[one.state]}]{one.state}[/]", one.said, one.advice)
    out.print(table)
    return all(one.state is not State.FAIL for one in findings)


def examine(settings: Settings, database: Callable[[], AbstractContextManager[str]]) -> Iterator[Finding]:
    """Every check in the order in which one needs the other; without a database its checks are left out."""
    yield _python()
    yield from _data_dir(settings)
    yield _senders(settings)
    yield _links(settings)
    try:
        with database() as dsn, psycopg.connect(dsn, connect_timeout=5, autocommit=True) as connection:
            yield from _database(connection)
    except (EmbeddedPostgresUnavailable, EmbeddedPostgresFailed, psycopg.Error) as trouble:
        advice = "Check DATABASE_URL." if settings.database_url else "See postgres.log in the data folder."
        yield Finding("database", State.FAIL, " ".join(str(trouble).split())[:300], advice)


def _python() -> Finding:
    found = sys.version.split()[0]
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("python", State.OK, found)
    return Finding("python", State.FAIL, found, "Use Python 3.11 or newer.")


def _data_dir(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir.absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
        free = shutil.disk_usage(folder).free
    except OSError as trouble:
        yield Finding("data folder", State.FAIL, f"{folder}: {trouble.strerror}", "Make it writable, or set another.")
        return
    yield Finding("data folder", State.OK, str(folder))
    said = f"{free / 1e9:.1f} GB free"
    if free < LOW_BYTES:
        yield Finding("disk", State.FAIL if free < TOO_FEW_BYTES else State.WARN, said, "Make room.")
    else:
        yield Finding("disk", State.OK, said)


def _senders(settings: Settings) -> Finding:
    def never(organization_id: object) -> AbstractContextManager[object]:
        raise AssertionError("nothing is sent here")

    try:
        senders = make_senders(settings, never)  # type: ignore[arg-type]
    except ValueError as trouble:
        return Finding("messages", State.FAIL, str(trouble), "Correct the setting.")
    said = ", ".join(f"{channel} by {sender.name}" for channel, sender in senders.by_channel.items())
    if settings.smtp_url is not None and not settings.message_webhook_url:
        mail = smtp_settings(settings.smtp_url.get_secret_value(), mail_from=settings.mail_from)
        try:
            with (
                smtplib.SMTP(mail.host, mail.port, timeout=5)
                if mail.tls != "implicit"
                else smtplib.SMTP_SSL(mail.host, mail.port, timeout=5)
            ):
                pass
        except (OSError, smtplib.SMTPException) as trouble:
            return Finding("messages", State.FAIL, f"{mail.host}:{mail.port}: {trouble}", "Check FIRSTFIX_SMTP_URL.")
    if senders.outbox_in_use:
        return Finding("messages", State.WARN, said, "Nothing leaves this machine until a provider is set.")
    return Finding("messages", State.OK, said)


def _links(settings: Settings) -> Finding:
    host = urlsplit(settings.base_url).hostname or ""
    if settings.public_url or host in ("127.0.0.1", "localhost", "::1"):
        return Finding("links", State.OK, settings.base_url)
    return Finding("links", State.WARN, settings.base_url, "Set FIRSTFIX_PUBLIC_URL to what customers can open.")


def _database(connection: psycopg.Connection) -> Iterator[Finding]:
    version = connection.info.server_version
    if version < SUPPORTED:
        yield Finding("database", State.FAIL, f"PostgreSQL {version // 10_000}", "PostgreSQL 15 or newer is needed.")
        return
    yield Finding("database", State.OK, f"PostgreSQL {version // 10_000}.{version % 10_000}")
    schema = _schema(connection)
    yield schema
    if schema.state is State.OK:
        yield _walls(connection)
        yield _queue(connection)
    yield _clock(connection)


def _schema(connection: psycopg.Connection) -> Finding:
    head = ScriptDirectory.from_config(config(None)).get_current_head()  # type: ignore[arg-type]
    known = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known and known[0] else None
    current = found[0] if found else "none"
    if current == head:
        return Finding("schema", State.OK, str(head))
    return Finding("schema", State.FAIL, f"{current}, newest is {head}", "Run `python -m app migrate`.")


def _walls(connection: psycopg.Connection) -> Finding:
    """The API's role owns nothing, passes no wall, and sees nothing before it names an organization."""
    weak = connection.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [API_ROLE]).fetchone()
    if weak is None or weak[0]:
        return Finding("row-level security", State.FAIL, f"role {API_ROLE} is missing or too strong", "Migrate anew.")
    open_tables = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' "
        "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> ALL(%s) "
        "AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1",
        [list(OUTSIDE_THE_WALL)],
    ).fetchall()
    if open_tables:
        names = ", ".join(name for (name,) in open_tables)
        return Finding("row-level security", State.FAIL, f"not in force on {names}", "Write the missing migration.")
    with connection.transaction():
        connection.execute(f"SET LOCAL ROLE {API_ROLE}")
        seen = connection.execute("SELECT count(*) FROM people").fetchone()
    if seen is None or seen[0]:
        return Finding("row-level security", State.FAIL, "rows are seen without an organization", "Migrate anew.")
    return Finding("row-level security", State.OK, f"in force for {API_ROLE}")


QUEUE = """
SELECT count(*) FILTER (WHERE j.status = 'todo'
                        AND coalesce(j.scheduled_at, e.at) < now() - %s * interval '1 minute'),
       count(*) FILTER (WHERE j.status = 'doing'
                        AND (w.id IS NULL OR w.last_heartbeat < now() - interval '1 minute')),
       count(*) FILTER (WHERE j.status = 'failed')
FROM procrastinate_jobs j
LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
LEFT JOIN LATERAL (SELECT min(at) AS at FROM procrastinate_events WHERE job_id = j.id) e ON true
"""


def _queue(connection: psycopg.Connection) -> Finding:
    found = connection.execute(QUEUE, [SLOW_QUEUE_MINUTES]).fetchone()
    late, stalled, failed = found or (0, 0, 0)
    said = f"{late} late, {stalled} stalled, {failed} failed"
    if late or stalled:
        return Finding("queue", State.WARN, said, "Start a worker: `python -m app worker`, or `serve`, which has one.")
    if failed:
        return Finding("queue", State.WARN, said, "Look for their errors in the log; what still matters is swept up.")
    return Finding("queue", State.OK, said)


def _clock(connection: psycopg.Connection) -> Finding:
    found = connection.execute("SELECT clock_timestamp()").fetchone()
    assert found is not None
    seconds = abs((found[0].astimezone(UTC) - datetime.now(UTC)).total_seconds())
    said = f"{seconds:.2f} s between here and the database"
    if seconds < CLOCK_WARN_SECONDS:
        return Finding("clock", State.OK, said)
    state = State.FAIL if seconds > CLOCK_FAIL_SECONDS else State.WARN
    return Finding("clock", state, said, "Set both clocks by NTP.")
