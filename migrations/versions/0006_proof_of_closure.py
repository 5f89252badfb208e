"""Policies, forms and terms; waivers, codes, confirmations; certificates; messages; service reports"""

import sqlalchemy as sa
import sqlmodel
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

API_ROLE = "firstfix_api"
TABLES = (
    "forms",
    "form_versions",
    "closure_policies",
    "closure_policy_versions",
    "closure_terms",
    "closure_waivers",
    "customer_codes",
    "customer_confirmations",
    "certificates",
    "signing_keys",
    "service_reports",
    "customer_messages",
)
APPEND_ONLY = (
    "form_versions",
    "closure_policy_versions",
    "closure_terms",
    "closure_waivers",
    "certificates",
    "evidence",
)
#: Rows that are judged, or retired, and never taken away: these columns say for ever what they said first.
KEPT = {
    "closure_submissions": "work_order_id, visit_id, body, body_hash, occurred_at, effective_at, recorded_at",
    "signing_keys": "key_id, public_key, created_at",
}
#: An item was shown `when`; now it has `show_if` and `required_if`.
RENAME = """
UPDATE work_type_versions SET checklist = (
    SELECT coalesce(jsonb_agg(CASE WHEN item ? '{old}'
        THEN (item - '{old}') || jsonb_build_object('{new}', item -> '{old}') ELSE item END ORDER BY n), '[]')
    FROM jsonb_array_elements(checklist) WITH ORDINALITY AS one (item, n))
WHERE checklist::text LIKE '%"{old}"%'
"""
DECIDED = """
UPDATE closure_submissions SET decided_at = coalesce(reviewed_at, recorded_at)
WHERE verdict IN ('verified', 'waived', 'changes_requested', 'rejected')
"""


