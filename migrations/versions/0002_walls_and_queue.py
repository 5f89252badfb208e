"""The role of the API, row-level security, append-only tables, and the queue's own tables"""

from pathlib import Path

import procrastinate
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

API_ROLE = "firstfix_api"
APPEND_ONLY = ("events", "part_movements", "contact_consents", "outbox_messages")
OPEN_TO_ALL = ("organizations", "sign_ins")
QUEUE_SCHEMA = Path(procrastinate.__file__).parent / "sql" / "schema.sql"


def of_organizations() -> list[str]:
    found = op.get_bind().execute(
        sa.text(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND column_name = 'organization_id' ORDER BY 1"
        )
    )
    return [name for (name,) in found if name not in OPEN_TO_ALL]


def upgrade() -> None:
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE ROLE {API_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(
        f"DO $$ BEGIN GRANT {API_ROLE} TO CURRENT_USER; EXCEPTION WHEN invalid_grant_operation THEN NULL; END $$"
    )
    op.get_bind().exec_driver_sql(QUEUE_SCHEMA.read_text().replace("%", "%%"))
    op.execute(f"GRANT USAGE ON SCHEMA public TO {API_ROLE}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {API_ROLE}")
    op.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {API_ROLE}")
    op.execute(
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {API_ROLE}"
    )
    op.execute(f"REVOKE ALL ON alembic_version FROM {API_ROLE}")
    op.execute(f"GRANT SELECT ON alembic_version TO {API_ROLE}")
    op.execute(f"REVOKE DELETE ON organizations, sign_ins FROM {API_ROLE}")
    for table in of_organizations():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_organization ON {table} USING "
            "(organization_id = nullif(current_setting('app.organization', true), '')::uuid)"
        )
    # Which organizations there are may be read, and a new one made, before one is entered; only one's own is changed.
    op.execute("ALTER TABLE organizations ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE organizations FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY anybody_reads ON organizations FOR SELECT USING (true)")
    op.execute("CREATE POLICY anybody_begins ON organizations FOR INSERT WITH CHECK (true)")
    op.execute(
        "CREATE POLICY own_organization ON organizations FOR UPDATE USING "
        "(id = nullif(current_setting('app.organization', true), '')::uuid)"
    )
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are added, never changed', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM {API_ROLE}")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER append_only ON {table}")
    op.execute("DROP FUNCTION refuse_change()")
    for policy in ("anybody_reads", "anybody_begins", "own_organization"):
        op.execute(f"DROP POLICY {policy} ON organizations")
    op.execute("ALTER TABLE organizations NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE organizations DISABLE ROW LEVEL SECURITY")
    for table in of_organizations():
        op.execute(f"DROP POLICY own_organization ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute(
        """
        DO $$
        DECLARE found record;
        BEGIN
            FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'procrastinate%' LOOP
                EXECUTE format('DROP TABLE %I CASCADE', found.tablename);
            END LOOP;
            FOR found IN SELECT oid::regprocedure AS name FROM pg_proc
                         WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'procrastinate%' LOOP
                EXECUTE 'DROP FUNCTION ' || found.name || ' CASCADE';
            END LOOP;
            FOR found IN SELECT typname FROM pg_type
                         WHERE typnamespace = 'public'::regnamespace AND typname LIKE 'procrastinate%' AND typtype IN ('e', 'c') LOOP
                EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', found.typname);
            END LOOP;
        END $$
        """
    )
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {API_ROLE}")
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {API_ROLE}")
    op.execute(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {API_ROLE}")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {API_ROLE}")
