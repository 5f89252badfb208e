"""A PostgreSQL server of the program's own: one private cluster per data folder, reached by a Unix socket only.

`EmbeddedPostgres.start` makes the cluster when there is none, takes over a server that is already running on the
folder, and otherwise starts one. The server survives its starter: after a `kill -9` of the program the next start
finds it. Whoever stops last stops the server.
"""

from app.kit.embedded_postgres.cluster import running_dsn
from app.kit.embedded_postgres.program import EmbeddedPostgresUnavailable
from app.kit.embedded_postgres.server import EmbeddedPostgres, EmbeddedPostgresFailed

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresFailed", "EmbeddedPostgresUnavailable", "running_dsn"]
