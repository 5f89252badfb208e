"""What the rows of one table share while they are stored, and the set-based statements that store them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import Session

from app.imports.reading import Read, Refused
from app.kit.changes import Kind, touch
from app.kit.database import rows

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction's part of an import: for whom, as what, and when. `at` is now; history keeps its own times."""

    db: Session
    organization_id: UUID
    import_id: UUID
    currency: str
    at: datetime

    def fetch(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        return rows(self.db, sql, organization_id=self.organization_id, **values)

    def insert(self, table: str, records: Sequence[Record], *, tail: str = "") -> list[dict[str, Any]]:
        """Add these records, all with the same columns, in one statement; `tail` is what follows its VALUES."""
        if not records:
            return []
        columns = ", ".join(records[0])
        return rows(
            self.db,
            f"INSERT INTO {table} ({columns}) SELECT {columns} "
            f"FROM json_populate_recordset(NULL::{table}, %(records)s::text::json) {tail}",
            records=to_json(records),
        )

    def update(self, table: str, records: Sequence[Record], *, also: str = "") -> None:
        """Give the rows with these ids the other values of the records."""
        if not records:
            return
        changes = ", ".join(f"{name} = given.{name}" for name in records[0] if name not in ("organization_id", "id"))
        self.fetch(
            f"UPDATE {table} AS kept SET {changes}{also} "
            f"FROM json_populate_recordset(NULL::{table}, %(records)s::text::json) AS given "
            "WHERE kept.organization_id = %(organization_id)s AND kept.id = given.id",
            records=to_json(records),
        )

    def touch(self, kind: Kind, ids: Iterable[UUID]) -> None:
        """These things say something else now, for those who keep copies of them."""
        if found := list(ids):
            touch(self.db, self.organization_id, kind, *found)

    def linked(self, table: str, refs: Iterable[str | None]) -> dict[str, dict[str, Any]]:
        """The rows of a table that these references name, by reference."""
        wanted = sorted({ref for ref in refs if ref is not None})
        if not wanted:
            return {}
        found = self.fetch(
            f"SELECT * FROM {table} WHERE organization_id = %(organization_id)s AND external_ref = ANY(%(refs)s)",
            refs=wanted,
        )
        return {row["external_ref"]: row for row in found}


@dataclass(slots=True)
class Outcome:
    """What became of some rows."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list)
    warnings: list[Refused] = field(default_factory=list)

    def __iadd__(self, more: "Outcome") -> "Outcome":
        self.created += more.created
        self.updated += more.updated
        self.unchanged += more.unchanged
        self.refused += more.refused
        self.warnings += more.warnings
        return self

    def refuse(self, row: Read, code: str, detail: str, column: str | None = None) -> None:
        self.refused.append(Refused(row.line, row.key, code, detail, column))

    def warn(self, row: Read, code: str, detail: str, column: str | None = None) -> None:
        self.warnings.append(Refused(row.line, row.key, code, detail, column))

    def warn_unknown(self, row: Read, column: str, known: Mapping[str, Any]) -> None:
        """The row names a record that is not here (yet)."""
        ref = row.values[column]
        if ref is not None and ref not in known:
            self.warn(row, "unknown-reference", f"{column} names {ref!r}, which is not here yet.", column)


def to_json(records: Any) -> str:
    return orjson.dumps(records, default=str).decode()


def hash_of(values: Mapping[str, Any]) -> bytes:
    """Equal for rows that say the same, whatever the order of their columns and however numbers are written."""
    said = {name: value for name, value in values.items() if value is not None}
    return hashlib.sha256(orjson.dumps(said, default=str, option=orjson.OPT_SORT_KEYS)).digest()


def hash_text(digest: bytes) -> str:
    """As PostgreSQL reads bytes in a text."""
    return "\\x" + digest.hex()


def unique_rows(given: Iterable[Read], key: Sequence[str], outcome: Outcome) -> list[Read]:
    """One row for each key. A row that is repeated counts as unchanged; one that contradicts it is refused."""
    kept: dict[tuple[Any, ...], Read] = {}
    for row in given:
        earlier = kept.setdefault(tuple(row.values[name] for name in key), row)
        if earlier is row:
            continue
        if earlier.values == row.values:
            outcome.unchanged += 1
        else:
            outcome.refuse(row, "same-key-twice", f"Line {earlier.line} of this file says something else of it.")
    return list(kept.values())
