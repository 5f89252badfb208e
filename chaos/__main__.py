"""Kill -9 API, worker and PostgreSQL again and again while jobs are closed, then look for every promise broken.

Prints counts; ends with 1 when anything acknowledged was lost, anything was applied twice, a survey was lost or sent
for nothing, a request hung, or the queue did not drain.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from app.kit.embedded_postgres import EmbeddedPostgres
from app.migrate import migrate
from chaos.audit import Findings, audit, wait_until_drained
from chaos.mayhem import Mayhem
from chaos.provider import Provider
from chaos.shift import ADMIN, PASSWORD, Shift
from tests.processes import free_port, serve, wait_until_ready, worker


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(*, kills: int, seed: int, with_database: bool, drain_seconds: float, folder: Path) -> Findings:
    """One whole trial in an empty folder."""
    provider = Provider(seed)
    provider.start()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "FIRSTFIX_MESSAGE_WEBHOOK_URL": provider.url,
        "FIRSTFIX_SECRET_KEY": "one secret for both processes of this trial",
        "FIRSTFIX_PUBLIC_URL": url,
        "FIRSTFIX_BOOTSTRAP_ADMIN": f"{ADMIN}:{PASSWORD}",
    }
    with EmbeddedPostgres.start(folder) as postgres:
        postgres.keep_running()
        migrate(postgres.dsn)
        api, working = serve(folder, postgres.dsn, port, **settings), worker(folder, postgres.dsn, **settings)
        mayhem = Mayhem(api, working, postgres, f"{url}/readyz", random.Random(seed), with_database)
        shift = Shift(url, seed)
        try:
            worked = _under_fire(shift, mayhem, kills)
            drained = wait_until_drained(postgres.dsn, seconds=drain_seconds, tell=tell)
            found = audit(postgres.dsn, shift, provider)
        finally:
            working.stop()
            api.stop()
            provider.stop()
        _report(found, shift, mayhem, worked=worked, drained=drained)
        return found


def _under_fire(shift: Shift, mayhem: Mayhem, kills: int) -> float:
    """Start both processes, let everybody work, and strike; how many seconds that took."""
    mayhem.server.start()
    mayhem.worker.start()
    wait_until_ready(mayhem.server, mayhem.ready_url)
    shift.begin()
    began = time.monotonic()
    for number in range(1, kills + 1):
        tell(f"{number}/{kills} killed the {mayhem.strike()}; {len(shift.done)} jobs done")
    time.sleep(1)
    shift.end()
    return time.monotonic() - began


def _report(found: Findings, shift: Shift, mayhem: Mayhem, *, worked: float, drained: float) -> None:
    tally = shift.tally
    lines: dict[str, object] = {
        **{f"kills of the {victim}": count for victim, count in sorted(mayhem.kills.items())},
        **{f"back after a kill of the {who}, seconds": spread(took) for who, took in mayhem.back_seconds.items()},
        "seconds under load": round(worked),
        "seconds to drain": round(drained),
        "requests acknowledged": tally.counts["acknowledged"],
        "… of them repeated and answered from the store": tally.counts["replayed"],
        "requests cut off": tally.counts["cut"],
        "requests refused with 503": tally.counts["503"],
        "slowest request, seconds": round(tally.slowest_seconds, 1),
        **found.counts,
        "violations": len(found.violations),
    }
    for name, value in lines.items():
        print(f"{name:<50}{value:>12}")
    for violation in found.violations:
        print(f"VIOLATION: {violation}")


def spread(seconds: list[float]) -> str:
    return f"{median(seconds):.1f} (≤ {max(seconds):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spare-database", action="store_true", help="kill API and worker only")
    parser.add_argument("--drain-seconds", type=float, default=240)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        found = run(
            kills=given.kills,
            seed=given.seed,
            with_database=not given.spare_database,
            drain_seconds=given.drain_seconds,
            folder=Path(folder),
        )
    sys.exit(1 if found.violations else 0)


if __name__ == "__main__":
    main()
