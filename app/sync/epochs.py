"""A database that was restored or failed over may have forgotten what devices have seen: then positions begin anew.

Which server and which line of its history this is, is looked at on every new connection, before anything is written
through it. A backup that was put back into the same server tells nothing by itself: `sync rotate-epoch` does.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import structlog

from app.kit import clock
from app.sync.building import epoch_now

log = structlog.get_logger("firstfix.sync")
LOCK = 0x46495245

IDENTITY = """
SELECT system_identifier::text, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
FROM pg_control_system() WHERE NOT pg_is_in_recovery()
"""
STORED = "SELECT system_identifier, timeline FROM database_identity WHERE id = 1"


def check_identity(dsn: str, connection: psycopg.Connection[Any]) -> None:
    """Rotate all epochs when this connection leads to another history than the one that wrote last.

    A read replica is left alone: it writes nothing.
    """
    now = connection.execute(IDENTITY).fetchone()
    try:
        known = connection.execute(STORED).fetchone()
    except psycopg.errors.UndefinedTable:
        return
    if now is None or known == now:
        return
    with psycopg.connect(dsn) as own:
        own.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        stored = own.execute(STORED).fetchone()
        if stored == now:
            return
        at = clock.now()
        own.execute(
            "INSERT INTO database_identity (id, system_identifier, timeline, rotated_at) VALUES (1, %s, %s, %s) "
            "ON CONFLICT (id) DO UPDATE SET system_identifier = excluded.system_identifier, "
            "timeline = excluded.timeline, rotated_at = excluded.rotated_at",
            (*now, at),
        )
        if stored is not None:
            log.warning("the database has another history: epochs are rotated", before=stored, now=now)
            _rotate(own, at)


def rotate_epochs(dsn: str) -> int:
    """After a backup was put back, before anything else is written: how many feeds begin a new epoch."""
    with psycopg.connect(dsn) as own:
        own.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        return _rotate(own, clock.now())


def _rotate(connection: psycopg.Connection[Any], at: datetime) -> int:
    """In each organization by itself: the role may be one that sees a single organization at a time."""
    rotated = 0
    found: list[tuple[UUID]] = connection.execute("SELECT id FROM organizations ORDER BY id").fetchall()
    for (organization_id,) in found:
        connection.execute("SELECT set_config('app.organization', %s, true)", (str(organization_id),))
        done = connection.execute(
            "UPDATE feeds SET epoch = greatest(epoch + 1, %s) WHERE organization_id = %s",
            (epoch_now(at), organization_id),
        )
        rotated += done.rowcount
    return rotated
