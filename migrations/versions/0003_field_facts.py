"""Issues instead of orphans, and what else technicians report"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

API_ROLE = "firstfix_api"
TABLES = ("issues", "task_results", "asset_readings", "part_requests")
APPEND_ONLY = ("task_results", "asset_readings")
TIME = sa.TIMESTAMP(timezone=True)


def wall(table: str) -> None:
    """Nobody reaches what another organization has."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY own_organization ON {table} USING "
        "(organization_id = nullif(current_setting('app.organization', true), '')::uuid)"
    )


def table(name: str, *columns: sa.Column | sa.Constraint, refers: dict[str, str]) -> None:  # type: ignore[type-arg]
    """A table of an organization; `refers`: from column to the table that it points into."""
    op.create_table(
        name,
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        *columns,
        *(
            sa.ForeignKeyConstraint(
                ["organization_id", column],
                [f"{target}.organization_id", f"{target}.id"],
                name=op.f(f"fk_{name}_organization_id_{column}"),
            )
            for column, target in refers.items()
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f(f"fk_{name}_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f(f"pk_{name}")),
    )


def one_of(name: str, column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{name}_{column}"))


def upgrade() -> None:
    op.add_column("visits", sa.Column("seen_at", TIME, nullable=True))
    make_issues()
    table(
        "task_results",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("value", JSONB(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("effective_at", TIME, nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        refers={"visit_id": "visits", "technician_id": "technicians"},
    )
    columns = ["organization_id", "visit_id", "task_id", "effective_at", "id"]
    op.create_index("ix_task_results_visit_id_task_id_effective_at_id", "task_results", columns)
    table(
        "asset_readings",
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("value", sa.Numeric(), nullable=False),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("effective_at", TIME, nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        refers={
            "asset_id": "assets",
            "work_order_id": "work_orders",
            "visit_id": "visits",
            "technician_id": "technicians",
        },
    )
    columns = ["organization_id", "asset_id", "effective_at", "id"]
    op.create_index("ix_asset_readings_asset_id_effective_at_id", "asset_readings", columns)
    make_part_requests()
    for name in TABLES:
        wall(name)
    for name in APPEND_ONLY:
        op.execute(f"REVOKE UPDATE, DELETE ON {name} FROM {API_ROLE}")
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute("ALTER TABLE orphans NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE issues NO FORCE ROW LEVEL SECURITY")
    op.execute(ORPHANS_TO_ISSUES)
    op.execute("ALTER TABLE issues FORCE ROW LEVEL SECURITY")
    op.drop_table("orphans")


def make_issues() -> None:
    table(
        "issues",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("params", JSONB(), nullable=False),
        sa.Column("choices", JSONB(), nullable=False),
        sa.Column("report", JSONB(), nullable=True),
        sa.Column("effective_at", TIME, nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("choice", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("resolved_at", TIME, nullable=True),
        one_of("issues", "severity", "info", "warning", "high"),
        one_of("issues", "owner", "technician", "dispatcher", "stores"),
        one_of("issues", "state", "open", "resolved"),
        refers={"work_order_id": "work_orders", "visit_id": "visits", "technician_id": "technicians"},
    )
    op.create_index("uq_issues_op_id_owner_code", "issues", ["organization_id", "op_id", "owner", "code"], unique=True)
    op.create_index("ix_issues_state_recorded_at_id", "issues", ["organization_id", "state", "recorded_at", "id"])
    op.create_index(
        "ix_issues_technician_id_recorded_at",
        "issues",
        ["organization_id", "technician_id", "recorded_at"],
        postgresql_where=sa.text("owner = 'technician' AND state = 'open'"),
    )
    op.create_index(
        "ix_issues_work_order_id",
        "issues",
        ["organization_id", "work_order_id"],
        postgresql_where=sa.text("work_order_id IS NOT NULL"),
    )


def make_part_requests() -> None:
    table(
        "part_requests",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("part_id", sa.Uuid(), nullable=True),
        sa.Column("part_number", sa.String(), nullable=False),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("effective_at", TIME, nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", TIME, nullable=True),
        one_of("part_requests", "state", "open", "ordered", "fulfilled", "canceled"),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_part_requests_quantity")),
        refers={
            "work_order_id": "work_orders",
            "visit_id": "visits",
            "technician_id": "technicians",
            "part_id": "parts",
        },
    )
    op.create_index("ix_part_requests_state_id", "part_requests", ["organization_id", "state", "id"])
    op.create_index("ix_part_requests_work_order_id", "part_requests", ["organization_id", "work_order_id"])


ORPHANS_TO_ISSUES = """
INSERT INTO issues (organization_id, id, version, severity, code, owner, technician_id, op_id, work_order_id, visit_id,
                    params, choices, report, effective_at, recorded_at, state, choice, reason, resolved_by, resolved_at)
SELECT organization_id, id, 1,
       CASE WHEN code IN ('reassigned', 'visit_canceled') THEN 'high' ELSE 'warning' END,
       CASE WHEN code = 'visit_canceled' THEN 'job_cancelled'
            WHEN code IN ('reassigned', 'visit_completed', 'visit_incomplete', 'visit_declined', 'visit_no_show') THEN code
            ELSE 'visit_moved_on' END,
       'dispatcher', technician_id, id, work_order_id, visit_id,
       jsonb_build_object('action', action), '["attach", "new_visit", "discard"]', body::jsonb, effective_at, recorded_at,
       CASE WHEN state = 'open' THEN 'open' ELSE 'resolved' END, choice, reason, decided_by, decided_at
FROM orphans
"""

#: What was not a report about a visit has no place in the older table and is lost.
ISSUES_TO_ORPHANS = """
INSERT INTO orphans (organization_id, id, work_order_id, visit_id, technician_id, action, body, effective_at,
                     recorded_at, code, state, choice, reason, decided_by, decided_at)
SELECT organization_id, coalesce(op_id, id), work_order_id, visit_id, technician_id, report ->> 'action', report::json,
       effective_at, recorded_at, CASE WHEN code = 'job_cancelled' THEN 'visit_canceled' ELSE code END,
       CASE WHEN state = 'open' THEN 'open' ELSE 'decided' END, choice, reason, resolved_by, resolved_at
FROM issues
WHERE owner = 'dispatcher' AND report ->> 'action' IS NOT NULL AND work_order_id IS NOT NULL AND visit_id IS NOT NULL
ON CONFLICT DO NOTHING
"""


def downgrade() -> None:
    table(
        "orphans",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("effective_at", TIME, nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("choice", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        refers={"visit_id": "visits", "work_order_id": "work_orders"},
    )
    op.create_index("ix_orphans_state_recorded_at", "orphans", ["organization_id", "state", "recorded_at"])
    op.execute("ALTER TABLE issues NO FORCE ROW LEVEL SECURITY")
    op.execute(ISSUES_TO_ORPHANS)
    wall("orphans")
    for name in reversed(TABLES):
        op.drop_table(name)
    op.drop_column("visits", "seen_at")
