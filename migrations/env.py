"""Alembic's entry: the caller hands over an open connection (`app.migrate`), so no address is written here."""

from typing import Any

from alembic import context

from app.models import metadata


def ours(obj: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave the queue's tables alone: procrastinate made them."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=ours,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
