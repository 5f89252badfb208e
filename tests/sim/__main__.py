"""`python -m tests.sim --seeds 500`: as many simulations; exit code 1 when one of them ends with a complaint."""
# ruff: noqa: T201 - it is a command, it prints

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from app.kit.embedded_postgres import EmbeddedPostgres
from app.kit.logs import configure
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.main import build_runtime, create_app
from app.migrate import migrate
from tests.sim.inside import Inside, without_waiting
from tests.sim.play import STEPS, play


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    asked.add_argument("--seeds", type=int, default=20, help="how many simulations")
    asked.add_argument("--first", type=int, default=1, help="the first seed")
    asked.add_argument("--steps", type=int, default=STEPS, help="steps of each before it gets quiet")
    given = asked.parse_args()
    configure("critical")
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres.start(Path(folder) / "postgres") as database:
        migrate(database.dsn)
        without_waiting(database.dsn)
        settings = Settings(
            data_dir=Path(folder), run_worker=False, secret_key="s" * 40, public_url="http://testserver"
        )
        runtime = build_runtime(settings, database.dsn)
        with Inside(create_app(runtime)) as server:
            return _play_all(runtime, server, range(given.first, given.first + given.seeds), given.steps)


def _play_all(runtime: Runtime, server: Inside, seeds: range, steps: int) -> int:
    began, counts, failed = time.monotonic(), Counter[str](), 0
    for seed in seeds:
        played = play(runtime, server, seed, steps=steps)
        counts.update(played.counts)
        if played.wrong:
            failed += 1
            print(played, flush=True)
    seconds = time.monotonic() - began
    for what, many in sorted(counts.items()):
        print(f"{many:8} {what}")
    print(f"{len(seeds)} seeds, {failed} with complaints, {seconds:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
