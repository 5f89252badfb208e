"""`python -m app sync …` and `python -m app feeds …`: what an operator does about feeds and operations."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from app.cli import DataDir, database, err, out, settings_with
from app.kit.runtime import Runtime

sync = typer.Typer(no_args_is_help=True, help="Feeds, epochs and operations of devices.")
feeds = typer.Typer(no_args_is_help=True, help="The feeds of technicians.")


@contextmanager
def running(data_dir: Path | None) -> Iterator[Runtime]:
    from app.main import build_runtime

    settings = settings_with(data_dir=data_dir)
    with database(settings) as dsn:
        runtime = build_runtime(settings, dsn)
        yield runtime
        runtime.engine.dispose()


@sync.command("rotate-epoch")
def rotate_epoch(data_dir: DataDir = None) -> None:
    """After a backup was put back, before the server starts: devices compare notes instead of believing positions."""
    from app.sync.epochs import rotate_epochs

    with running(data_dir) as runtime:
        count = rotate_epochs(runtime.dsn)
    out.print(f"{count} feeds begin a new epoch")


@sync.command("redrive")
def redrive(
    type_: Annotated[str | None, typer.Option("--type", help="Only operations of this type.")] = None,
    op_id: Annotated[UUID | None, typer.Option(help="Only this operation.")] = None,
    revoked: Annotated[bool, typer.Option("--revoked", help="Also from devices that were taken out of use.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Try what was put aside again, as its sender and at its own time; exit code 1 when something stays aside."""
    from app.sync.redrive import redrive as again

    aside, count = 0, 0
    with running(data_dir) as runtime:
        for one in again(runtime, type=type_, op_id=op_id, revoked=revoked):
            count += 1
            aside += one.status == "quarantined"
            out.print(f"{one.op_id} {one.type}: {one.status}" + (f" ({one.code})" if one.code else ""))
    out.print(f"{count} tried again, {aside} stay aside")
    if aside:
        raise typer.Exit(1)


@feeds.command("audit")
def audit(
    repair: Annotated[bool, typer.Option("--repair", help="Write what is missing or too much.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Compare every feed with what its technician may see; exit code 1 when one has drifted."""
    from app.sync.upkeep import audit as look

    with running(data_dir) as runtime:
        drifted = look(runtime, repair=repair)
    for technician_id, entries in drifted.items():
        err.print(f"{technician_id}: {entries} entries" + (", put right" if repair else ""))
    out.print(f"{len(drifted)} feeds have drifted")
    if drifted and not repair:
        raise typer.Exit(1)
