"""Attachments and their uploads"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = ("attachments", "uploads", "upload_chunks")


def upgrade() -> None:
    op.create_table(
        "attachments",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("role", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("signer_name", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("mime", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("captured_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("preview", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("stored_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("prepared_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("object_sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("object_mime", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("object_bytes", sa.BigInteger(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("thumbnail_sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'uploading', 'stored', 'missing', 'rejected')", name=op.f("ck_attachments_state")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_attachments_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_attachments_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_attachments_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "technician_id"],
            ["technicians.organization_id", "technicians.id"],
            name=op.f("fk_attachments_organization_id_technician_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_attachments")),
    )
    for column in ("visit_id", "work_order_id", "technician_id", "sha256"):
        op.create_index(f"ix_attachments_{column}", "attachments", ["organization_id", column])
    op.create_index(
        "ix_attachments_waiting",
        "attachments",
        ["organization_id", "recorded_at"],
        postgresql_where=sa.text("state IN ('pending', 'uploading')"),
    )
    op.create_index(
        "ix_attachments_unprepared",
        "attachments",
        ["organization_id", "stored_at"],
        postgresql_where=sa.text("state = 'stored' AND prepared_at IS NULL"),
    )
    op.create_table(
        "uploads",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=False),
        sa.Column("length_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("metadata_text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("received_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("received_bytes BETWEEN 0 AND length_bytes", name=op.f("ck_uploads_received_bytes")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_uploads_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_uploads")),
    )
    op.create_index("ix_uploads_expires_at", "uploads", ["organization_id", "expires_at"])
    op.create_table(
        "upload_chunks",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("upload_id", sa.Uuid(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_upload_chunks_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "upload_id"],
            ["uploads.organization_id", "uploads.id"],
            name=op.f("fk_upload_chunks_organization_id_upload_id"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_upload_chunks")),
    )
    op.create_index(
        "uq_upload_chunks_upload_id_start", "upload_chunks", ["organization_id", "upload_id", "start"], unique=True
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_organization ON {table} USING "
            "(organization_id = nullif(current_setting('app.organization', true), '')::uuid)"
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
