"""Six tables of keys and values in which everything is kept that must survive. Nothing else is ever written."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

Table = Literal["outbox", "replica", "meta", "attention", "files", "bytes"]
TABLES: tuple[Table, ...] = ("outbox", "replica", "meta", "attention", "files", "bytes")


class Transaction(Protocol):
    """What one transaction may do. A value is JSON; in `bytes` it is `bytes`."""

    def get(self, table: Table, key: str) -> Any:
        """None when there is nothing."""

    def all(self, table: Table) -> list[Any]:
        """The values, in the order of their keys."""

    def put(self, table: Table, key: str, value: Any) -> None: ...

    def delete(self, table: Table, key: str) -> None: ...


class Storage(Protocol):
    """Either everything that a transaction wrote is kept, or, when it raises, nothing; one after the other."""

    def transaction(self) -> AbstractContextManager[Transaction]: ...


def _written(value: Any) -> str | bytes:
    return value if isinstance(value, bytes) else json.dumps(value)


def _read(kept: str | bytes) -> Any:
    return kept if isinstance(kept, bytes) else json.loads(kept)


class MemoryStorage:
    """Survives the client that used it, when it is given to the next one."""

    def __init__(self) -> None:
        self.tables: dict[Table, dict[str, str | bytes]] = {table: {} for table in TABLES}
        self._turn = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._turn:
            before = {table: dict(rows) for table, rows in self.tables.items()}
            try:
                yield self
            except BaseException:
                self.tables = before
                raise

    def get(self, table: Table, key: str) -> Any:
        kept = self.tables[table].get(key)
        return None if kept is None else _read(kept)

    def all(self, table: Table) -> list[Any]:
        return [_read(kept) for _, kept in sorted(self.tables[table].items())]

    def put(self, table: Table, key: str, value: Any) -> None:
        self.tables[table][key] = _written(value)

    def delete(self, table: Table, key: str) -> None:
        self.tables[table].pop(key, None)


class SqliteStorage:
    """One file for each person who signs in on a device."""

    def __init__(self, path: Path | str) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._turn = threading.RLock()
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS firstfix_records "
            "(kept_in TEXT NOT NULL, key TEXT NOT NULL, value NOT NULL, PRIMARY KEY (kept_in, key))"
        )

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._turn:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise

    def get(self, table: Table, key: str) -> Any:
        found = self._database.execute("SELECT value FROM firstfix_records WHERE kept_in = ? AND key = ?", (table, key))
        row = found.fetchone()
        return None if row is None else _read(row[0])

    def all(self, table: Table) -> list[Any]:
        found = self._database.execute("SELECT value FROM firstfix_records WHERE kept_in = ? ORDER BY key", (table,))
        return [_read(row[0]) for row in found]

    def put(self, table: Table, key: str, value: Any) -> None:
        row = (table, key, _written(value))
        self._database.execute("INSERT OR REPLACE INTO firstfix_records VALUES (?, ?, ?)", row)

    def delete(self, table: Table, key: str) -> None:
        self._database.execute("DELETE FROM firstfix_records WHERE kept_in = ? AND key = ?", (table, key))

    def close(self) -> None:
        self._database.close()
