"""The second wall: what the API's own role can reach in the database when a query forgets to ask for whom.

Each table gets one row of organization B, by the server's superuser and with no other rule in the way; then the API's
role tries everything. All of it happens in a transaction that is never committed.
"""

from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from app.kit.database import API_ROLE

#: Read before it is known whose request it is: nothing in them is anybody's.
OPEN_TO_ALL = {"organizations", "sign_ins", "slow_downs", "alembic_version", "database_identity"}
APPEND_ONLY = {
    *("events", "part_movements", "contact_consents", "outbox_messages", "task_results", "asset_readings"),
    *("evidence", "form_versions", "closure_policy_versions", "closure_terms", "closure_waivers", "certificates"),
}
SAMPLES = {
    "uuid": "00000000-0000-7000-8000-000000000001",
    "text": "x",
    "character varying": "x",
    "smallint": 1,
    "integer": 1,
    "bigint": 1,
    "numeric": 1,
    "double precision": 1.0,
    "boolean": True,
    "date": "2026-03-01",
    "time without time zone": "08:00",
    "timestamp with time zone": "2026-03-01T08:00:00Z",
    "jsonb": "{}",
    "json": "{}",
    "bytea": b"x",
    "ARRAY": "{}",
}
Connection = psycopg.Connection[Any]


@pytest.fixture
def server(dsn: str) -> Iterator[Connection]:
    """The database as its superuser sees it, in a transaction that is undone."""
    with psycopg.connect(dsn) as connection:
        yield connection
        connection.rollback()


def names(connection: Connection, query: LiteralString, *values: Any) -> set[str]:
    return {name for (name,) in connection.execute(query, values)}


def walled_tables(connection: Connection) -> list[str]:
    """Every table with the organization in its key."""
    found = names(
        connection,
        "SELECT table_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND column_name = 'organization_id'",
    )
    return sorted(found - OPEN_TO_ALL)


def free_of_other_rules(connection: Connection) -> None:
    """In this transaction, a row needs only its types to be right."""
    connection.execute("SET LOCAL session_replication_role = replica")
    checks = connection.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint "
        "WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND conrelid <> 0"
    ).fetchall()
    for table, name in checks:
        if not table.startswith("procrastinate"):
            connection.execute(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name))
            )


def row_of(connection: Connection, table: str, organization_id: UUID) -> dict[str, Any]:
    """A row with all that the table cannot do without."""
    needed = connection.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
        "AND table_name = %s AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'",
        [table],
    ).fetchall()
    made = {column: SAMPLES[kind] for column, kind in needed}
    return {**made, "organization_id": organization_id, **({"id": uuid4()} if "id" in made else {})}


def insert(connection: Connection, table: str, row: dict[str, Any]) -> None:
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() for _ in row),
    )
    connection.execute(statement, list(row.values()))


def as_the_api(connection: Connection, organization_id: UUID | None) -> None:
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(API_ROLE)))
    connection.execute("SELECT set_config('app.organization', %s, true)", [str(organization_id or "")])


def touched(connection: Connection, statement: LiteralString, table: str, *values: Any) -> int:
    done = connection.execute(sql.SQL(statement).format(sql.Identifier(table)), values)
    return done.rowcount


@pytest.fixture
def two_organizations(server: Connection) -> tuple[UUID, UUID]:
    """A and B; every table holds one row of B and none of A."""
    free_of_other_rules(server)
    ours, theirs = uuid4(), uuid4()
    for organization_id in (ours, theirs):
        server.execute(
            "INSERT INTO organizations (id, name, time_zone, currency, settings, created_at) "
            "VALUES (%s, 'x', 'UTC', 'EUR', '{}', now())",
            [organization_id],
        )
    for table in walled_tables(server):
        insert(server, table, row_of(server, table, theirs))
    return ours, theirs


def test_every_table_with_an_organization_has_the_wall_and_no_other_table_is_unknown(server: Connection) -> None:
    walled = names(
        server,
        "SELECT c.relname FROM pg_class c JOIN pg_policies p ON p.tablename = c.relname "
        "WHERE c.relrowsecurity AND c.relforcerowsecurity AND p.schemaname = 'public' AND p.cmd = 'ALL' "
        "AND p.permissive = 'PERMISSIVE' AND p.qual LIKE '%%organization_id = %%app.organization%%'",
    )
    tables = names(
        server, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'procrastinate%%'"
    )

    assert walled == set(walled_tables(server))
    assert tables - walled == OPEN_TO_ALL


