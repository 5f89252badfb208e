"""Kill -9 API and PostgreSQL in the middle of pushes, then look for every operation and compare every device.

Eight technicians write with real offline clients and read along on second devices, two people in the office give jobs
away. Ends with 1 when an operation was lost or took effect twice, or a device does not hold what the server says.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from app.kit.embedded_postgres import EmbeddedPostgres
from app.kit.settings import Settings
from app.main import build_runtime
from app.migrate import migrate
from app.sync.upkeep import audit, tick
from chaos.__main__ import spread, tell
from chaos.crew import Crew
from chaos.mayhem import Mayhem
from chaos.shift import ADMIN, PASSWORD
from tests.processes import free_port, serve, wait_until_ready, worker

SECRET = "one secret for all processes of this trial"


def run(*, kills: int, seed: int, writers: int, folder: Path) -> list[str]:
    """One whole trial in an empty folder; what was found wrong."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {"FIRSTFIX_SECRET_KEY": SECRET, "FIRSTFIX_BOOTSTRAP_ADMIN": f"{ADMIN}:{PASSWORD}"}
    with EmbeddedPostgres.start(folder) as postgres:
        postgres.keep_running()
        migrate(postgres.dsn)
        api, working = serve(folder, postgres.dsn, port, **settings), worker(folder, postgres.dsn, **settings)
        mayhem = Mayhem(api, working, postgres, f"{url}/readyz", random.Random(seed), True)
        mayhem.weights = {"server": 6, "worker": 1, "database": 3}
        crew = Crew(url, folder, seed, writers)
        try:
            api.start()
            working.start()
            wait_until_ready(api, mayhem.ready_url)
            crew.begin()
            began = time.monotonic()
            for number in range(1, kills + 1):
                tell(f"{number}/{kills} killed the {mayhem.strike()}; {len(crew.sent)} operations typed")
            crew.end()
            worked = time.monotonic() - began
            crew.settle()
        finally:
            working.stop()
            api.stop()
        wrong = [*crew.tally.complaints, *look(postgres.dsn, folder, crew)]
        report(crew, mayhem, postgres.dsn, worked, wrong)
        return wrong


def look(dsn: str, folder: Path, crew: Crew) -> list[str]:
    """Every operation has one final status and one effect; every device holds what its feed says."""
    with psycopg.connect(dsn) as db:
        ledger = {
            str(id_): (status, type_) for id_, status, type_ in db.execute("SELECT id, status, type FROM operations")
        }
        effects = {name: _ids(db, table) for name, table in EFFECTS.items()}
        events = _ids(db, "events")
        held = {str(who): set(entries) for who, entries in db.execute(HELD)}
    wrong = [f"lost: {op_id} {crew.sent[op_id]}" for op_id in crew.sent.keys() - ledger.keys()]
    wrong += [f"made up: {op_id}" for op_id in ledger.keys() - crew.sent.keys()]
    for op_id, (status, type_) in ledger.items():
        if status not in ("applied", "noted", "rejected"):
            wrong.append(f"not settled: {op_id} {type_} is {status}")
        times = effects[type_][op_id] if type_ in effects else None
        if times is not None and times != (status != "rejected"):
            wrong.append(f"{status} {type_} {op_id} is there {times} times")
        if events[op_id] > 1:
            wrong.append(f"{type_} {op_id} took effect {events[op_id]} times")
    for op_id, told in crew.results.items():
        if told - {"deferred"} - {ledger.get(op_id, ("", ""))[0]}:
            wrong.append(f"{op_id} was told {told}, the ledger says {ledger.get(op_id)}")
    for phone in (*crew.phones, *crew.readers):
        mine = {"|".join(one) for one in phone.held()}
        if mine != (theirs := held.get(phone.technician_id, set())):
            wrong.append(f"a device differs: {len(mine - theirs)} too many, {len(theirs - mine)} missing")
    return wrong + drift(dsn, folder)


#: Where the one effect of an operation of this type is found, under the operation's own id.
EFFECTS = {"note.add": "notes", "part.use": "part_movements", "task.set": "task_results"}
HELD = """
SELECT f.id, array_agg(e.kind || '|' || e.entity_id || '|' || e.epoch || '.' || e.seq)
FROM feeds f JOIN feed_entries e ON e.organization_id = f.organization_id AND e.feed_id = f.id AND NOT e.removed
GROUP BY f.id
"""


def _ids(db: psycopg.Connection[Any], table: LiteralString) -> Counter[str]:
    return Counter(str(id_) for (id_,) in db.execute(f"SELECT id FROM {table}"))


def drift(dsn: str, folder: Path) -> list[str]:
    """Feeds that are not what their technicians may see."""
    runtime = build_runtime(Settings(data_dir=folder, secret_key=SECRET), dsn)
    tick(runtime)
    found = [f"the feed of {who} has drifted by {count}" for who, count in audit(runtime).items()]
    runtime.engine.dispose()
    return found


def report(crew: Crew, mayhem: Mayhem, dsn: str, worked: float, wrong: list[str]) -> None:
    with psycopg.connect(dsn) as db:
        states = dict(db.execute("SELECT status, count(*) FROM operations GROUP BY status ORDER BY 1").fetchall())
        entries = db.execute("SELECT count(*) FROM feed_entries").fetchone()
    counts = crew.tally.counts
    lines: dict[str, object] = {
        **{f"kills of the {victim}": count for victim, count in sorted(mayhem.kills.items())},
        **{f"back after a kill of the {who}, seconds": spread(took) for who, took in mayhem.back_seconds.items()},
        "seconds under load": round(worked),
        "operations typed": len(crew.sent),
        **{f"… {status}": count for status, count in states.items()},
        "syncs that went through": counts["sync synced"],
        "syncs that were cut or refused": counts["sync offline"] + counts["sync refused"],
        "devices compared": len(crew.phones) + len(crew.readers),
        "entries in their feeds": entries[0] if entries else 0,
        "violations": len(wrong),
    }
    for name, value in lines.items():
        print(f"{name:<50}{value:>12}")
    for one in wrong[:50]:
        print(f"VIOLATION: {one}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="chaos.offline", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--writers", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        wrong = run(kills=given.kills, seed=given.seed, writers=given.writers, folder=Path(folder))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
