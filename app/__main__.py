"""`python -m app …`: serve, worker, migrate, import, demo, replay, openapi, doctor."""

from app.cli import main

main()
