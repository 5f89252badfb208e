"""A backup of all that the database says of one organization, and putting it back."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier

TABLES = """
SELECT table_name FROM information_schema.columns
WHERE table_schema = 'public' AND column_name = 'organization_id' AND table_name IN (
    SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE')
ORDER BY table_name
"""


class Backup:
    def __init__(self, own: psycopg.Connection, organization_id: UUID) -> None:
        self._own = own
        self._organization_id = organization_id
        self._tables: list[str] = [row[0] for row in own.execute(TABLES).fetchall()]
        for table in self._tables:
            copy, of = Identifier(f"backup_{table}"), Identifier(table)
            own.execute(SQL("CREATE TEMP TABLE {} AS SELECT * FROM {} WHERE organization_id = %s").format(copy, of),
                        (organization_id,))  # fmt: skip

    def restore(self) -> None:
        """All that was written since is forgotten."""
        with self._own.transaction():
            self._own.execute("SET LOCAL session_replication_role = replica")
            for table in self._tables:
                copy, of = Identifier(f"backup_{table}"), Identifier(table)
                self._own.execute(SQL("DELETE FROM {} WHERE organization_id = %s").format(of), (self._organization_id,))
                self._own.execute(SQL("INSERT INTO {} SELECT * FROM {}").format(of, copy))


@contextmanager
def backup_of(dsn: str, organization_id: UUID) -> Iterator[Backup]:
    with psycopg.connect(dsn, autocommit=True) as own:
        yield Backup(own, organization_id)
