"""first schema"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("time_zone", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("email_hash", sa.LargeBinary(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("email_hash", name=op.f("pk_sign_ins")),
    )
    op.create_table(
        "slow_downs",
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_slow_downs")),
    )
    op.create_table(
        "counters",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_counters_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_counters")),
    )
    op.create_index("uq_counters_name", "counters", ["organization_id", "name"], unique=True, postgresql_where=None)
    op.create_table(
        "customers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("external_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_customers_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_customers")),
    )
    op.create_index(
        "uq_customers_external_ref",
        "customers",
        ["organization_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.create_index(
        "uq_customers_number", "customers", ["organization_id", "number"], unique=True, postgresql_where=None
    )
    op.create_table(
        "imports",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("table_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("format", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_created", sa.Integer(), nullable=False),
        sa.Column("rows_updated", sa.Integer(), nullable=False),
        sa.Column("rows_unchanged", sa.Integer(), nullable=False),
        sa.Column("rows_refused", sa.Integer(), nullable=False),
        sa.Column("rows_warned", sa.Integer(), nullable=False),
        sa.Column("refusals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("finished_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_imports_state")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_imports_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_imports")),
    )
    op.create_index(
        "ix_imports_created_at", "imports", ["organization_id", "created_at"], unique=False, postgresql_where=None
    )
    op.create_table(
        "outbox_messages",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("channel", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("to", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("html", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("channel IN ('email', 'sms')", name=op.f("ck_outbox_messages_channel")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_outbox_messages_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_outbox_messages")),
    )
    op.create_index(
        "ix_outbox_messages_created_at",
        "outbox_messages",
        ["organization_id", "created_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "uq_outbox_messages_idempotency_key",
        "outbox_messages",
        ["organization_id", "idempotency_key"],
        unique=True,
        postgresql_where=None,
    )
    op.create_table(
        "partners",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("external_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_partners_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_partners")),
    )
    op.create_table(
        "parts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("unit_cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("serialized", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_parts_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_parts")),
    )
    op.create_index("uq_parts_number", "parts", ["organization_id", "number"], unique=True, postgresql_where=None)
    op.create_table(
        "stored_answers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("caller_id", sa.Uuid(), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_stored_answers_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_stored_answers")),
    )
    op.create_index(
        "uq_stored_answers_caller_id_key",
        "stored_answers",
        ["organization_id", "caller_id", "key"],
        unique=True,
        postgresql_where=None,
    )
    op.create_table(
        "work_types",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_work_types_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_work_types")),
    )
    op.create_index("uq_work_types_key", "work_types", ["organization_id", "key"], unique=True, postgresql_where=None)
    op.create_table(
        "api_clients",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_hint", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("last_used_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("revoked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "partner_id"],
            ["partners.organization_id", "partners.id"],
            name=op.f("fk_api_clients_organization_id_partner_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_api_clients_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_api_clients")),
    )
    op.create_index(
        "uq_api_clients_key_hash", "api_clients", ["organization_id", "key_hash"], unique=True, postgresql_where=None
    )
    op.create_table(
        "contacts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("phone", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("time_zone", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("channel IN ('email', 'sms', 'none')", name=op.f("ck_contacts_channel")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_contacts_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_contacts_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_contacts")),
    )
    op.create_index(
        "ix_contacts_customer_id", "contacts", ["organization_id", "customer_id"], unique=False, postgresql_where=None
    )
    op.create_index("ix_contacts_phone", "contacts", ["organization_id", "phone"], unique=False, postgresql_where=None)
    op.create_table(
        "sites",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("address", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("postal_code", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("territory", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("access_notes", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("time_zone", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("external_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("latitude BETWEEN -90 AND 90", name=op.f("ck_sites_latitude")),
        sa.CheckConstraint("longitude BETWEEN -180 AND 180", name=op.f("ck_sites_longitude")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_sites_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_sites_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_sites")),
    )
    op.create_index(
        "ix_sites_customer_id", "sites", ["organization_id", "customer_id"], unique=False, postgresql_where=None
    )
    op.create_index(
        "uq_sites_external_ref",
        "sites",
        ["organization_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.create_table(
        "teams",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("territory", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("is_contractor", sa.Boolean(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("external_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "partner_id"],
            ["partners.organization_id", "partners.id"],
            name=op.f("fk_teams_organization_id_partner_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_teams_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_teams")),
    )
    op.create_index(
        "uq_teams_external_ref",
        "teams",
        ["organization_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.create_table(
        "work_type_versions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_type_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("estimated_minutes", sa.Integer(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("planned_parts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("checklist", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("closure_policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sla", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("counts_ftf", sa.Boolean(), nullable=False),
        sa.Column("planned_trips", sa.Integer(), nullable=False),
        sa.Column("overhead_minor", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("estimated_minutes > 0", name=op.f("ck_work_type_versions_estimated_minutes")),
        sa.CheckConstraint("planned_trips >= 1", name=op.f("ck_work_type_versions_planned_trips")),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_type_id"],
            ["work_types.organization_id", "work_types.id"],
            name=op.f("fk_work_type_versions_organization_id_work_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_work_type_versions_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_work_type_versions")),
    )
    op.create_index(
        "uq_work_type_versions_work_type_id_version",
        "work_type_versions",
        ["organization_id", "work_type_id", "version"],
        unique=True,
        postgresql_where=None,
    )
    op.create_table(
        "assets",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("model", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("serial", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("warranty_until", sa.Date(), nullable=True),
        sa.Column("installed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("external_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "site_id"],
            ["sites.organization_id", "sites.id"],
            name=op.f("fk_assets_organization_id_site_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_assets_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_assets")),
    )
    op.create_index("ix_assets_site_id", "assets", ["organization_id", "site_id"], unique=False, postgresql_where=None)
    op.create_index(
        "uq_assets_external_ref",
        "assets",
        ["organization_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.create_table(
        "contact_consents",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("state IN ('granted', 'withdrawn')", name=op.f("ck_contact_consents_state")),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["contacts.organization_id", "contacts.id"],
            name=op.f("fk_contact_consents_organization_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_contact_consents_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_contact_consents")),
    )
    op.create_index(
        "ix_contact_consents_contact_id_channel_at",
        "contact_consents",
        ["organization_id", "contact_id", "channel", "at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "technicians",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("employment", sa.Text(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("hourly_rate_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("home_territory", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("time_zone", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("external_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("employment IN ('employee', 'contractor')", name=op.f("ck_technicians_employment")),
        sa.ForeignKeyConstraint(
            ["organization_id", "partner_id"],
            ["partners.organization_id", "partners.id"],
            name=op.f("fk_technicians_organization_id_partner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "team_id"],
            ["teams.organization_id", "teams.id"],
            name=op.f("fk_technicians_organization_id_team_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_technicians_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_technicians")),
    )
    op.create_index(
        "ix_technicians_team_id", "technicians", ["organization_id", "team_id"], unique=False, postgresql_where=None
    )
    op.create_index(
        "uq_technicians_external_ref",
        "technicians",
        ["organization_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.create_table(
        "absences",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ends_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_absences_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["organization_id", "technician_id"],
            ["technicians.organization_id", "technicians.id"],
            name=op.f("fk_absences_organization_id_technician_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_absences_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_absences")),
    )
    op.create_index(
        "ix_absences_technician_id_starts_at",
        "absences",
        ["organization_id", "technician_id", "starts_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "people",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("email", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("password_hash", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "partner_id"],
            ["partners.organization_id", "partners.id"],
            name=op.f("fk_people_organization_id_partner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "technician_id"],
            ["technicians.organization_id", "technicians.id"],
            name=op.f("fk_people_organization_id_technician_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_people_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_people")),
    )
    op.create_index("uq_people_email", "people", ["organization_id", "email"], unique=True, postgresql_where=None)
    op.create_table(
        "shifts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("unpaid_break_minutes", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name=op.f("ck_shifts_weekday")),
        sa.ForeignKeyConstraint(
            ["organization_id", "technician_id"],
            ["technicians.organization_id", "technicians.id"],
            name=op.f("fk_shifts_organization_id_technician_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_shifts_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_shifts")),
    )
    op.create_index(
        "ix_shifts_technician_id", "shifts", ["organization_id", "technician_id"], unique=False, postgresql_where=None
    )
    op.create_table(
        "stock_locations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind IN ('van', 'depot')", name=op.f("ck_stock_locations_kind")),
        sa.ForeignKeyConstraint(
            ["organization_id", "technician_id"],
            ["technicians.organization_id", "technicians.id"],
            name=op.f("fk_stock_locations_organization_id_technician_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_stock_locations_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_stock_locations")),
    )
    op.create_index(
        "uq_stock_locations_technician_id",
        "stock_locations",
        ["organization_id", "technician_id"],
        unique=True,
        postgresql_where=sa.text("technician_id IS NOT NULL"),
    )
    op.create_table(
        "work_orders",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("external_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("work_type_id", sa.Uuid(), nullable=True),
        sa.Column("work_type_version", sa.Integer(), nullable=True),
        sa.Column("type", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("work_class", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("description", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=True),
        sa.Column("channel", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("territory", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("time_zone", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("team_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("technician_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("site_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("asset_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("problem_code", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("estimated_minutes", sa.Integer(), nullable=True),
        sa.Column("counts_ftf", sa.Boolean(), nullable=False),
        sa.Column("planned_trips", sa.Integer(), nullable=False),
        sa.Column("overhead_minor", sa.BigInteger(), nullable=True),
        sa.Column("nte_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("imported_cost_minor", sa.Numeric(), nullable=True),
        sa.Column("due_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("response_due_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("sla_pause_reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("callback_of", sa.Uuid(), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("unrelated", sa.Boolean(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("substatus", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("hold_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("rework", sa.Boolean(), nullable=False),
        sa.Column("remote", sa.Boolean(), nullable=False),
        sa.Column("ended_as", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("changes_requested", sa.Boolean(), nullable=False),
        sa.Column("requested_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("approved_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("first_assigned_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("first_completed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("resolved_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("first_closed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("closed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("canceled_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("cancel_cause", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("outcome", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("resolution_code", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("reopen_count", sa.Integer(), nullable=False),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("last_event_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("late_events", sa.Boolean(), nullable=False),
        sa.CheckConstraint("outcome IN ('resolved', 'not_resolved', 'no_access')", name=op.f("ck_work_orders_outcome")),
        sa.CheckConstraint(
            "status IN ('new', 'approved', 'scheduled', 'in_progress', 'completed', 'closed', 'on_hold', 'cannot_complete', 'canceled')",
            name=op.f("ck_work_orders_status"),
        ),
        sa.CheckConstraint("closed_at >= requested_at", name=op.f("ck_work_orders_closed_after_requested")),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name=op.f("ck_work_orders_priority")),
        sa.ForeignKeyConstraint(
            ["organization_id", "asset_id"],
            ["assets.organization_id", "assets.id"],
            name=op.f("fk_work_orders_organization_id_asset_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "callback_of"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_work_orders_organization_id_callback_of"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["contacts.organization_id", "contacts.id"],
            name=op.f("fk_work_orders_organization_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_work_orders_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "merged_into"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_work_orders_organization_id_merged_into"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "site_id"],
            ["sites.organization_id", "sites.id"],
            name=op.f("fk_work_orders_organization_id_site_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "team_id"],
            ["teams.organization_id", "teams.id"],
            name=op.f("fk_work_orders_organization_id_team_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "technician_id"],
            ["technicians.organization_id", "technicians.id"],
            name=op.f("fk_work_orders_organization_id_technician_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_type_id"],
            ["work_types.organization_id", "work_types.id"],
            name=op.f("fk_work_orders_organization_id_work_type_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_work_orders_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_work_orders")),
    )
    op.create_index(
        "ix_work_orders_asset_id_requested_at",
        "work_orders",
        ["organization_id", "asset_id", "requested_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_work_orders_closed_at",
        "work_orders",
        ["organization_id", "closed_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_work_orders_first_completed_at",
        "work_orders",
        ["organization_id", "first_completed_at"],
        unique=False,
        postgresql_where=sa.text("first_completed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_work_orders_requested_at",
        "work_orders",
        ["organization_id", "requested_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_work_orders_site_id_requested_at",
        "work_orders",
        ["organization_id", "site_id", "requested_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_work_orders_status_id",
        "work_orders",
        ["organization_id", "status", "id"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "uq_work_orders_external_ref",
        "work_orders",
        ["organization_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.create_index(
        "uq_work_orders_number", "work_orders", ["organization_id", "number"], unique=True, postgresql_where=None
    )
    op.create_table(
        "devices",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("app_version", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("registered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("last_seen_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("revoked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_devices_organization_id_person_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_devices_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_devices")),
    )
    op.create_index(
        "ix_devices_person_id", "devices", ["organization_id", "person_id"], unique=False, postgresql_where=None
    )
    op.create_table(
        "events",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("type", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("occurred_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("effective_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("clock_source", sa.Text(), nullable=False),
        sa.Column("implied", sa.Boolean(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "actor_kind IN ('person', 'api_client', 'customer', 'system', 'import')", name=op.f("ck_events_actor_kind")
        ),
        sa.CheckConstraint(
            "clock_source IN ('age', 'offset', 'device', 'server', 'record')", name=op.f("ck_events_clock_source")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_events_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_events_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_events")),
    )
    op.create_index(
        "ix_events_type_effective_at",
        "events",
        ["organization_id", "type", "effective_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_events_visit_id",
        "events",
        ["organization_id", "visit_id"],
        unique=False,
        postgresql_where=sa.text("visit_id IS NOT NULL"),
    )
    op.create_index(
        "uq_events_work_order_id_seq",
        "events",
        ["organization_id", "work_order_id", "seq"],
        unique=True,
        postgresql_where=None,
    )
    op.create_table(
        "notes",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("author_name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("text", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.Column("effective_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_notes_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_notes_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_notes")),
    )
    op.create_index(
        "ix_notes_work_order_id_effective_at",
        "notes",
        ["organization_id", "work_order_id", "effective_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "setup_links",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("used_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_setup_links_organization_id_person_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_setup_links_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_setup_links")),
    )
    op.create_index(
        "uq_setup_links_token_hash",
        "setup_links",
        ["organization_id", "token_hash"],
        unique=True,
        postgresql_where=None,
    )
    op.create_table(
        "status_intervals",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("recorded_status", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("substatus", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("hold_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("entered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("left_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("implied", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "status IN ('new', 'approved', 'scheduled', 'in_progress', 'completed', 'closed', 'on_hold', 'cannot_complete', 'canceled')",
            name=op.f("ck_status_intervals_status"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_status_intervals_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_status_intervals_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_status_intervals")),
    )
    op.create_index(
        "ix_status_intervals_status_entered_at_left_at",
        "status_intervals",
        ["organization_id", "status", "entered_at", "left_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "uq_status_intervals_work_order_id_seq",
        "status_intervals",
        ["organization_id", "work_order_id", "seq"],
        unique=True,
        postgresql_where=None,
    )
    op.create_table(
        "surveys",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("suppressed_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("channel", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("questions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("segments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("due_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("claimed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("provider", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("provider_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("last_error", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("sent_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("delivered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("bounced_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("answered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('due', 'sending', 'sent', 'delivered', 'failed', 'uncertain', 'answered', 'suppressed', 'imported')",
            name=op.f("ck_surveys_state"),
        ),
        sa.CheckConstraint(
            "suppressed_reason IN ('cooldown', 'opted_out', 'quiet_expired', 'no_contact', 'sampled_out', 'test')",
            name=op.f("ck_surveys_suppressed_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["contacts.organization_id", "contacts.id"],
            name=op.f("fk_surveys_organization_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_surveys_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_surveys_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_surveys")),
    )
    op.create_index(
        "ix_surveys_claimed_at", "surveys", ["claimed_at"], unique=False, postgresql_where=sa.text("state = 'sending'")
    )
    op.create_index(
        "ix_surveys_contact_id_created_at",
        "surveys",
        ["organization_id", "contact_id", "created_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index("ix_surveys_due_at", "surveys", ["due_at"], unique=False, postgresql_where=sa.text("state = 'due'"))
    op.create_index(
        "uq_surveys_token_hash",
        "surveys",
        ["organization_id", "token_hash"],
        unique=True,
        postgresql_where=sa.text("token_hash IS NOT NULL"),
    )
    op.create_index(
        "uq_surveys_work_order_id", "surveys", ["organization_id", "work_order_id"], unique=True, postgresql_where=None
    )
    op.create_table(
        "visits",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("territory", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("purpose", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("employment", sa.Text(), nullable=True),
        sa.Column("work_type_version", sa.Integer(), nullable=True),
        sa.Column("paused_from", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("attended", sa.Boolean(), nullable=False),
        sa.Column("scheduled_start", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("scheduled_end", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("window_start", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("window_end", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("first_window_start", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("first_window_end", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("dispatched_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("accepted_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("departed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("arrived_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("started_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("ended_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("verified_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("outcome", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("incomplete_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("cancel_cause", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("resolution_code", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("verification", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.CheckConstraint("employment IN ('employee', 'contractor')", name=op.f("ck_visits_employment")),
        sa.CheckConstraint("outcome IN ('resolved', 'not_resolved', 'no_access')", name=op.f("ck_visits_outcome")),
        sa.CheckConstraint(
            "status IN ('scheduled', 'dispatched', 'accepted', 'declined', 'en_route', 'on_site', 'in_progress', 'paused', 'completed', 'incomplete', 'no_show', 'canceled')",
            name=op.f("ck_visits_status"),
        ),
        sa.CheckConstraint("verification IN ('passed', 'failed')", name=op.f("ck_visits_verification")),
        sa.ForeignKeyConstraint(
            ["organization_id", "partner_id"],
            ["partners.organization_id", "partners.id"],
            name=op.f("fk_visits_organization_id_partner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "team_id"],
            ["teams.organization_id", "teams.id"],
            name=op.f("fk_visits_organization_id_team_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "technician_id"],
            ["technicians.organization_id", "technicians.id"],
            name=op.f("fk_visits_organization_id_technician_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_visits_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_visits_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_visits")),
    )
    op.create_index(
        "ix_visits_arrived_at",
        "visits",
        ["organization_id", "arrived_at"],
        unique=False,
        postgresql_where=sa.text("arrived_at IS NOT NULL"),
    )
    op.create_index(
        "ix_visits_partner_id",
        "visits",
        ["organization_id", "partner_id"],
        unique=False,
        postgresql_where=sa.text("partner_id IS NOT NULL"),
    )
    op.create_index(
        "ix_visits_technician_id_scheduled_start",
        "visits",
        ["organization_id", "technician_id", "scheduled_start"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_visits_window_end",
        "visits",
        ["organization_id", "window_end"],
        unique=False,
        postgresql_where=sa.text("window_end IS NOT NULL"),
    )
    op.create_index(
        "uq_visits_work_order_id_number",
        "visits",
        ["organization_id", "work_order_id", "number"],
        unique=True,
        postgresql_where=None,
    )
    op.create_table(
        "closure_submissions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("effective_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("reviewed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("review_text", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("review_rule_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('verified', 'awaiting_evidence', 'pending_review', 'changes_requested', 'unmet', 'waived', 'rejected')",
            name=op.f("ck_closure_submissions_verdict"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_closure_submissions_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_closure_submissions_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_closure_submissions_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_closure_submissions")),
    )
    op.create_index(
        "ix_closure_submissions_verdict_recorded_at",
        "closure_submissions",
        ["organization_id", "verdict", "recorded_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_closure_submissions_visit_id",
        "closure_submissions",
        ["organization_id", "visit_id"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_closure_submissions_work_order_id_recorded_at",
        "closure_submissions",
        ["organization_id", "work_order_id", "recorded_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "evidence",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tag", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("signer_name", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("original_sha256", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("mime", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("captured_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("reused", sa.Boolean(), nullable=False),
        sa.Column("uploaded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('photo', 'signature')", name=op.f("ck_evidence_kind")),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_evidence_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_evidence_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_evidence_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_evidence")),
    )
    op.create_index(
        "ix_evidence_original_sha256",
        "evidence",
        ["organization_id", "original_sha256"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_evidence_visit_id", "evidence", ["organization_id", "visit_id"], unique=False, postgresql_where=None
    )
    op.create_index(
        "ix_evidence_work_order_id",
        "evidence",
        ["organization_id", "work_order_id"],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "orphans",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("action", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("effective_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("choice", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_orphans_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_orphans_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_orphans_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_orphans")),
    )
    op.create_index(
        "ix_orphans_state_recorded_at",
        "orphans",
        ["organization_id", "state", "recorded_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "part_movements",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("part_id", sa.Uuid(), nullable=True),
        sa.Column("part_number", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("delta", sa.Numeric(), nullable=False),
        sa.Column("serials", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("unit_cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("went_negative", sa.Boolean(), nullable=False),
        sa.Column("occurred_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("effective_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("external_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('received', 'used', 'returned', 'transferred_in', 'transferred_out', 'counted')",
            name=op.f("ck_part_movements_kind"),
        ),
        sa.CheckConstraint("quantity > 0 OR kind = 'counted'", name=op.f("ck_part_movements_quantity")),
        sa.ForeignKeyConstraint(
            ["organization_id", "location_id"],
            ["stock_locations.organization_id", "stock_locations.id"],
            name=op.f("fk_part_movements_organization_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "part_id"],
            ["parts.organization_id", "parts.id"],
            name=op.f("fk_part_movements_organization_id_part_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_part_movements_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_part_movements_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_part_movements_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_part_movements")),
    )
    op.create_index(
        "ix_part_movements_kind_effective_at",
        "part_movements",
        ["organization_id", "kind", "effective_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_part_movements_location_id_part_id",
        "part_movements",
        ["organization_id", "location_id", "part_id"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_part_movements_work_order_id",
        "part_movements",
        ["organization_id", "work_order_id"],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "sessions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("api_client_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("last_used_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("revoked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("revoked_reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "api_client_id"],
            ["api_clients.organization_id", "api_clients.id"],
            name=op.f("fk_sessions_organization_id_api_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "device_id"],
            ["devices.organization_id", "devices.id"],
            name=op.f("fk_sessions_organization_id_device_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "person_id"],
            ["people.organization_id", "people.id"],
            name=op.f("fk_sessions_organization_id_person_id"),
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_sessions_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_sessions")),
    )
    op.create_index(
        "ix_sessions_person_id", "sessions", ["organization_id", "person_id"], unique=False, postgresql_where=None
    )
    op.create_table(
        "survey_answers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("survey_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("question", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("score", sa.Numeric(), nullable=True),
        sa.Column("scale_min", sa.Numeric(), nullable=True),
        sa.Column("scale_max", sa.Numeric(), nullable=True),
        sa.Column("comment", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("answered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("edited_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("external_ref", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.CheckConstraint("kind IN ('csat', 'nps', 'ces', 'choice', 'text')", name=op.f("ck_survey_answers_kind")),
        sa.CheckConstraint("scale_max > scale_min", name=op.f("ck_survey_answers_scale")),
        sa.CheckConstraint("score BETWEEN scale_min AND scale_max", name=op.f("ck_survey_answers_score")),
        sa.ForeignKeyConstraint(
            ["organization_id", "survey_id"],
            ["surveys.organization_id", "surveys.id"],
            name=op.f("fk_survey_answers_organization_id_survey_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_survey_answers_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_survey_answers_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_survey_answers")),
    )
    op.create_index(
        "ix_survey_answers_kind_answered_at",
        "survey_answers",
        ["organization_id", "kind", "answered_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_survey_answers_work_order_id",
        "survey_answers",
        ["organization_id", "work_order_id"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "uq_survey_answers_external_ref",
        "survey_answers",
        ["organization_id", "external_ref"],
        unique=True,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.create_index(
        "uq_survey_answers_survey_id_question",
        "survey_answers",
        ["organization_id", "survey_id", "question"],
        unique=True,
        postgresql_where=None,
    )
    op.create_table(
        "time_entries",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("started_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("ended_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("rate_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.CheckConstraint("kind IN ('travel', 'work', 'break')", name=op.f("ck_time_entries_kind")),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_time_entries_ends_after_start")),
        sa.ForeignKeyConstraint(
            ["organization_id", "technician_id"],
            ["technicians.organization_id", "technicians.id"],
            name=op.f("fk_time_entries_organization_id_technician_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_time_entries_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_time_entries_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_time_entries_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_time_entries")),
    )
    op.create_index(
        "ix_time_entries_technician_id_started_at",
        "time_entries",
        ["organization_id", "technician_id", "started_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "ix_time_entries_visit_id", "time_entries", ["organization_id", "visit_id"], unique=False, postgresql_where=None
    )
    op.create_index(
        "ix_time_entries_work_order_id",
        "time_entries",
        ["organization_id", "work_order_id"],
        unique=False,
        postgresql_where=None,
    )
    op.create_table(
        "visit_members",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("status", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("joined_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("left_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "technician_id"],
            ["technicians.organization_id", "technicians.id"],
            name=op.f("fk_visit_members_organization_id_technician_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_visit_members_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_visit_members_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_visit_members")),
    )
    op.create_index(
        "ix_visit_members_technician_id",
        "visit_members",
        ["organization_id", "technician_id"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "uq_visit_members_visit_id_technician_id",
        "visit_members",
        ["organization_id", "visit_id", "technician_id"],
        unique=True,
        postgresql_where=None,
    )
    op.create_table(
        "access_tokens",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "session_id"],
            ["sessions.organization_id", "sessions.id"],
            name=op.f("fk_access_tokens_organization_id_session_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_access_tokens_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_access_tokens")),
    )
    op.create_index(
        "ix_access_tokens_expires_at",
        "access_tokens",
        ["organization_id", "expires_at"],
        unique=False,
        postgresql_where=None,
    )
    op.create_index(
        "uq_access_tokens_token_hash",
        "access_tokens",
        ["organization_id", "token_hash"],
        unique=True,
        postgresql_where=None,
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("used_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "session_id"],
            ["sessions.organization_id", "sessions.id"],
            name=op.f("fk_refresh_tokens_organization_id_session_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_refresh_tokens_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(
        "uq_refresh_tokens_token_hash",
        "refresh_tokens",
        ["organization_id", "token_hash"],
        unique=True,
        postgresql_where=None,
    )


def downgrade() -> None:
    op.drop_index("uq_refresh_tokens_token_hash", table_name="refresh_tokens", postgresql_where=None)
    op.drop_table("refresh_tokens")
    op.drop_index("uq_access_tokens_token_hash", table_name="access_tokens", postgresql_where=None)
    op.drop_index("ix_access_tokens_expires_at", table_name="access_tokens", postgresql_where=None)
    op.drop_table("access_tokens")
    op.drop_index("uq_visit_members_visit_id_technician_id", table_name="visit_members", postgresql_where=None)
    op.drop_index("ix_visit_members_technician_id", table_name="visit_members", postgresql_where=None)
    op.drop_table("visit_members")
    op.drop_index("ix_time_entries_work_order_id", table_name="time_entries", postgresql_where=None)
    op.drop_index("ix_time_entries_visit_id", table_name="time_entries", postgresql_where=None)
    op.drop_index("ix_time_entries_technician_id_started_at", table_name="time_entries", postgresql_where=None)
    op.drop_table("time_entries")
    op.drop_index("uq_survey_answers_survey_id_question", table_name="survey_answers", postgresql_where=None)
    op.drop_index(
        "uq_survey_answers_external_ref",
        table_name="survey_answers",
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.drop_index("ix_survey_answers_work_order_id", table_name="survey_answers", postgresql_where=None)
    op.drop_index("ix_survey_answers_kind_answered_at", table_name="survey_answers", postgresql_where=None)
    op.drop_table("survey_answers")
    op.drop_index("ix_sessions_person_id", table_name="sessions", postgresql_where=None)
    op.drop_table("sessions")
    op.drop_index("ix_part_movements_work_order_id", table_name="part_movements", postgresql_where=None)
    op.drop_index("ix_part_movements_location_id_part_id", table_name="part_movements", postgresql_where=None)
    op.drop_index("ix_part_movements_kind_effective_at", table_name="part_movements", postgresql_where=None)
    op.drop_table("part_movements")
    op.drop_index("ix_orphans_state_recorded_at", table_name="orphans", postgresql_where=None)
    op.drop_table("orphans")
    op.drop_index("ix_evidence_work_order_id", table_name="evidence", postgresql_where=None)
    op.drop_index("ix_evidence_visit_id", table_name="evidence", postgresql_where=None)
    op.drop_index("ix_evidence_original_sha256", table_name="evidence", postgresql_where=None)
    op.drop_table("evidence")
    op.drop_index(
        "ix_closure_submissions_work_order_id_recorded_at", table_name="closure_submissions", postgresql_where=None
    )
    op.drop_index("ix_closure_submissions_visit_id", table_name="closure_submissions", postgresql_where=None)
    op.drop_index("ix_closure_submissions_verdict_recorded_at", table_name="closure_submissions", postgresql_where=None)
    op.drop_table("closure_submissions")
    op.drop_index("uq_visits_work_order_id_number", table_name="visits", postgresql_where=None)
    op.drop_index("ix_visits_window_end", table_name="visits", postgresql_where=sa.text("window_end IS NOT NULL"))
    op.drop_index("ix_visits_technician_id_scheduled_start", table_name="visits", postgresql_where=None)
    op.drop_index("ix_visits_partner_id", table_name="visits", postgresql_where=sa.text("partner_id IS NOT NULL"))
    op.drop_index("ix_visits_arrived_at", table_name="visits", postgresql_where=sa.text("arrived_at IS NOT NULL"))
    op.drop_table("visits")
    op.drop_index("uq_surveys_work_order_id", table_name="surveys", postgresql_where=None)
    op.drop_index("uq_surveys_token_hash", table_name="surveys", postgresql_where=sa.text("token_hash IS NOT NULL"))
    op.drop_index("ix_surveys_due_at", table_name="surveys", postgresql_where=sa.text("state = 'due'"))
    op.drop_index("ix_surveys_contact_id_created_at", table_name="surveys", postgresql_where=None)
    op.drop_index("ix_surveys_claimed_at", table_name="surveys", postgresql_where=sa.text("state = 'sending'"))
    op.drop_table("surveys")
    op.drop_index("uq_status_intervals_work_order_id_seq", table_name="status_intervals", postgresql_where=None)
    op.drop_index("ix_status_intervals_status_entered_at_left_at", table_name="status_intervals", postgresql_where=None)
    op.drop_table("status_intervals")
    op.drop_index("uq_setup_links_token_hash", table_name="setup_links", postgresql_where=None)
    op.drop_table("setup_links")
    op.drop_index("ix_notes_work_order_id_effective_at", table_name="notes", postgresql_where=None)
    op.drop_table("notes")
    op.drop_index("uq_events_work_order_id_seq", table_name="events", postgresql_where=None)
    op.drop_index("ix_events_visit_id", table_name="events", postgresql_where=sa.text("visit_id IS NOT NULL"))
    op.drop_index("ix_events_type_effective_at", table_name="events", postgresql_where=None)
    op.drop_table("events")
    op.drop_index("ix_devices_person_id", table_name="devices", postgresql_where=None)
    op.drop_table("devices")
    op.drop_index("uq_work_orders_number", table_name="work_orders", postgresql_where=None)
    op.drop_index(
        "uq_work_orders_external_ref", table_name="work_orders", postgresql_where=sa.text("external_ref IS NOT NULL")
    )
    op.drop_index("ix_work_orders_status_id", table_name="work_orders", postgresql_where=None)
    op.drop_index("ix_work_orders_site_id_requested_at", table_name="work_orders", postgresql_where=None)
    op.drop_index("ix_work_orders_requested_at", table_name="work_orders", postgresql_where=None)
    op.drop_index(
        "ix_work_orders_first_completed_at",
        table_name="work_orders",
        postgresql_where=sa.text("first_completed_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_work_orders_closed_at", table_name="work_orders", postgresql_where=sa.text("closed_at IS NOT NULL")
    )
    op.drop_index("ix_work_orders_asset_id_requested_at", table_name="work_orders", postgresql_where=None)
    op.drop_table("work_orders")
    op.drop_index(
        "uq_stock_locations_technician_id",
        table_name="stock_locations",
        postgresql_where=sa.text("technician_id IS NOT NULL"),
    )
    op.drop_table("stock_locations")
    op.drop_index("ix_shifts_technician_id", table_name="shifts", postgresql_where=None)
    op.drop_table("shifts")
    op.drop_index("uq_people_email", table_name="people", postgresql_where=None)
    op.drop_table("people")
    op.drop_index("ix_absences_technician_id_starts_at", table_name="absences", postgresql_where=None)
    op.drop_table("absences")
    op.drop_index(
        "uq_technicians_external_ref", table_name="technicians", postgresql_where=sa.text("external_ref IS NOT NULL")
    )
    op.drop_index("ix_technicians_team_id", table_name="technicians", postgresql_where=None)
    op.drop_table("technicians")
    op.drop_index("ix_contact_consents_contact_id_channel_at", table_name="contact_consents", postgresql_where=None)
    op.drop_table("contact_consents")
    op.drop_index("uq_assets_external_ref", table_name="assets", postgresql_where=sa.text("external_ref IS NOT NULL"))
    op.drop_index("ix_assets_site_id", table_name="assets", postgresql_where=None)
    op.drop_table("assets")
    op.drop_index("uq_work_type_versions_work_type_id_version", table_name="work_type_versions", postgresql_where=None)
    op.drop_table("work_type_versions")
    op.drop_index("uq_teams_external_ref", table_name="teams", postgresql_where=sa.text("external_ref IS NOT NULL"))
    op.drop_table("teams")
    op.drop_index("uq_sites_external_ref", table_name="sites", postgresql_where=sa.text("external_ref IS NOT NULL"))
    op.drop_index("ix_sites_customer_id", table_name="sites", postgresql_where=None)
    op.drop_table("sites")
    op.drop_index("ix_contacts_phone", table_name="contacts", postgresql_where=None)
    op.drop_index("ix_contacts_customer_id", table_name="contacts", postgresql_where=None)
    op.drop_table("contacts")
    op.drop_index("uq_api_clients_key_hash", table_name="api_clients", postgresql_where=None)
    op.drop_table("api_clients")
    op.drop_index("uq_work_types_key", table_name="work_types", postgresql_where=None)
    op.drop_table("work_types")
    op.drop_index("uq_stored_answers_caller_id_key", table_name="stored_answers", postgresql_where=None)
    op.drop_table("stored_answers")
    op.drop_index("uq_parts_number", table_name="parts", postgresql_where=None)
    op.drop_table("parts")
    op.drop_table("partners")
    op.drop_index("uq_outbox_messages_idempotency_key", table_name="outbox_messages", postgresql_where=None)
    op.drop_index("ix_outbox_messages_created_at", table_name="outbox_messages", postgresql_where=None)
    op.drop_table("outbox_messages")
    op.drop_index("ix_imports_created_at", table_name="imports", postgresql_where=None)
    op.drop_table("imports")
    op.drop_index("uq_customers_number", table_name="customers", postgresql_where=None)
    op.drop_index(
        "uq_customers_external_ref", table_name="customers", postgresql_where=sa.text("external_ref IS NOT NULL")
    )
    op.drop_table("customers")
    op.drop_index("uq_counters_name", table_name="counters", postgresql_where=None)
    op.drop_table("counters")
    op.drop_table("slow_downs")
    op.drop_table("sign_ins")
    op.drop_table("organizations")
