"""Feeds of technicians and the ledger of operations"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

API_ROLE = "firstfix_api"
TABLES = ("feeds", "feed_entries", "operations", "manifests")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("push_due", sa.Boolean(), nullable=False),
        sa.Column("visible_due", sa.Boolean(), nullable=False),
        sa.Column("built_at", TIME, nullable=False),
        sa.Column("drift", sa.Integer(), nullable=False),
        sa.Column("audited_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_feeds"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_feeds_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "id"],
            ["technicians.organization_id", "technicians.id"],
            name="fk_feeds_organization_id_id",
        ),
    )
    op.create_index("ix_feeds_push_due", "feeds", ["organization_id", "push_due"], postgresql_where=sa.text("push_due"))
    op.create_table(
        "feed_entries",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("feed_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("entity_id", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("sort_key", sa.BigInteger(), nullable=False),
        sa.Column("entered_seq", sa.BigInteger(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "feed_id", "kind", "entity_id", name="pk_feed_entries"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_feed_entries_organization_id"),
        sa.ForeignKeyConstraint(
            ["organization_id", "feed_id"],
            ["feeds.organization_id", "feeds.id"],
            name="fk_feed_entries_organization_id_feed_id",
        ),
        sa.CheckConstraint("removed = (document IS NULL)", name="ck_feed_entries_tombstone"),
    )
    op.create_index("uq_feed_entries_feed_id_seq", "feed_entries", ["organization_id", "feed_id", "seq"], unique=True)
    op.create_index(
        "ix_feed_entries_work_order_id",
        "feed_entries",
        ["organization_id", "work_order_id"],
        postgresql_where=sa.text("work_order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_feed_entries_due_at",
        "feed_entries",
        ["organization_id", "due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "operations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("target", sa.Uuid(), nullable=True),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("depends_on", ARRAY(sa.Uuid()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("result", JSONB(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("occurred_at", TIME, nullable=False),
        sa.Column("age_ms", sa.BigInteger(), nullable=True),
        sa.Column("effective_at", TIME, nullable=False),
        sa.Column("clock_source", sa.String(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("redriven_at", TIME, nullable=True),
        sa.Column("redriven", JSONB(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_operations"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_operations_organization_id"),
        sa.CheckConstraint(
            "status IN ('applied', 'noted', 'rejected', 'quarantined', 'deferred')", name="ck_operations_status"
        ),
    )
    op.create_index("ix_operations_device_id_seq", "operations", ["organization_id", "device_id", "seq"])
    op.create_index(
        "ix_operations_status",
        "operations",
        ["organization_id", "status", "received_at"],
        postgresql_where=sa.text("status IN ('quarantined', 'deferred') AND redriven_at IS NULL"),
    )
    op.create_index(
        "ix_operations_target",
        "operations",
        ["organization_id", "target"],
        postgresql_where=sa.text("target IS NOT NULL"),
    )
    op.create_table(
        "manifests",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "id", name="pk_manifests"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name="fk_manifests_organization_id"),
    )
    op.create_index("uq_manifests_name_sha256", "manifests", ["organization_id", "name", "sha256"], unique=True)
    op.create_table(
        "database_identity",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("system_identifier", sa.String(), nullable=False),
        sa.Column("timeline", sa.Integer(), nullable=False),
        sa.Column("rotated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_database_identity"),
    )
    op.execute(f"REVOKE ALL ON database_identity FROM {API_ROLE}")
    op.execute(f"GRANT SELECT ON database_identity TO {API_ROLE}")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_organization ON {table} USING "
            "(organization_id = nullif(current_setting('app.organization', true), '')::uuid)"
        )
    op.add_column("devices", sa.Column("rep", sa.Integer(), nullable=False, server_default="1"))
    for name in ("locale", "time_zone", "push_kind", "push_token"):
        op.add_column("devices", sa.Column(name, sa.String(), nullable=True))
    for name in ("acked_seq", "hinted_seq"):
        op.add_column("devices", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("devices", sa.Column("acked_epoch", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("devices", sa.Column("clock_skew_ms", sa.BigInteger(), nullable=True))
    for name in ("rep", "acked_seq", "hinted_seq", "acked_epoch"):
        op.alter_column("devices", name, server_default=None)


def downgrade() -> None:
    for name in (
        "rep", "locale", "time_zone", "push_kind", "push_token", "acked_seq", "acked_epoch", "hinted_seq", "clock_skew_ms",
    ):  # fmt: skip
        op.drop_column("devices", name)
    op.drop_table("database_identity")
    op.drop_table("manifests")
    op.drop_table("operations")
    op.drop_table("feed_entries")
    op.drop_table("feeds")