def test_no_table_has_a_second_policy_that_would_open_it(server: Connection) -> None:
    found = server.execute("SELECT tablename FROM pg_policies GROUP BY tablename HAVING count(*) > 1").fetchall()

    assert found == [("organizations",)], "whose policies are for different commands"


def test_the_role_of_the_api_owns_nothing_and_cannot_pass_the_wall(server: Connection) -> None:
    rights = server.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = %s", [API_ROLE]
    ).fetchone()
    owned = names(server, "SELECT tablename FROM pg_tables WHERE tableowner = %s", API_ROLE)

    assert rights == (False, False, False, False)
    assert owned == set()


def test_without_an_organization_every_table_is_empty(server: Connection, two_organizations: tuple[UUID, UUID]) -> None:
    tables = walled_tables(server)
    as_the_api(server, None)

    for table in tables:
        assert touched(server, "SELECT 1 FROM {}", table) == 0, table


def test_what_another_organization_has_cannot_be_read_or_changed(
    server: Connection, two_organizations: tuple[UUID, UUID]
) -> None:
    ours, theirs = two_organizations
    tables = walled_tables(server)
    as_the_api(server, theirs)
    for table in tables:
        assert touched(server, "SELECT 1 FROM {}", table) == 1, table
    as_the_api(server, ours)

    for table in tables:
        assert touched(server, "SELECT 1 FROM {}", table) == 0, table
        if table not in APPEND_ONLY:
            assert touched(server, "UPDATE {} SET organization_id = %s", table, ours) == 0, table
            assert touched(server, "DELETE FROM {}", table) == 0, table


def test_nothing_can_be_added_to_another_organization_or_moved_there(
    server: Connection, two_organizations: tuple[UUID, UUID]
) -> None:
    ours, theirs = two_organizations
    tables = {table: row_of(server, table, theirs) for table in walled_tables(server)}
    as_the_api(server, ours)

    for table, row in tables.items():
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"), server.transaction():
            insert(server, table, row)
        with server.transaction(force_rollback=True):
            insert(server, table, {**row, "organization_id": ours})
            if table not in APPEND_ONLY:
                with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                    touched(server, "UPDATE {} SET organization_id = %s", table, theirs)


def test_no_reference_leads_from_one_organization_to_another(server: Connection) -> None:
    """Each foreign key starts with the organization on both sides, so the database itself refuses such a row."""
    found = server.execute(
        """
        SELECT conname, conrelid::regclass::text, confrelid::regclass::text,
               (SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]),
               (SELECT attname FROM pg_attribute WHERE attrelid = confrelid AND attnum = confkey[1]),
               cardinality(conkey)
        FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        """
    ).fetchall()
    ours = [one for one in found if not one[1].startswith("procrastinate")]

    assert ours
    for name, _, target, column, aimed_at, columns in ours:
        expected = ("organization_id", "id", 1) if target == "organizations" else ("organization_id",) * 2 + (2,)
        assert (column, aimed_at, columns) == expected, name


def test_an_organization_changes_itself_and_no_other(server: Connection, two_organizations: tuple[UUID, UUID]) -> None:
    ours, theirs = two_organizations
    as_the_api(server, ours)

    changed = server.execute("UPDATE organizations SET name = 'Mine' RETURNING id").fetchall()

    assert changed == [(ours,)]
    assert server.execute("SELECT count(*) FROM organizations WHERE id = %s", [theirs]).fetchone() == (1,)


def test_a_site_cannot_be_another_organizations_customers(
    server: Connection, two_organizations: tuple[UUID, UUID]
) -> None:
    ours, theirs = two_organizations
    (customer,) = server.execute("SELECT id FROM customers WHERE organization_id = %s", [theirs]).fetchone() or ()
    row = {**row_of(server, "sites", ours), "customer_id": customer}
    server.execute("SET LOCAL session_replication_role = origin")
    as_the_api(server, ours)

    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        insert(server, "sites", row)


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_happened_cannot_be_changed_or_taken_away(
    server: Connection, two_organizations: tuple[UUID, UUID], table: str, statement: str
) -> None:
    _, theirs = two_organizations
    as_the_api(server, theirs)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        touched(server, statement, table)


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_not_even_the_owner_changes_what_happened(server: Connection, table: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="added, never changed"):
        touched(server, statement, table)


@pytest.mark.parametrize("table", ["organizations", "sign_ins"])
def test_the_api_cannot_take_away_an_organization_or_a_sign_in(server: Connection, table: str) -> None:
    as_the_api(server, None)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        touched(server, "DELETE FROM {}", table)
