"""`python -m app certificates …`: what an operator does about certificates and the keys that sign them."""

from typing import Annotated
from uuid import UUID

import typer

from app.cli import DataDir, err, out
from app.cli_sync import running
from app.kit.runtime import Runtime

certificates = typer.Typer(no_args_is_help=True, help="Certificates of closed work, and their keys.")
Only = Annotated[UUID | None, typer.Option("--organization", help="Only this one, by its id; else all.")]


@certificates.command("verify")
def verify(organization: Only = None, data_dir: DataDir = None) -> None:
    """Compute every certificate again, from the rows and the stored bytes; exit code 1 when anything differs."""
    from rich.progress import Progress

    from app.certificates.chain import Walk, walk

    so_far, found = Walk(), 0
    with running(data_dir) as runtime, Progress(console=err, transient=True) as progress:
        bar = progress.add_task("certificates", total=None)
        for one in walk(
            runtime,
            so_far,
            only=organization,
            on_progress=lambda: progress.update(bar, completed=so_far.links, total=so_far.total),
        ):
            found += 1
            what = one.difference
            out.print(f"{one.code or '-'} {what.part} {what.what}: {what.detail} ({what.id})", soft_wrap=True)
    for organization_id, (position, sha256) in so_far.ends.items():
        out.print(f"{organization_id}: the chain ends at {position}, {sha256}", soft_wrap=True)
    out.print(f"{so_far.links} certificates and amendments, {found} differences")
    if found:
        raise typer.Exit(1)


@certificates.command("rotate-key")
def rotate_key(organization: Only = None, data_dir: DataDir = None) -> None:
    """Sign with a new key from now on; what the keys before have signed stays valid."""
    from app.certificates.keys import rotate_key as rotate
    from app.kit import clock

    with running(data_dir) as runtime:
        for organization_id in _with_keys(runtime, organization):
            with runtime.transaction(organization_id) as db:
                key_id = rotate(db, organization_id, at=clock.now()).key_id
            out.print(f"{organization_id}: {key_id} signs from now on", soft_wrap=True)


@certificates.command("adopt-keys")
def adopt_keys(organization: Only = None, data_dir: DataDir = None) -> None:
    """After the secret key was lost: vouch for the public keys that are there, when you know that they are yours."""
    from app.certificates.keys import adopt_keys as adopt
    from app.kit import clock

    with running(data_dir) as runtime:
        for organization_id in _with_keys(runtime, organization):
            with runtime.transaction(organization_id) as db:
                count = adopt(db, organization_id, at=clock.now())
            out.print(f"{organization_id}: {count} keys are believed again, and sign no more")


def _with_keys(runtime: Runtime, only: UUID | None) -> list[UUID]:
    """The organizations that have signed something already."""
    from app.certificates.keys import keys_of
    from app.identity.queries import every_organization

    found = []
    for organization_id in [only] if only else every_organization(runtime):
        with runtime.transaction(organization_id) as db:
            if keys_of(db, organization_id):
                found.append(organization_id)
    return found
