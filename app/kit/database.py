"""One PostgreSQL, one pool, one transaction per request.

The API and the worker connect as whatever `DATABASE_URL` says and step down to the role `firstfix_api`, which owns
nothing and cannot bypass row-level security. Every transaction names its organization first; without it every
table of ours is empty.
"""

import time
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

import orjson
import psycopg
import sqlalchemy as sa
from psycopg.rows import dict_row
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, Session, SQLModel
from sqlmodel import UTCDateTime as UtcDateTime

from app.kit.ids import uuid7

API_ROLE = "firstfix_api"
#: A connection that was used so short a time ago is taken to be alive.
TRUSTED_SECONDS = 1.0
SESSION_SETUP = (
    f"SET ROLE {API_ROLE}; SET TIME ZONE 'UTC'; SET statement_timeout = '30s'; "
    "SET idle_in_transaction_session_timeout = '60s'; SET jit = off; "
    # What certificates hash is text: it must not depend on how somebody has set up the database.
    "SET extra_float_digits = 1; SET bytea_output = 'hex'"
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING


class Table(SQLModel):
    """A row of one organization. The organization comes first in the key, in every index and in every reference."""

    organization_id: UUID = Field(primary_key=True, foreign_key="organizations.id")
    id: UUID = Field(default_factory=uuid7, primary_key=True)

    __table_args__: ClassVar[Any] = ()


def belongs_to(table: str, column: str) -> sa.ForeignKeyConstraint:
    """A reference inside the organization: `column` to the id of `table`."""
    return sa.ForeignKeyConstraint(["organization_id", column], [f"{table}.organization_id", f"{table}.id"])


def index(*columns: str, unique: bool = False, where: str | None = None, name: str | None = None) -> sa.Index:
    """An index that starts with the organization; `where` is a literal predicate of a partial index."""
    label = name or "ix_" + "_".join(columns)
    return sa.Index(
        label,
        "organization_id",
        *columns,
        unique=unique,
        postgresql_where=sa.text(where) if where else None,
    )


def one_of(values: type[StrEnum], name: str) -> sa.CheckConstraint:
    """The column called `name` may hold only these values; stored as text, so a new value is one migration."""
    listed = ", ".join(f"'{value.value}'" for value in values)
    return sa.CheckConstraint(f"{name} IN ({listed})", name=name)


def json_field(default: Any = dict) -> Any:
    return Field(default_factory=default, sa_type=JSONB, nullable=False)


def time_field(**more: Any) -> Any:
    """A time column that is empty at first."""
    return Field(default=None, sa_type=UtcDateTime, nullable=True, **more)


def dsn_for_sqlalchemy(dsn: str) -> str:
    scheme, _, rest = dsn.partition("://")
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else dsn


def make_engine(dsn: str, *, connections: int, greet: Callable[[str, Any], None] | None = None) -> sa.Engine:
    """The pool of the API and the worker, as the role that owns nothing.

    Args:
        greet: looks at each new connection, with the address, before anything is done through it.
    """
    engine = sa.create_engine(
        dsn_for_sqlalchemy(dsn),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=5,
        pool_use_lifo=True,
        json_deserializer=orjson.loads,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        before = connection.autocommit
        connection.autocommit = True
        connection.execute(SESSION_SETUP)
        if greet is not None:
            greet(dsn, connection)
        connection.autocommit = before

    _look_at_idle_connections(engine)
    return engine


def _look_at_idle_connections(engine: sa.Engine) -> None:
    """Ask a connection that lay idle for a while whether it still lives; a dead one makes the pool begin anew."""

    @event.listens_for(engine, "checkin")
    def put_back(_: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def taken(connection: Any, record: Any, _: Any) -> None:
        now = time.monotonic()
        if now - record.info.get("idle_since", now) < TRUSTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.OperationalError:
            raise sa.exc.InvalidatePoolError from None


def enter(db: Session, organization_id: UUID, *, read_only: bool = False) -> None:
    """Name the organization of this transaction; rows of others do not exist in it."""
    db.connection().execute(
        sa.text("SELECT set_config('app.organization', :id, true), set_config('transaction_read_only', :mode, true)"),
        {"id": str(organization_id), "mode": "on" if read_only else "off"},
    )


def rows(db: Session, sql: str, **values: Any) -> list[dict[str, Any]]:
    """The rows of a hand-written statement as plain dicts, on the session's own connection, prepared by the driver."""
    connection: Any = db.connection().connection.dbapi_connection
    with connection.cursor(binary=True, row_factory=dict_row) as cursor:
        cursor.execute(sql, values or None, prepare=True)
        found: list[dict[str, Any]] = cursor.fetchall() if cursor.pgresult.nfields else []
    return found


def next_number(db: Session, organization_id: UUID, name: str) -> int:
    """The next of the organization's own business numbers; holds its row until the transaction ends."""
    return next_numbers(db, organization_id, name, 1)[0]


def next_numbers(db: Session, organization_id: UUID, name: str, count: int) -> range:
    """That many business numbers in a row; holds their counter until the transaction ends."""
    if count <= 0:
        return range(0)
    found = rows(
        db,
        "INSERT INTO counters (organization_id, id, name, value) VALUES (%(o)s, %(i)s, %(n)s, %(c)s) "
        "ON CONFLICT (organization_id, name) DO UPDATE SET value = counters.value + %(c)s RETURNING value",
        o=organization_id,
        i=uuid7(),
        n=name,
        c=count,
    )
    last = int(found[0]["value"])
    return range(last - count + 1, last + 1)


class Counter(Table, table=True):
    """Where the business numbers of an organization stand."""

    __tablename__ = "counters"
    __table_args__ = (index("name", unique=True, name="uq_counters_name"),)

    name: str
    value: int = Field(sa_type=sa.BigInteger)


def utc_iso(moment: datetime | None) -> str | None:
    """RFC 3339 with `Z`; to the microsecond only where there is one."""
    if moment is None:
        return None
    return moment.isoformat().replace("+00:00", "Z")


def plain(row: SQLModel) -> dict[str, Any]:
    """A row as a dict. Enum columns hold their words, as the database gave them."""
    return row.model_dump(warnings=False)
