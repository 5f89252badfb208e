"""What each type of operation does: one row a type and version, the conflict rules are in the commands they call."""

from collections.abc import Mapping

from app.parts.models import MovementKind
from app.sync.operations import attaching, completion, facts, proposals, status
from app.sync.operations.outcome import Handler

HANDLERS: Mapping[tuple[str, int], Handler] = {
    **{(f"visit.{action}", 1): status.report(action) for action in status.ACTIONS},
    ("visit.seen", 1): facts.seen,
    ("visit.complete", 1): completion.with_issue(completion.complete),
    ("visit.end_incomplete", 1): completion.with_issue(completion.end_incomplete),
    ("note.add", 1): facts.note,
    ("part.use", 1): facts.part(MovementKind.USED),
    ("part.return", 1): facts.part(MovementKind.RETURNED),
    ("part.request", 1): facts.request,
    ("stock.count", 1): facts.count,
    ("time.add", 1): facts.hours,
    ("task.set", 1): facts.task,
    ("asset.reading", 1): facts.reading,
    ("asset.correct", 1): proposals.correct("asset"),
    ("site.correct", 1): proposals.correct("site"),
    ("schedule.propose", 1): proposals.propose,
    ("work_order.create", 1): proposals.create,
    ("closure.verify", 1): proposals.verify,
    ("issue.resolve", 1): proposals.resolve,
    ("attachment.add", 1): attaching.add,
}

#: Reports that only add: many about one work order are read and stored together.
TOGETHER = frozenset(
    {
        "visit.seen",
        "visit.accept",
        "visit.depart",
        "visit.arrive",
        "visit.start",
        "visit.pause",
        "visit.resume",
        "note.add",
        "part.use",
        "part.return",
        "time.add",
        "task.set",
    }
)
