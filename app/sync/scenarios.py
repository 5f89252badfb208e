"""What happens in an office while a technician is offline, on demand: each scenario plays the dispatcher's part."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from app.domain.lifecycle import VisitAction
from app.domain.roles import Role
from app.domain.time_rule import ClockSource
from app.identity.access import Caller
from app.kit.database import enter, rows
from app.kit.ids import uuid7
from app.parts.commands import record_stock_movement
from app.parts.schemas import StockMovementIn
from app.sync.building import epoch_now
from app.sync.operations import HANDLERS
from app.sync.operations.outcome import Sent
from app.sync.playing import HOUR, NothingToPlay, Play, send_to_job, somebody, visit_to_play
from app.sync.schemas import OperationIn
from app.visits.commands.planning import cancel_visit, dispatch_visit, reassign_visit
from app.visits.schemas import ReassignIn
from app.work_orders.ledger import open_ledger
from app.work_orders.schemas import WorkOrderIn


def _give_to_other(play: Play, *, without_rules: bool = False) -> Caller:
    """The job goes to another technician, who is told; that technician."""
    work_order_id = visit_to_play(play, VisitAction.REASSIGN, without_rules=without_rules)
    office, other = somebody(play, Role.DISPATCHER), somebody(play, Role.TECHNICIAN)
    assert play.visit_id is not None
    assert other.technician_id is not None
    given = ReassignIn(technician_id=other.technician_id, reason_code="closer", force_reason="a scenario")
    ledger = open_ledger(play.db, play.organization_id, work_order_id)
    reassign_visit(play.db, ledger, play.visit_id, given, by=office, at=play.at)
    dispatch_visit(play.db, ledger, play.visit_id, by=office, at=play.at)
    play.did.append(f"{office.name} gave {play.ids['number']} to {other.name}")
    play.named(other_technician_id=other.technician_id)
    return other


def reassign(play: Play) -> None:
    _give_to_other(play)
    play.expect = (
        "The job leaves with reason `reassigned`. What you report on it is `noted` with `reassigned`; "
        "`visit.complete` is `applied` with `completed_after_reassign` and brings the job back, since nobody began it."
    )


def cancel(play: Play) -> None:
    work_order_id = visit_to_play(play, VisitAction.CANCEL)
    office = somebody(play, Role.DISPATCHER)
    assert play.visit_id is not None
    ledger = open_ledger(play.db, play.organization_id, work_order_id)
    cancel_visit(
        play.db, ledger, play.visit_id, cause="customer", reason="The customer called off.", by=office, at=play.at
    )
    play.did.append(f"{office.name} called {play.ids['number']} off")
    play.expect = "The job leaves with reason `canceled`. What you report on it is `noted` with `job_cancelled`."


def two_complete(play: Play) -> None:
    other = _give_to_other(play, without_rules=True)
    for type_ in ("visit.start", "visit.complete"):
        given = OperationIn(op_id=uuid7(), seq=1, type=type_, target=play.visit_id, occurred_at=play.at)
        HANDLERS[type_, 1](play.db, Sent(given, other, play.at, ClockSource.DEVICE, play.at, play.at))
    play.did.append(f"{other.name} completed it")
    play.expect = (
        "The job leaves. Your `visit.complete` is `noted` with `already_done_by_other`; your parts and hours count, "
        "and the office has an issue about double work."
    )


VAN = """
SELECT l.id AS van_id, d.id AS depot_id, p.id AS part_id, p.number, sum(m.delta) AS level
FROM stock_locations l
JOIN part_movements m ON m.organization_id = l.organization_id AND m.location_id = l.id
JOIN parts p ON p.organization_id = l.organization_id AND p.id = m.part_id
CROSS JOIN LATERAL (SELECT id FROM stock_locations x WHERE x.organization_id = l.organization_id
                    AND x.kind = 'depot' ORDER BY x.name LIMIT 1) d
