"""What must be true when everybody has synced until there was nothing more."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson

from app.domain.replica import digest_of
from app.sync.building import bring_up_to_date
from tests.sim.handset import Handset
from tests.sim.watch import FINAL, Watch
from tests.sim.world import World

ENTRIES = """
SELECT kind, entity_id, epoch, seq, document FROM feed_entries
WHERE organization_id = %(o)s AND feed_id = %(t)s AND NOT removed
"""


def complaints(world: World, watch: Watch, handsets: list[Handset]) -> list[str]:
    """Everything that is wrong, in a sentence each."""
    found = [*world.crashes, *watch.violations]
    found += _ledger(world, watch, handsets)
    found += _effects(world, watch, handsets)
    found += _times(world, watch, handsets)
    for handset in handsets:
        found += _replica(world, watch, handset)
    for technician_id in world.technicians:
        with world.runtime.transaction(world.organization_id) as db:
            drift = bring_up_to_date(db, world.organization_id, [technician_id], at=world.now, store=False)
        if drift:
            found.append(f"the feed of {technician_id} has drifted by {drift} entries (I30)")
    return found


def _replica(world: World, watch: Watch, handset: Handset) -> Iterator[str]:
    """The device against the feed, and against what the tables say of the technician's jobs (I1)."""
    technician_id = world.technicians[handset.technician]
    there = {
        (row["kind"], row["entity_id"]): (f"{row['epoch']}.{row['seq']}", orjson.loads(bytes(row["document"])))
        for row in world.sql(ENTRIES, t=technician_id)
    }
    here = handset.holds()
    for key in sorted(there.keys() | here.keys()):
        if key not in here:
            yield f"{handset.name} misses {key} (I1)"
        elif key not in there:
            yield f"{handset.name} holds {key}, which has left (I4)"
        elif here[key] != there[key]:
            yield f"{handset.name} holds another {key}: {here[key][0]} instead of {there[key][0]} (I1)"
    jobs = {id_ for kind, id_ in here if kind == "job"}
    if jobs != (right := watch.scope_of_jobs(technician_id)):
        yield f"{handset.name} should hold the jobs {sorted(right)}, holds {sorted(jobs)} (I1)"
    yield from _contents(world, here)
    if handset.waits():
        yield f"{handset.name} still has {handset.waits()} operations in its outbox (I7): {handset.client.outbox()}"
    told = digest_of((kind, id_, rev) for (kind, id_), (rev, _) in there.items())
    if told != digest_of((kind, id_, rev) for (kind, id_), (rev, _) in here.items()):
        yield f"{handset.name} has another digest"


CONTENTS = """
SELECT v.id::text, v.status, v.version, w.description, s.access_notes, c.name AS contact, a.serial,
       (SELECT least(count(*), 20) FROM notes n WHERE n.organization_id = v.organization_id
        AND n.work_order_id = v.work_order_id AND NOT n.internal) AS notes
FROM visits v JOIN work_orders w ON w.organization_id = v.organization_id AND w.id = v.work_order_id
LEFT JOIN sites s ON s.organization_id = v.organization_id AND s.id = w.site_id
LEFT JOIN contacts c ON c.organization_id = v.organization_id AND c.id = w.contact_id
LEFT JOIN assets a ON a.organization_id = v.organization_id AND a.id = w.asset_id
WHERE v.organization_id = %(o)s
"""


def _contents(world: World, here: dict[tuple[str, str], tuple[str, dict[str, Any]]]) -> Iterator[str]:
    for row in world.sql(CONTENTS):
        doc = here.get(("job", row["id"]), ("", {}))[1]
        if not doc:
            continue
        said = (doc["status"], doc["version"], doc.get("description") or "", len(doc.get("notes") or ()))
        if said != (row["status"], row["version"], row["description"], row["notes"]):
            yield f"job {row['id']} says {said}, the tables {row}"
        if (doc.get("site") or {}).get("access_notes", "") != row["access_notes"]:
            yield f"job {row['id']} has an old site"
        if doc.get("asset") and doc["asset"]["serial"] != row["serial"]:
            yield f"job {row['id']} has an old asset"
        if doc.get("contact") and doc["contact"]["name"] != row["contact"]:
            yield f"job {row['id']} has an old contact"


