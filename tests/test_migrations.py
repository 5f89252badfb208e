"""Every migration goes up, down and up again to the same schema, and the models say the same as the migrations."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.identity import commands
from app.kit import clock
from app.kit.database import dsn_for_sqlalchemy, rows
from app.kit.settings import Settings
from app.main import build_runtime
from app.migrate import ROOT, migrate
from app.models import metadata
from tests.test_row_level_security import insert, row_of

SHAPE = """
SELECT 'column', table_name, column_name, data_type || is_nullable || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'policy', tablename, policyname, coalesce(qual, '') FROM pg_policies WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger
WHERE NOT tgisinternal
UNION ALL SELECT 'function', proname, pg_get_function_identity_arguments(oid), md5(prosrc) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'grant', table_name, grantee, string_agg(privilege_type, ',' ORDER BY privilege_type)
FROM information_schema.role_table_grants WHERE table_schema = 'public' AND grantee = 'firstfix_api'
GROUP BY table_name, grantee
ORDER BY 1, 2, 3, 4
"""


def shape(dsn: str) -> list[tuple[str, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(SHAPE).fetchall()


@pytest.fixture(scope="module")
def empty(make_database: Callable[[str], str]) -> str:
    return make_database("firstfix_migrations")


def test_each_revision_goes_up_down_and_up_to_the_same_schema(empty: str) -> None:
    revisions = sorted(path.name.partition("_")[0] for path in (ROOT / "migrations" / "versions").glob("0*.py"))
    for revision in revisions:
        migrate(empty, revision=revision)
        first = shape(empty)
        migrate(empty, revision="-1")
        migrate(empty, revision=revision)
        assert shape(empty) == first, revision
    migrate(empty, revision="base")
    assert {row[1] for row in shape(empty) if row[0] == "column"} <= {"alembic_version"}


def test_the_models_say_the_same_as_the_migrations(dsn: str) -> None:
    engine = sa.create_engine(dsn_for_sqlalchemy(dsn))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def ours(obj: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def one_visit(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """The columns that name a visit and its work order, in an organization of its own."""
    o, work_order_id, visit_id = uuid4(), uuid4(), uuid4()
    connection.execute(
        "INSERT INTO organizations (id, name, time_zone, currency, settings, created_at) "
        "VALUES (%s, 'x', 'UTC', 'EUR', '{}', now())",
        [o],
    )
    order = {**row_of(connection, "work_orders", o), "id": work_order_id, "status": "approved"}
    insert(connection, "work_orders", order)
    visit = {**row_of(connection, "visits", o), "id": visit_id, "work_order_id": work_order_id, "status": "scheduled"}
    insert(connection, "visits", visit)
    return {"organization_id": o, "work_order_id": work_order_id, "visit_id": visit_id}


def test_reports_that_waited_for_a_decision_become_issues_and_back(make_database: Callable[[str], str]) -> None:
    dsn = make_database("firstfix_orphans")
    one, other = uuid4(), uuid4()
    migrate(dsn, revision="0002")
    with psycopg.connect(dsn) as connection:
        visit = one_visit(connection)
        for id_, action, more in (
            (one, "arrive", {"code": "visit_canceled", "state": "open"}),
            (other, "start", {"code": "visit_on_site", "state": "decided", "choice": "discard", "reason": "twice"}),
        ):
            kept = {**row_of(connection, "orphans", visit["organization_id"]), **visit, "id": id_, "action": action}
            insert(connection, "orphans", {**kept, **more, "body": f'{{"action": "{action}"}}'})

    migrate(dsn, revision="0003")
    with psycopg.connect(dsn) as connection:
        issues = connection.execute(
            "SELECT id, severity, code, owner, state, choice, reason, report FROM issues ORDER BY state"
        ).fetchall()
    migrate(dsn, revision="-1")
    with psycopg.connect(dsn) as connection:
        orphans = connection.execute("SELECT id, code, state, choice, body FROM orphans ORDER BY state").fetchall()

    assert issues == [
        (one, "high", "job_cancelled", "dispatcher", "open", None, None, {"action": "arrive"}),
        (other, "warning", "visit_moved_on", "dispatcher", "resolved", "discard", "twice", {"action": "start"}),
    ]
    assert orphans == [
        (other, "visit_moved_on", "decided", "discard", {"action": "start"}),
        (one, "visit_canceled", "open", None, {"action": "arrive"}),
    ]


def test_two_processes_that_migrate_at_once_do_not_meet(make_database: Callable[[str], str]) -> None:
    dsn = make_database("firstfix_at_once")
    code = "import sys; from app.migrate import migrate; migrate(sys.argv[1])"
    racers = [subprocess.Popen([sys.executable, "-c", code, dsn], cwd=ROOT) for _ in range(3)]
    assert [racer.wait(timeout=60) for racer in racers] == [0, 0, 0]
    assert len(shape(dsn)) > 500


def test_an_owner_that_is_no_superuser_is_enough(server_dsn: str, make_database: Callable[[str], str]) -> None:
    made = make_database("firstfix_owned")
    name = psycopg.conninfo.conninfo_to_dict(made)["dbname"]
    role = f"owner_of_{name}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(
            f"DO $$ BEGIN CREATE ROLE {role} LOGIN CREATEROLE; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        connection.execute(f"ALTER DATABASE {name} OWNER TO {role}")
        connection.execute(f"GRANT firstfix_api TO {role} WITH ADMIN OPTION")
    parts = psycopg.conninfo.conninfo_to_dict(made)
    theirs = f"postgresql://{role}@/{name}?host={parts['host']}&port={parts['port']}"

    migrate(theirs)

    runtime = build_runtime(Settings(secret_key="x" * 32, run_worker=False), theirs)
    with runtime.transaction(None) as db:
        organization = commands.create_organization(db, "Ours", at=clock.now())
        assert rows(db, "SELECT current_user::text AS who, session_user::text AS owner") == [
            {"who": "firstfix_api", "owner": role}
        ]
    with runtime.transaction(organization.id) as db:
        rows(db, "SELECT nextval('procrastinate_jobs_id_seq')")
    runtime.engine.dispose()
