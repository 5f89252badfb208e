"""Each mutant: what is replaced in which file, and the tests that shall catch it. Nothing of it is in the program."""

from collections.abc import Sequence
from dataclasses import dataclass

POSITIONS = "tests/sync/test_positions.py"
RETENTION = "tests/sync/test_retention.py"
PULLING = "tests/sync/test_pulling.py"
PUSHING = "tests/sync/test_pushing.py"
SCOPE = "tests/sync/test_scope_of_devices.py"
#: Chance plays it: one of these seeds has to meet the mistake.
SIMULATION = " ".join(
    f"tests/sim/test_simulation.py::test_i01_everybody_converges_whatever_happened[{seed}]" for seed in range(1, 9)
)


@dataclass(frozen=True)
class Change:
    """In this file, `old`, which is there once, becomes `new`."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """A mistake, and by which tests it must be caught: each of them alone; of several in one string, by one of them."""

    name: str
    changes: Sequence[Change]
    caught_by: Sequence[str]


ENTRIES, PULL, UPKEEP = "app/sync/entries.py", "app/sync/pulling.py", "app/sync/upkeep.py"
UNLOCKED = Change(ENTRIES, "ORDER BY f.id FOR UPDATE OF f", "ORDER BY f.id")
#: Without the counter's row nobody waits for anybody; where the feed stands is what its entries say.
NO_COUNTER = (
    UNLOCKED,
    Change(ENTRIES, "    WHERE f.organization_id = %(o)s AND f.id = h.id\n", "    WHERE false AND f.id = h.id\n"),
    Change(
        PULL,
        "SELECT f.head, f.floor, f.epoch, pg_is_in_recovery()",
        "SELECT (SELECT coalesce(max(seq), 0) FROM feed_entries x WHERE x.organization_id = f.organization_id "
        "AND x.feed_id = f.id) AS head, f.floor, f.epoch, pg_is_in_recovery()",
    ),
)
NUMBERED = "numbered = [(feed, feed.head + n, one) for feed in changed for n, one in enumerate(feed.lines, start=1)]"
SEQUENCE = Change(
    "migrations/versions/0004_feeds.py",
    '    for table in TABLES:\n        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")',
    '    op.execute(f"CREATE SEQUENCE places; GRANT USAGE ON SEQUENCE places TO {API_ROLE}")\n'
    '    for table in TABLES:\n        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")',
)
I02 = f"{POSITIONS}::test_i02_no_committed_change_is_ever_missed_by_a_device_that_pulls_meanwhile"
I03 = f"{POSITIONS}::test_i03_places_are_in_the_order_of_the_commits_with_no_gap_and_none_twice"
I15 = f"{POSITIONS}::test_i15_transactions_that_touch_several_feeds_never_deadlock"

MUTANTS: Sequence[Mutant] = (
    Mutant(
        "a plain sequence instead of the counter",
        (
            *NO_COUNTER,
            SEQUENCE,
            Change(
                ENTRIES,
                NUMBERED,
                "numbered = [(feed, rows(db, \"SELECT nextval('places') AS n\")[0][\"n\"], one) "
                "for feed in changed for one in feed.lines]",
            ),
        ),
        (I02, I03),
    ),
    Mutant(
        "a cursor of updated_at",
        (
            *NO_COUNTER,
            Change(
                ENTRIES,
                NUMBERED,
                "numbered = [(feed, int(at.timestamp() * 1_000_000) + n, one) "
                "for feed in changed for n, one in enumerate(feed.lines)]",
            ),
        ),
        (I02, I03),
    ),
    Mutant(
        "no tombstone",
        (
            Change(
                PULL,
                "FROM feed_entries WHERE organization_id = f.organization_id AND feed_id = f.id AND seq > %(after)s",
                "FROM feed_entries WHERE organization_id = f.organization_id AND feed_id = f.id AND seq > %(after)s "
                "AND NOT removed",
            ),
        ),
        (f"{SCOPE}::test_i04_a_job_that_leaves_is_taken_from_every_device_of_the_technician", SIMULATION),
    ),
    Mutant(
        "no floor",
        (Change(UPKEEP, "SET floor = greatest(f.floor, gone.seq)", "SET floor = f.floor"),),
        (f"{RETENTION}::test_i14_a_cursor_below_purged_tombstones_is_told_so",),
    ),
    Mutant(
        "no ledger",
        (Change("app/sync/pushing.py", "    if known.is_new:\n        return None\n", "    return None\n"),),
        (f"{PUSHING}::test_the_same_operation_again_gets_the_same_answer_and_has_one_effect", SIMULATION),
    ),
    Mutant(
        "no epoch",
        (Change("app/sync/cursors.py", "if cursor.epoch != epoch:", "if False:"),),
        (f"{RETENTION}::test_i12_after_a_restore_with_new_epochs_devices_converge",),
    ),
    Mutant(
        "an epoch that is never new",
        (Change("app/sync/epochs.py", "SET epoch = greatest(epoch + 1, %s)", "SET epoch = greatest(epoch, 0 * %s)"),),
        (
            f"{RETENTION}::test_i12_after_a_restore_with_new_epochs_devices_converge",
            f"{RETENTION}::test_i13_the_same_rev_never_says_two_things_though_the_server_forgot_what_it_had_said",
        ),
    ),
    Mutant(
        "feeds locked in any order",
        (Change(ENTRIES, "ORDER BY f.id FOR UPDATE OF f", "ORDER BY random() FOR UPDATE OF f"),),
        (I15,),
    ),
    Mutant(
        "age ignored",
        (Change("app/domain/time_rule.py", "    if age_ms is not None:\n", "    if False and age_ms is not None:\n"),),
        (f"{PUSHING}::test_age_is_believed_before_any_clock", SIMULATION),
    ),
    Mutant(
        "no turns at a work order",
        (Change(ENTRIES, "FROM (SELECT unnest(%(orders)s::uuid[]) AS id ORDER BY id) one",
                "FROM (SELECT unnest(%(orders)s::uuid[]) AS id ORDER BY id) one WHERE false"),),
        (f"{POSITIONS}::test_i02_what_changes_while_the_job_changes_hands_reaches_who_gets_it",),
    ),
    Mutant(
        "a forgotten touch",
        (
            Change(
                "app/customers/commands.py", "        touch(db, row.organization_id, kind, row.id)\n", "        pass\n"
            ),
        ),
        (SIMULATION,),
    ),
)  # fmt: skip