def _ledger(world: World, watch: Watch, handsets: list[Handset]) -> Iterator[str]:
    """One row and one final answer for each operation that was reported; what was put aside can be read (I7, I8)."""
    acted = {op_id for handset in handsets for op_id in handset.acted}
    rows = {str(row["id"]): row for row in world.sql("SELECT * FROM operations WHERE organization_id = %(o)s")}
    if rows.keys() != acted:
        yield f"the ledger has {len(rows)} operations, {len(acted)} were reported (I7)"
    issues = {str(row["op_id"]) for row in world.sql("SELECT op_id FROM issues WHERE organization_id = %(o)s")}
    for op_id, row in rows.items():
        status = row["status"]
        if status not in FINAL:
            yield f"operation {op_id} is {status} in the ledger"
        if watch.ended.get(op_id, ("", None))[0] != status:
            yield f"operation {op_id} is {status} in the ledger, its sender was told {watch.ended.get(op_id)}"
        if status == "quarantined" and (op_id not in issues or not row["body"]):
            yield f"operation {op_id} was put aside without an issue or without its words (I8)"
        if row["type"] == "visit.complete" and status in ("rejected", "quarantined") and op_id not in issues:
            yield f"the completion {op_id} is {status} without an issue (I17)"


#: Operations whose effect is a row of the same id, and where.
EFFECTS = {
    "note.add": "notes",
    "part.use": "part_movements",
    "part.return": "part_movements",
    "stock.count": "part_movements",
    "part.request": "part_requests",
    "task.set": "task_results",
    "time.add": "events",
}


def _effects(world: World, watch: Watch, handsets: list[Handset]) -> Iterator[str]:
    """What was accepted has one effect under its id, what was refused has none (I5)."""
    there = {
        table: {str(row["id"]) for row in world.sql(f"SELECT id FROM {table} WHERE organization_id = %(o)s")}
        for table in sorted(set(EFFECTS.values()))
    }
    for handset in handsets:
        for op_id, (type_, _) in handset.acted.items():
            ended = watch.ended.get(op_id, ("", None))[0]
            if (table := EFFECTS.get(type_)) is None or not ended:
                continue
            is_there = op_id in there[table]
            if is_there is not (ended in ("applied", "noted")):
                yield f"{type_} {op_id} is {ended} and has {int(is_there)} effects"
    yield from _counted(world, watch, handsets)


DOUBLES = {
    "notes": "SELECT text AS what, count(*) AS n FROM notes WHERE organization_id = %(o)s AND text LIKE 'seen %%' "
    "GROUP BY visit_id, text HAVING count(*) > 1",
    "events": "SELECT body_hash AS what, count(*) AS n FROM events WHERE organization_id = %(o)s "
    "AND body_hash IS NOT NULL GROUP BY body_hash, id HAVING count(*) > 1",
}
USED = """
SELECT coalesce(sum(quantity), 0) AS n FROM part_movements
WHERE organization_id = %(o)s AND kind IN ('used', 'returned') AND visit_id IS NOT NULL
"""
ASKED = """
SELECT coalesce(sum((body #>> '{args,qty}')::numeric) FILTER (WHERE type IN ('part.use', 'part.return')), 0)
     + coalesce(sum((SELECT sum((p ->> 'qty')::numeric) FROM jsonb_array_elements(body #> '{args,parts}') p))
                FILTER (WHERE type = 'visit.complete'), 0) AS n
FROM operations WHERE organization_id = %(o)s AND status IN ('applied', 'noted')
"""


def _counted(world: World, watch: Watch, handsets: list[Handset]) -> Iterator[str]:
    for table, query in DOUBLES.items():
        for row in world.sql(query):
            yield f"{table}: {row['what']!r} is there {row['n']} times (I5)"
    moved, asked = world.sql(USED)[0]["n"], world.sql(ASKED)[0]["n"]
    if moved != asked:
        yield f"{moved} parts have moved, {asked} were reported (I5)"


def _times(world: World, watch: Watch, handsets: list[Handset]) -> Iterator[str]:
    """Nothing happened after it was received; what a monotonic clock says is right whatever the others say (I18)."""
    truth = {op_id: when for handset in handsets for op_id, (_, when) in handset.acted.items()}
    for row in world.sql("SELECT * FROM operations WHERE organization_id = %(o)s"):
        op_id = str(row["id"])
        if row["effective_at"] > row["received_at"]:
            yield f"operation {op_id} was in effect before it was received (I18)"
        if row["age_ms"] is not None and row["clock_source"] != "age":
            yield f"the age of operation {op_id} was not believed (I18)"
        if op_id in truth and row["age_ms"] is not None:
            wrong = abs(row["effective_at"] - truth[op_id])
            if wrong > watch.came.get(op_id, timedelta()) + timedelta(seconds=2):
                yield f"operation {op_id} is wrong by {wrong} though its age was known (I18)"
    late = world.sql("SELECT count(*) AS n FROM events WHERE organization_id = %(o)s AND effective_at > recorded_at")
    if late[0]["n"]:
        yield f"{late[0]['n']} events are in effect before they were recorded (I18)"
