"""What must be true when the dust has settled, asked of the database itself and of the provider."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from chaos.provider import Provider
from chaos.shift import Done, Shift, closing

#: Tasks that come by the clock; all others must be gone.
SWEEPS = ("surveys.sweep", "queue.rescue")
WAITING = """
SELECT (SELECT count(*) FROM surveys WHERE state IN ('due', 'sending')) AS surveys,
       (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND task_name <> ALL(%s)) AS jobs
"""


@dataclass
class Findings:
    """Counts to print, and every violation in words."""

    counts: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def expect(self, right: bool, violation: str) -> None:
        if not right:
            self.violations.append(violation)


def wait_until_drained(dsn: str, *, seconds: float, tell: Callable[[str], None]) -> float:
    """Wait until nothing is due or queued; how long it took. The caller finds out about what is left."""
    began = time.monotonic()
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        while (left := connection.execute(WAITING, [list(SWEEPS)]).fetchone()) is not None and any(left.values()):
            if time.monotonic() - began > seconds:
                break
            tell(f"waiting: {left['surveys']} surveys, {left['jobs']} jobs")
            time.sleep(1)
    return time.monotonic() - began


def audit(dsn: str, shift: Shift, provider: Provider) -> Findings:
    found = Findings()
    found.violations += shift.tally.complaints
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:

        def rows(sql: str, *values: Any) -> list[dict[str, Any]]:
            return connection.execute(sql, values).fetchall()  # type: ignore[arg-type]

        left = rows(WAITING, list(SWEEPS))[0]
        found.expect(not any(left.values()), f"the queue did not drain: {left}")
        events = rows("SELECT id::text, visit_id::text, type FROM events WHERE visit_id IS NOT NULL")
        _reports(found, shift.done, events)
        orders = {one["id"]: one["status"] for one in rows("SELECT id::text, status FROM work_orders")}
        _orders(found, shift, orders)
        surveys = rows("SELECT id::text, organization_id::text, work_order_id::text, state FROM surveys")
        _surveys(found, closing(shift.done), surveys, provider)
    return found


def _reports(found: Findings, done: Iterable[Done], events: list[dict[str, Any]]) -> None:
    """Each acknowledged report is one event, and each visit has each kind of event once."""
    by_id = {one["id"]: one for one in events}
    of_visit: dict[tuple[str, str], int] = {}
    for one in events:
        of_visit[one["visit_id"], one["type"]] = of_visit.get((one["visit_id"], one["type"]), 0) + 1
    lost = doubled = count = 0
    for job in done:
        for report_id, kind in job.reports:
            count += 1
            event = by_id.get(report_id)
            if event is None or (event["visit_id"], event["type"]) != (job.visit_id, kind):
                lost += 1
                found.violations.append(f"an acknowledged report is not there: {kind} {report_id}")
    for (visit_id, kind), times in of_visit.items():
        if times > 1:
            doubled += 1
            found.violations.append(f"{kind} was applied {times} times on visit {visit_id}")
    found.counts |= {"acknowledged reports": count, "reports lost": lost, "reports applied twice": doubled}


def _orders(found: Findings, shift: Shift, orders: dict[str, str]) -> None:
    must_close = closing(shift.done)
    open_still = [one for one in must_close if orders.get(one) != "closed"]
    must_stay = [one.work_order_id for one in shift.done if not one.closes]
    closed_wrongly = [one for one in must_stay if orders.get(one) == "closed"]
    found.expect(not open_still, f"acknowledged completions that are not closed: {open_still[:5]}")
    found.expect(not closed_wrongly, f"closed although they were not completed: {closed_wrongly[:5]}")
    extra = len(orders) - shift.begun["work orders"]
    found.expect(extra <= 0, f"{extra} work orders more than were asked for")
    found.counts |= {
        "work orders": len(orders),
        "work orders closed": sum(status == "closed" for status in orders.values()),
        "closures lost": len(open_still),
    }


def _surveys(found: Findings, closed: set[str], surveys: list[dict[str, Any]], provider: Provider) -> None:
    by_order: dict[str, list[dict[str, Any]]] = {}
    for one in surveys:
        by_order.setdefault(one["work_order_id"], []).append(one)
    wrong = [order for order in closed if len(by_order.get(order, [])) != 1]
    uncalled = [order for order in by_order if order not in closed]
    keys = {f"{one['organization_id']}:survey:{one['id']}": one for one in surveys if one["work_order_id"] in closed}
    unsent = [key for key in keys if key not in provider.delivered]
    strangers = [key for key in provider.delivered if key not in keys]
    not_sent = [one["id"] for one in keys.values() if one["state"] not in ("sent", "delivered")]
    found.expect(not wrong, f"closed work orders without exactly one survey: {wrong[:5]}")
    found.expect(not uncalled, f"surveys of work that was not closed: {uncalled[:5]}")
    found.expect(not unsent, f"surveys that never reached the provider: {unsent[:5]}")
    found.expect(not strangers, f"messages for what was not closed: {strangers[:5]}")
    found.expect(not not_sent, f"surveys that are not marked as sent: {not_sent[:5]}")
    found.expect(not provider.changed, f"keys that came again with another message: {provider.changed[:5]}")
    found.counts |= {
        "surveys": len(surveys),
        "surveys delivered": len(provider.delivered),
        "surveys lost": len(unsent),
        "sent for what was not closed": len(strangers),
        "calls of the provider": sum(provider.calls.values()),
    }
