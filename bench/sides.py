"""The two that are compared, each a real uvicorn process, and what they and their database backends burn."""

from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from tests.processes import Process, free_port, serve


@dataclass
class Side:
    """One of the two: `name` is also what its connections call themselves in the database."""

    name: str
    port: int
    process: Process
    superuser_dsn: str

    def cpu_seconds(self) -> dict[int, float]:
        """CPU of the server and of each database backend that serves it, by process id."""
        with psycopg.connect(self.superuser_dsn, autocommit=True) as connection:
            backends = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = %s", [self.name]
            ).fetchall()
        burned = {}
        for pid in (self.process.pid, *(pid for (pid,) in backends)):
            times = psutil.Process(pid).cpu_times()
            burned[pid] = times.user + times.system
        return burned

    def ready_url(self) -> str:
        path = "/readyz" if self.name == "product" else "/v1/me/jobs"
        return f"http://127.0.0.1:{self.port}{path}"


def product(folder: Path, dsn: str) -> Side:
    """Ours, as it is served in production, logging each request."""
    port = free_port()
    process = serve(folder, f"{dsn}&application_name=product", port, FIRSTFIX_LOG_LEVEL="info")
    return Side("product", port, process, dsn)


def bare(folder: Path, dsn: str, seed_file: Path) -> Side:
    port = free_port()
    environment = {"BENCH_DSN": dsn, "BENCH_SEED": str(seed_file)}
    command = ["-m", "uvicorn", "bench.bare:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    return Side("bare", port, Process(command, folder / "bare.log", environment), dsn)


def burned(before: dict[int, float], after: dict[int, float], server: int) -> tuple[float, float]:
    """Seconds of CPU between two looks: of the server, and of its backends; one that came in between counts whole."""
    spent = {pid: seconds - before.get(pid, 0) for pid, seconds in after.items()}
    return spent.pop(server), sum(spent.values())
