"""`python -m app import DIR`: which organization, a bar for each table, and a report of what was refused and why."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from sqlmodel import select

from app.identity.models import Organization
from app.imports import command
from app.imports.models import ImportRun
from app.kit.problems import Refusal
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.main import build_runtime
from app.migrate import migrate


def run(settings: Settings, dsn: str, folder: Path, organization: str | None, *, out: Console, err: Console) -> bool:
    """Import the folder and print the report; whether every row was taken."""
    migrate(dsn)
    runtime = build_runtime(settings, dsn)
    try:
        organization_id = choose(runtime, organization)
        with Progress(console=err, transient=True) as progress:
            bars: dict[str, TaskID] = {}

            def advance(table: str, done: int, total: int) -> None:
                if table not in bars:
                    bars[table] = progress.add_task(table, total=total)
                progress.update(bars[table], completed=done)

            runs = command.import_folder(runtime, organization_id, folder, advance)
    except (Refusal, LookupError) as trouble:
        said = f"{trouble.detail} {_shown(trouble.facts)}" if isinstance(trouble, Refusal) else trouble.args[0]
        err.print(f"error: {said}", markup=False, soft_wrap=True)
        return False
    finally:
        runtime.engine.dispose()
    report(runs, out)
    return all(one.rows_refused == 0 for one in runs)


def _shown(facts: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{name}: {', '.join(map(str, fact)) if isinstance(fact, list) else fact}" for name, fact in facts.items()
    )


def choose(runtime: Runtime, wanted: str | None) -> UUID:
    """
    Raises:
        LookupError: there is no such organization, or several and none was named.
    """
    with runtime.transaction(None) as db:
        known = db.exec(select(Organization)).all()
    fitting = [one for one in known if wanted in (None, one.name, str(one.id))]
    if len(fitting) == 1:
        return fitting[0].id
    names = ", ".join(f"{one.name} ({one.id})" for one in known) or "there is none yet: start the server once"
    raise LookupError(f"Say which organization with --organization: {names}")


def report(runs: list[ImportRun], out: Console) -> None:
    columns = ("created", "updated", "unchanged", "refused")
    table = Table("table", *columns)
    for one in runs:
        table.add_row(one.table_name, *(f"{getattr(one, f'rows_{name}'):,}" for name in columns))
    out.print(table)
    for one in runs:
        for code, count in Counter(refusal["code"] for refusal in one.refusals).most_common():
            first = next(refusal for refusal in one.refusals if refusal["code"] == code)
            out.print(
                f"{one.table_name}: {count} × {code}, first in line {first['line']}: {first['detail']}",
                markup=False,
                soft_wrap=True,
            )
