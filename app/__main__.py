"""`python -m app …`: serve, worker, migrate, import, demo, replay, certificates, sync, feeds, openapi, doctor."""

from app.cli import app, main
from app.cli_certificates import certificates
from app.cli_sync import feeds, sync

app.add_typer(certificates, name="certificates")
app.add_typer(sync, name="sync")
app.add_typer(feeds, name="feeds")
main()
