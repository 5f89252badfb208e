"""The one program: each command says what it does, shows progress, and ends with 0 only when all is well."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from app.kit.embedded_postgres import (
    EmbeddedPostgres,
    EmbeddedPostgresFailed,
    EmbeddedPostgresUnavailable,
    running_dsn,
)
from app.kit.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

DataDir = Annotated[Path | None, typer.Option(help="Where the embedded database and files are kept.")]


def settings_with(**given: object) -> Settings:
    """The settings of the environment with what the command line says on top."""
    return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


@contextmanager
def database(settings: Settings, *, start: bool = True, keep_running: bool = False) -> Iterator[str]:
    """The address of the database: the external one, a running embedded one, or one started for this command.

    `keep_running` is for what runs long: an embedded server that dies is started again.
    """
    if settings.database_url:
        yield settings.database_url
        return
    if (running := running_dsn(settings.data_dir)) is not None and not start:
        yield running
        return
    with EmbeddedPostgres.start(settings.data_dir) as server:
        if keep_running:
            server.keep_running()
        yield server.dsn


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    data_dir: DataDir = None,
    demo: Annotated[bool, typer.Option(help="Make the demo organization and print how to look around.")] = False,
    worker: Annotated[bool | None, typer.Option(help="Also work off the queue in this process.")] = None,
) -> None:
    """Start the API, and the worker in the same process; brings the database up to date first."""
    from app import server

    settings = settings_with(port=port, host=host, data_dir=data_dir, run_worker=worker)
    with database(settings, keep_running=True) as dsn:
        server.run(settings, dsn, demo=demo, out=out)


@app.command()
def sandbox(
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Keep the sandbox here; else it is gone at the end.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option("--clock", formats=["%Y-%m-%dT%H:%M:%SZ"], help="It stands still here: 2026-11-21T10:00:00Z"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say how to begin as one line of JSON.")] = False,
) -> None:
    """Start a server for app developers: an organization to break, with tokens, chaos and scenarios."""
    from app import server
    from app.kit import clock
    from app.sandbox.show import open_sandbox

    clock.stand_still(at.replace(tzinfo=UTC) if at else None)
    with TemporaryDirectory(prefix="firstfix-sandbox-") as temporary:
        given = {"port": port, "host": host, "data_dir": data_dir or Path(temporary), "log_level": "warning"}
        settings = settings_with(**given)
        with database(settings, keep_running=True) as dsn:
            server.run(
                settings, dsn, demo=False, out=out, sandbox=lambda made: open_sandbox(made, out, as_json=as_json)
            )


@app.command()
def worker(data_dir: DataDir = None) -> None:
    """Work off the durable queue, in a process of its own."""
    from app import worker as worker_process

    settings = settings_with(data_dir=data_dir)
    with database(settings, keep_running=True) as dsn:
        worker_process.run(settings, dsn)


@app.command()
def migrate(
    revision: Annotated[str, typer.Argument(help="head, base, or a revision.")] = "head", data_dir: DataDir = None
) -> None:
    """Bring the database to the newest schema."""
    from app.migrate import migrate as run

    with database(settings_with(data_dir=data_dir)) as dsn:
        run(dsn, revision=revision)
    out.print(f"schema is at {revision}")


@app.command()
def replay(
    check: Annotated[bool, typer.Option("--check", help="Only compare; exit code 1 when something differs.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Fold all events again and compare with every cached status; without --check, differences are put right."""
    from rich.progress import Progress

    from app import replay as replaying
    from app.main import build_runtime

    settings = settings_with(data_dir=data_dir)
    with database(settings, start=True) as dsn, Progress(console=err, transient=True) as progress:
        bar = progress.add_task("work orders", total=None)
        runtime = build_runtime(settings, dsn)
        found = 0
        for one in replaying.replay(
            runtime, mend=not check, on_progress=lambda done: progress.update(bar, completed=done)
        ):
            found += 1
            out.print(f"{one.work_order_id} {one.where}: cached {one.cached!s}, events say {one.replayed!s}")
        runtime.engine.dispose()
    out.print(f"{found} differences" + ("" if check or not found else ", put right"))
    if check and found:
        raise typer.Exit(1)


@app.command("import")
def import_(
    folder: Annotated[
        Path, typer.Argument(help="Holds teams.csv, work_orders.ndjson, …", exists=True, file_okay=False)
    ],
    organization: Annotated[str | None, typer.Option(help="Name or id; not needed when there is one only.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Import every table of a folder of historic records; exit code 1 when a row was refused."""
    from app import import_folder

    with database(settings_with(data_dir=data_dir)) as dsn:
        complete = import_folder.run(settings_with(data_dir=data_dir), dsn, folder, organization, out=out, err=err)
    if not complete:
        raise typer.Exit(1)


@app.command()
def demo(
    url: Annotated[str | None, typer.Option(help="A demo server that runs already.")] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Data of the server that is started; a temporary folder.")
    ] = None,
) -> None:
    """Play a technician's day through the public API, against a running demo server or one that is started for it."""
    from app.demo.show import show

    if not show(url, data_dir, out):
        raise typer.Exit(1)


@app.command()
def doctor(data_dir: DataDir = None) -> None:
    """Check everything that the program needs, and say what to do; exit code 1 when something is broken."""
    from app import doctor as examination

    settings = settings_with(data_dir=data_dir)
    if not examination.report(settings, lambda: database(settings, start=False), out):
        raise typer.Exit(1)


@app.command()
def openapi(
    check: Annotated[bool, typer.Option(help="Compare with the committed document instead of writing it.")] = False,
) -> None:
    """Write openapi/openapi.json, or check that it is current."""
    from app.openapi_file import check as compare
    from app.openapi_file import write

    if not check:
        out.print(f"wrote {write()}")
        return
    if difference := compare():
        err.print(f"openapi/openapi.json is not current: {difference}; run `python -m app openapi`")
        raise typer.Exit(1)
    out.print("openapi/openapi.json is current")


def stop(number: int, frame: FrameType | None) -> None:
    """End by unwinding, so that the embedded database is stopped too; the server has ended in order by then."""
    raise SystemExit(0 if number == signal.SIGTERM else 130)


def main() -> None:
    """Run the program; what a person can mend is said in one line, without a traceback."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    from pydantic import ValidationError

    from app.migrate import DatabaseTooOld

    try:
        app()
    except (EmbeddedPostgresUnavailable, EmbeddedPostgresFailed, DatabaseTooOld) as trouble:
        err.print(f"error: {' '.join(str(trouble).split())}", markup=False, soft_wrap=True)
        sys.exit(2)
    except ValidationError as trouble:
        for one in trouble.errors():
            err.print(f"error: setting {'.'.join(str(part) for part in one['loc'])}: {one['msg']}")
        sys.exit(2)
