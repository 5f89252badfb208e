"""One thing of what is stored, changed a little and put back: every column of a row, every leaf of its JSON."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any
from uuid import UUID, uuid4

import psycopg

from tests.certificates.conftest import Intruder

COLUMNS = """
SELECT column_name, CASE data_type WHEN 'ARRAY' THEN 'text[]' ELSE data_type END
FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position
"""
CHECKS = """
SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c WHERE c.contype = 'c' AND c.conrelid = %s::regclass
"""


def columns_of(intruder: Intruder, table: str) -> dict[str, str]:
    """From column to its type."""
    return dict(intruder.run(COLUMNS, table))


@contextmanager
def flipped(intruder: Intruder, table: str, id: UUID, column: str, kind: str) -> Iterator[None]:
    """While this lasts, the row says something else in this column."""
    [(old,)] = intruder.run(f"SELECT {column}::text FROM {table} WHERE id = %s", id)
    for new in _others(intruder, table, column, kind, old):
        try:
            with intruder.inside() as connection:
                _put(connection, table, id, column, kind, new)
            break
        except (psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation):
            continue
    else:
        raise AssertionError(f"{table}.{column} can be nothing else")
    key = UUID(new) if column == "id" else id
    try:
        yield
    finally:
        with intruder.inside() as connection:
            _put(connection, table, key, column, kind, old)


@contextmanager
def leaf_changed(intruder: Intruder, table: str, id: UUID, column: str, path: tuple[Any, ...]) -> Iterator[None]:
    """While this lasts, the value at this place of a JSON column is another."""
    [(old,)] = intruder.run(f"SELECT {column}::text FROM {table} WHERE id = %s", id)
    whole = deepcopy(json.loads(old))
    place = whole
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = _other_leaf(place[path[-1]])
    with intruder.inside() as connection:
        _put(connection, table, id, column, "jsonb", json.dumps(whole))
    try:
        yield
    finally:
        with intruder.inside() as connection:
            _put(connection, table, id, column, "jsonb", old)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values are that hold no others."""
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    elif isinstance(value, list) and value:
        for place, one in enumerate(value):
            yield from leaves(one, (*path, place))
    elif path:
        yield path


def leaves_in(intruder: Intruder, table: str, id: UUID, column: str) -> list[tuple[Any, ...]]:
    [(text,)] = intruder.run(f"SELECT {column}::text FROM {table} WHERE id = %s", id)
    return list(leaves(json.loads(text))) if text is not None else []


def _put(connection: Any, table: str, id: UUID, column: str, kind: str, text: str | None) -> None:
    done = connection.execute(f"UPDATE {table} SET {column} = %s::text::{kind} WHERE id = %s", [text, id])
    assert done.rowcount == 1, (table, column)


def _others(intruder: Intruder, table: str, column: str, kind: str, old: str | None) -> Iterator[str]:
    """Other values of the same type, as text; some may be forbidden by a CHECK."""
    if kind in ("text", "character varying"):
        yield f"{old or ''}x"
        for (check,) in intruder.run(CHECKS, table):
            if re.search(rf"\b{column}\b", check):
                yield from (word for word in re.findall(r"'([^']+)'", check) if word != old)
    elif kind == "timestamp with time zone":
        [(new,)] = intruder.run("SELECT (coalesce(%s::text::timestamptz, now()) + interval '1 second')::text", old)
        yield new
    elif kind == "bytea":
        raw = bytearray.fromhex((old or "\\x00").removeprefix("\\x"))
        raw[len(raw) // 2] ^= 1
        yield f"\\x{raw.hex()}"
    elif kind in SIMPLE:
        yield SIMPLE[kind](old)
    else:
        yield from (str(int(float(old or 0)) + more) for more in (1, 1000))


SIMPLE: dict[str, Callable[[str | None], str]] = {
    "uuid": lambda _: str(uuid4()),
    "boolean": lambda old: "false" if old == "true" else "true",
    "jsonb": lambda old: '{"x": 1}' if old != '{"x": 1}' else "[]",
    "text[]": lambda _: "{other}",
    "double precision": lambda old: str(float(old or 0) + 1),
}


def _other_leaf(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    return f"{value}x" if isinstance(value, str) else "x"