def rewrite(table: str, statement: str) -> None:
    """Change rows of all organizations, which the owner of a table does not see while its walls stand."""
    op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def upgrade() -> None:
    op.create_table(
        "forms",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_forms_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_forms")),
    )
    op.create_index("uq_forms_key", "forms", ["organization_id", "key"], unique=True)
    op.create_table(
        "signing_keys",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_seed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("retired_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_signing_keys_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_signing_keys")),
    )
    op.create_index("uq_signing_keys_key_id", "signing_keys", ["organization_id", "key_id"], unique=True)
    op.create_table(
        "closure_policies",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("work_type_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("priority", sa.SmallInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("current_version", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name=op.f("ck_closure_policies_priority")),
        sa.ForeignKeyConstraint(
            ["organization_id", "customer_id"],
            ["customers.organization_id", "customers.id"],
            name=op.f("fk_closure_policies_organization_id_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "partner_id"],
            ["partners.organization_id", "partners.id"],
            name=op.f("fk_closure_policies_organization_id_partner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_type_id"],
            ["work_types.organization_id", "work_types.id"],
            name=op.f("fk_closure_policies_organization_id_work_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_closure_policies_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_closure_policies")),
    )
    op.create_index("uq_closure_policies_key", "closure_policies", ["organization_id", "key"], unique=True)
    op.create_table(
        "form_versions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("items", JSONB(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "form_id"],
            ["forms.organization_id", "forms.id"],
            name=op.f("fk_form_versions_organization_id_form_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_form_versions_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_form_versions")),
    )
    op.create_index(
        "uq_form_versions_form_id_version", "form_versions", ["organization_id", "form_id", "version"], unique=True
    )
    op.create_table(
        "closure_policy_versions",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("policy", JSONB(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id", "policy_id"],
            ["closure_policies.organization_id", "closure_policies.id"],
            name=op.f("fk_closure_policy_versions_organization_id_policy_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_closure_policy_versions_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_closure_policy_versions")),
    )
    op.create_index(
        "uq_closure_policy_versions_policy_id_version",
        "closure_policy_versions",
        ["organization_id", "policy_id", "version"],
        unique=True,
    )
    op.create_table(
        "closure_terms",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("work_type_id", sa.Uuid(), nullable=True),
        sa.Column("work_type_version", sa.Integer(), nullable=True),
        sa.Column("forms", JSONB(), nullable=False),
        sa.Column("checklist", JSONB(), nullable=False),
        sa.Column("policy", JSONB(), nullable=False),
        sa.Column("recorded_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "policy_id"],
            ["closure_policies.organization_id", "closure_policies.id"],
            name=op.f("fk_closure_terms_organization_id_policy_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_type_id"],
            ["work_types.organization_id", "work_types.id"],
            name=op.f("fk_closure_terms_organization_id_work_type_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_closure_terms_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_closure_terms")),
    )
    op.create_index("uq_closure_terms_sha256", "closure_terms", ["organization_id", "sha256"], unique=True)
    op.create_table(
        "certificates",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("code", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("previous_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('closing', 'amendment')", name=op.f("ck_certificates_kind")),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_certificates_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_certificates_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_certificates")),
    )
    op.create_index("uq_certificates_code", "certificates", ["organization_id", "code"], unique=True)
    op.create_index("uq_certificates_position", "certificates", ["organization_id", "position"], unique=True)
    op.create_index(
        "uq_certificates_work_order_id_kind_revision",
        "certificates",
        ["organization_id", "work_order_id", "kind", "revision"],
        unique=True,
    )
    op.create_table(
        "service_reports",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_service_reports_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_service_reports_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_service_reports")),
    )
    op.create_index("uq_service_reports_token_hash", "service_reports", ["organization_id", "token_hash"], unique=True)
    op.create_index(
        "uq_service_reports_work_order_id", "service_reports", ["organization_id", "work_order_id"], unique=True
    )
    op.create_table(
        "closure_waivers",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("reason", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("granted_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("role IN ('technician', 'supervisor')", name=op.f("ck_closure_waivers_role")),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_closure_waivers_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_closure_waivers_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_closure_waivers_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_closure_waivers")),
    )
    op.create_index(
        "uq_closure_waivers_visit_id_rule_id",
        "closure_waivers",
        ["organization_id", "visit_id", "rule_id"],
        unique=True,
    )
    op.create_table(
        "customer_codes",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("tried", JSONB(), nullable=False),
        sa.Column("expires_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("used_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("checked", sa.Text(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint("channel IN ('sms', 'email', 'shown')", name=op.f("ck_customer_codes_channel")),
        sa.CheckConstraint("checked IN ('online', 'offline')", name=op.f("ck_customer_codes_checked")),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_customer_codes_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_customer_codes_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_customer_codes_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_customer_codes")),
    )
    op.create_index(
        "ix_customer_codes_visit_id_created_at",
        "customer_codes",
        ["organization_id", "visit_id", "created_at"],
        unique=False,
    )
    op.create_index("uq_customer_codes_token_hash", "customer_codes", ["organization_id", "token_hash"], unique=True)
    op.create_table(
        "customer_messages",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("due_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("claimed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("provider", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("provider_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("last_error", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("sent_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint("channel IN ('email', 'sms', 'none')", name=op.f("ck_customer_messages_channel")),
        sa.CheckConstraint(
            "state IN ('due', 'sending', 'sent', 'failed', 'uncertain', 'suppressed')",
            name=op.f("ck_customer_messages_state"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "contact_id"],
            ["contacts.organization_id", "contacts.id"],
            name=op.f("fk_customer_messages_organization_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_customer_messages_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_customer_messages_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_customer_messages_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_customer_messages")),
    )
    op.create_index(
        "ix_customer_messages_claimed_at",
        "customer_messages",
        ["organization_id", "claimed_at"],
        unique=False,
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "ix_customer_messages_due_at",
        "customer_messages",
        ["organization_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index(
        "ix_customer_messages_work_order_id", "customer_messages", ["organization_id", "work_order_id"], unique=False
    )
    op.create_index(
        "uq_customer_messages_kind_subject_id",
        "customer_messages",
        ["organization_id", "kind", "subject_id"],
        unique=True,
    )
    op.create_table(
        "customer_confirmations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("submission_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("due_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("comment", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("answered_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.CheckConstraint("answer IN ('yes', 'no', 'not_answered')", name=op.f("ck_customer_confirmations_answer")),
        sa.ForeignKeyConstraint(
            ["organization_id", "submission_id"],
            ["closure_submissions.organization_id", "closure_submissions.id"],
            name=op.f("fk_customer_confirmations_organization_id_submission_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "visit_id"],
            ["visits.organization_id", "visits.id"],
            name=op.f("fk_customer_confirmations_organization_id_visit_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "work_order_id"],
            ["work_orders.organization_id", "work_orders.id"],
            name=op.f("fk_customer_confirmations_organization_id_work_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_customer_confirmations_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_customer_confirmations")),
    )
    op.create_index(
        "ix_customer_confirmations_due_at",
        "customer_confirmations",
        ["organization_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("answer IS NULL"),
    )
    op.create_index(
        "ix_customer_confirmations_visit_id", "customer_confirmations", ["organization_id", "visit_id"], unique=False
    )
    op.create_index(
        "uq_customer_confirmations_submission_id",
        "customer_confirmations",
        ["organization_id", "submission_id"],
        unique=True,
    )
    op.create_index(
        "uq_customer_confirmations_token_hash", "customer_confirmations", ["organization_id", "token_hash"], unique=True
    )
    op.add_column("assets", sa.Column("retired_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("attachments", sa.Column("document_hash", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("closure_submissions", sa.Column("terms_id", sa.Uuid(), nullable=True))
    op.add_column("closure_submissions", sa.Column("clock_source", sa.Text(), nullable=False, server_default="device"))
    op.create_check_constraint(
        op.f("ck_closure_submissions_clock_source"),
        "closure_submissions",
        "clock_source IN ('age', 'offset', 'device', 'server', 'record')",
    )
    op.add_column("closure_submissions", sa.Column("facts", JSONB(), nullable=False, server_default="{}"))
    op.add_column("closure_submissions", sa.Column("decided_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column(
        "closure_submissions", sa.Column("evidence_due_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True)
    )
    op.add_column("closure_submissions", sa.Column("review_due_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.add_column("closure_submissions", sa.Column("escalated_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
    op.create_index(
        "ix_closure_submissions_decided_at",
        "closure_submissions",
        ["organization_id", "decided_at"],
        unique=False,
        postgresql_where=sa.text("decided_at IS NOT NULL"),
    )
    op.create_foreign_key(
        op.f("fk_closure_submissions_organization_id_terms_id"),
        "closure_submissions",
        "closure_terms",
        ["organization_id", "terms_id"],
        ["organization_id", "id"],
    )
    op.add_column("evidence", sa.Column("document_hash", sqlmodel.sql.sqltypes.AutoString(), nullable=True))
    op.add_column("visits", sa.Column("terms_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_visits_organization_id_terms_id"),
        "visits",
        "closure_terms",
        ["organization_id", "terms_id"],
        ["organization_id", "id"],
    )
    op.add_column("work_orders", sa.Column("follow_up_of", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_work_orders_organization_id_follow_up_of"),
        "work_orders",
        "work_orders",
        ["organization_id", "follow_up_of"],
        ["organization_id", "id"],
    )
    op.alter_column("closure_submissions", "facts", server_default=None)
    op.alter_column("closure_submissions", "clock_source", server_default=None)
    rewrite("work_type_versions", RENAME.format(old="when", new="show_if"))
    rewrite("closure_submissions", DECIDED)
    for name in TABLES:
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_organization ON {name} USING "
            "(organization_id = nullif(current_setting('app.organization', true), '')::uuid)"
        )
    for name in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {name} FROM {API_ROLE}")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for name, columns in KEPT.items():
        op.execute(
            f"CREATE TRIGGER kept BEFORE DELETE OR UPDATE OF {columns} ON {name} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.execute("DROP TRIGGER kept ON closure_submissions")
    op.execute("DROP TRIGGER append_only ON evidence")
    op.execute(f"GRANT UPDATE, DELETE ON evidence TO {API_ROLE}")
    rewrite("work_type_versions", RENAME.format(old="show_if", new="when"))
    op.drop_constraint(op.f("fk_work_orders_organization_id_follow_up_of"), "work_orders", type_="foreignkey")
    op.drop_column("work_orders", "follow_up_of")
    op.drop_constraint(op.f("fk_visits_organization_id_terms_id"), "visits", type_="foreignkey")
    op.drop_column("visits", "terms_id")
    op.drop_column("evidence", "document_hash")
    op.drop_constraint(
        op.f("fk_closure_submissions_organization_id_terms_id"), "closure_submissions", type_="foreignkey"
    )
    op.drop_index(
        "ix_closure_submissions_decided_at",
        table_name="closure_submissions",
        postgresql_where=sa.text("decided_at IS NOT NULL"),
    )
    op.drop_column("closure_submissions", "escalated_at")
    op.drop_column("closure_submissions", "review_due_at")
    op.drop_column("closure_submissions", "evidence_due_at")
    op.drop_column("closure_submissions", "decided_at")
    op.drop_column("closure_submissions", "facts")
    op.drop_column("closure_submissions", "clock_source")
    op.drop_column("closure_submissions", "terms_id")
    op.drop_column("attachments", "document_hash")
    op.drop_column("assets", "retired_at")
    op.drop_index("uq_customer_confirmations_token_hash", table_name="customer_confirmations")
    op.drop_index("uq_customer_confirmations_submission_id", table_name="customer_confirmations")
    op.drop_index("ix_customer_confirmations_visit_id", table_name="customer_confirmations")
    op.drop_index(
        "ix_customer_confirmations_due_at",
        table_name="customer_confirmations",
        postgresql_where=sa.text("answer IS NULL"),
    )
    op.drop_table("customer_confirmations")
    op.drop_index("uq_customer_messages_kind_subject_id", table_name="customer_messages")
    op.drop_index("ix_customer_messages_work_order_id", table_name="customer_messages")
    op.drop_index(
        "ix_customer_messages_due_at", table_name="customer_messages", postgresql_where=sa.text("state = 'due'")
    )
    op.drop_index(
        "ix_customer_messages_claimed_at", table_name="customer_messages", postgresql_where=sa.text("state = 'sending'")
    )
    op.drop_table("customer_messages")
    op.drop_index("ix_customer_codes_visit_id_created_at", table_name="customer_codes")
    op.drop_table("customer_codes")
    op.drop_index("uq_closure_waivers_visit_id_rule_id", table_name="closure_waivers")
    op.drop_table("closure_waivers")
    op.drop_index("uq_service_reports_work_order_id", table_name="service_reports")
    op.drop_index("uq_service_reports_token_hash", table_name="service_reports")
    op.drop_table("service_reports")
    op.drop_index("uq_certificates_work_order_id_kind_revision", table_name="certificates")
    op.drop_index("uq_certificates_position", table_name="certificates")
    op.drop_index("uq_certificates_code", table_name="certificates")
    op.drop_table("certificates")
    op.drop_index("uq_closure_terms_sha256", table_name="closure_terms")
    op.drop_table("closure_terms")
    op.drop_index("uq_closure_policy_versions_policy_id_version", table_name="closure_policy_versions")
    op.drop_table("closure_policy_versions")
    op.drop_index("uq_form_versions_form_id_version", table_name="form_versions")
    op.drop_table("form_versions")
    op.drop_index("uq_closure_policies_key", table_name="closure_policies")
    op.drop_table("closure_policies")
    op.drop_index("uq_signing_keys_key_id", table_name="signing_keys")
    op.drop_table("signing_keys")
    op.drop_index("uq_forms_key", table_name="forms")
    op.drop_table("forms")
