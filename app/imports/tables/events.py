"""Statuses that another system recorded: each once, by its work order and the source's own sequence number."""

from collections.abc import Iterable, Sequence

from app.domain.import_rows import STATUS_MEANS
from app.domain.kpis.reopens import recorded_reopens
from app.domain.ledger import Event, EventType
from app.imports.batch import Batch, Outcome, hash_of, unique_rows
from app.imports.ledger import ImportedOrder, by_order, refuse_left_alone, save
from app.imports.reading import Read

SAID = ("substatus", "actor_ref", "team_ref", "note")


def store_events(batch: Batch, given: Sequence[Read]) -> Outcome:
    outcome = Outcome()
    found = by_order(batch, unique_rows(given, ("work_order_ref", "seq"), outcome), outcome)
    for order, mine in found:
        _add_to(order, mine, outcome)
    save(batch, [order for order, _ in found])
    return outcome


def _add_to(order: ImportedOrder, mine: Iterable[Read], outcome: Outcome) -> None:
    recorded = [event for event in order.events if event.type == EventType.STATUS_RECORDED]
    known = {event.data["source_seq"]: order.said[event.seq] for event in recorded}
    words = {event.data["source_seq"]: event.data["recorded_status"] for event in recorded}
    for row in sorted(mine, key=lambda row: row.values["seq"]):
        seq, said = row.values["seq"], hash_of(row.values)
        if seq in known and known[seq] == said:
            outcome.unchanged += 1
        elif seq in known:
            outcome.refuse(row, "event-differs", "This event was imported before and said something else.", "seq")
        elif not refuse_left_alone(order, row, "work_order_ref", outcome):
            _add(order, row, words, said)
            outcome.created += 1


def _add(order: ImportedOrder, row: Read, words: dict[int, str], said: bytes) -> Event:
    before = reopenings(words)
    words[row.values["seq"]] = row.values["status"]
    data = {
        "status": STATUS_MEANS[row.values["status"]].value,
        "recorded_status": row.values["status"],
        "source_seq": row.values["seq"],
        **{name: row.values[name] for name in SAID if row.values[name] is not None},
    }
    more = reopenings(words) - before
    return order.add(EventType.STATUS_RECORDED, row.values["at"], {**data, "reopens": more} if more else data, said)


def reopenings(words: dict[int, str]) -> int:
    """How often a history, status by sequence number, was reopened."""
    return recorded_reopens([words[seq] for seq in sorted(words)]) or 0
