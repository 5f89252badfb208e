"""Brings a database to the newest schema; many processes may try at once, one does it."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from app.kit.database import dsn_for_sqlalchemy

ROOT = Path(__file__).resolve().parent.parent
LOCK = 0x46495253  # "FIRS"
SUPPORTED = 150000


class DatabaseTooOld(RuntimeError):
    """The server is older than PostgreSQL 15."""


def config(connection: sa.Connection) -> Config:
    made = Config(str(ROOT / "alembic.ini"))
    made.set_main_option("script_location", str(ROOT / "migrations"))
    made.attributes["connection"] = connection
    return made


def migrate(dsn: str, *, revision: str = "head") -> None:
    """Upgrade (or downgrade) to `revision`, as the role that owns the tables.

    Raises:
        DatabaseTooOld: the server is older than PostgreSQL 15.
    """
    engine = sa.create_engine(dsn_for_sqlalchemy(dsn), poolclass=sa.NullPool)
    with engine.connect() as connection:
        version = connection.execute(sa.text("SHOW server_version_num")).scalar_one()
        if int(version) < SUPPORTED:
            raise DatabaseTooOld(f"PostgreSQL 15 or newer is needed, this server is {version}.")
        connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
        connection.commit()
        try:
            change = command.downgrade if revision in {"base"} or revision.startswith("-") else command.upgrade
            change(config(connection), revision)
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK})
            connection.commit()
    engine.dispose()