WHERE l.organization_id = %(o)s AND l.technician_id = %(t)s
GROUP BY l.id, d.id, p.id, p.number HAVING sum(m.delta) > 0 ORDER BY p.number LIMIT 1
"""


def empty_van(play: Play) -> None:
    """The store takes a part out of the caller's van."""
    found = rows(play.db, VAN, o=play.organization_id, t=play.technician_id)
    if not found:
        raise NothingToPlay("There is no part in your van.")
    one = found[0]
    moved = StockMovementIn(
        id=uuid7(),
        kind="transferred",
        part_id=one["part_id"],
        quantity=one["level"],
        location_id=one["van_id"],
        to_location_id=one["depot_id"],
        occurred_at=play.at,
    )
    record_stock_movement(play.db, moved, by=somebody(play, Role.DISPATCHER), at=play.at)
    play.named(part=one["number"])
    play.did.append(f"The store took all {one['level']:g} of {one['number']} out of your van")
    play.expect = (
        f"Your stock of {one['number']} is 0. `part.use` of it is `applied` with `stock_negative`, the stock goes "
        "below zero, and the store has an issue: what was used was used."
    )


def expire_token(play: Play) -> None:
    rows(
        play.db,
        "UPDATE access_tokens SET expires_at = %(at)s WHERE organization_id = %(o)s AND session_id = %(s)s",
        at=play.at - timedelta(seconds=1),
        o=play.organization_id,
        s=play.me.session_id,
    )
    play.did.append("Every access token of this sign-in has expired; its refresh token is good")
    play.expect = "The next request is 401 `token_expired`: refresh, send the same again. Nothing leaves the outbox."


RESTORE = """
WITH gone AS (DELETE FROM feed_entries WHERE organization_id = %(o)s AND feed_id = %(t)s AND removed)
UPDATE feeds SET epoch = greatest(epoch + 1, %(epoch)s), floor = 0,
    head = (SELECT max(seq) FROM feed_entries WHERE organization_id = %(o)s AND feed_id = %(t)s AND NOT removed)
WHERE organization_id = %(o)s AND id = %(t)s
"""


def restore(play: Play) -> None:
    """As after a restore: a job that the device has never was the caller's, positions went back, no tombstone tells."""
    _give_to_other(play)
    play.db.commit()
    enter(play.db, play.organization_id)
    rows(play.db, RESTORE, o=play.organization_id, t=play.technician_id, epoch=epoch_now(play.at))
    play.did = [f"The server was restored from a backup made before {play.ids['number']} was yours"]
    play.expect = (
        "Your cursor is answered with `epoch_changed` (410 to a pull, `reset` in a push): reconcile. The job leaves "
        "with reason `reconcile`, everything else stays as it is, the outbox too."
    )


BIG = 120


def grow(play: Play) -> None:
    """A full calendar: so many more jobs."""
    office = somebody(play, Role.DISPATCHER)
    found = rows(
        play.db,
        "SELECT w.work_type_id, w.customer_id, w.site_id, w.contact_id FROM work_orders w "
        "WHERE w.organization_id = %(o)s AND w.work_type_id IS NOT NULL ORDER BY w.number LIMIT 1",
        o=play.organization_id,
    )
    if not found:
        raise NothingToPlay("The organization has no work order to make more of.")
    for n in range(BIG):
        order = WorkOrderIn(title=f"Round of inspections, {n + 1} of {BIG}", **found[0])
        send_to_job(
            play.db, order, play.technician_id, by=office, asked_at=play.at, start=play.at + 24 * HOUR + n * HOUR
        )
    play.did.append(f"{office.name} planned {BIG} more jobs for you")
    play.expect = (
        "With a cursor they come as changes, without one as a bootstrap in pages; the app can be used after the first."
    )


def lose_push(play: Play) -> None:
    play.did.append("The answer to your next push will be lost on the way")
    play.expect = (
        "The next POST /v1/sync takes effect and brings no answer. Send the same operations again: each is answered "
        "as the first time, with `replayed`, and has had one effect."
    )


SCENARIOS: Mapping[str, Callable[[Play], None]] = {
    "reassign-while-offline": reassign,
    "cancel-while-offline": cancel,
    "two-complete": two_complete,
    "stock-negative": empty_van,
    "lost-push": lose_push,
    "restore-backup": restore,
    "token-expired": expire_token,
    "big-bootstrap": grow,
}
