"""Statuses and visits that another system recorded."""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from app.identity.models import Organization, Technician
from app.kit import clock
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from app.visits.models import Visit
from app.work_orders.models import LedgerEvent, StatusIntervalRow, WorkOrder
from tests.imports.conftest import Send, boiler, codes, counts


def status(seq: int, hour: int, word: str, **more: Any) -> dict[str, Any]:
    return {"work_order_ref": "E1", "seq": seq, "at": f"2026-03-02T{hour:02d}:00:00Z", "status": word, **more}


HISTORY = [
    status(1, 9, "new", substatus="New"),
    status(2, 10, "in_progress"),
    status(3, 12, "resolved"),
    status(4, 13, "in_progress", note="still cold", actor_ref="T7"),
    status(5, 15, "resolved"),
    status(6, 16, "closed"),
]


def intervals(db: Session) -> list[tuple[str, str | None, int, int | None, bool]]:
    """Status, the source's word, from hour, until hour, implied."""
    found = db.exec(select(StatusIntervalRow).order_by(col(StatusIntervalRow.seq))).all()
    return [
        (one.status, one.recorded_status, one.entered_at.hour, one.left_at.hour if one.left_at else None, one.implied)
        for one in found
    ]


def test_without_recorded_statuses_the_instants_imply_them(send: Send, db: Session) -> None:
    send("work_orders", boiler())

    assert intervals(db) == [
        ("approved", None, 8, 8, True),
        ("scheduled", None, 8, 15, True),
        ("completed", None, 15, 16, True),
        ("closed", "closed", 16, None, True),
    ]


def test_recorded_statuses_keep_their_words_and_their_times(send: Send, db: Session) -> None:
    send("work_orders", boiler())

    report = send("events", *HISTORY)

    order = db.exec(select(WorkOrder)).one()
    assert counts(report) == (6, 0, 0, 0)
    assert intervals(db) == [
        ("approved", None, 8, 9, True),
        ("approved", "new", 9, 10, False),
        ("in_progress", "in_progress", 10, 12, False),
        ("completed", "resolved", 12, 13, False),
        ("in_progress", "in_progress", 13, 15, False),
        ("completed", "resolved", 15, 16, False),
        ("closed", "closed", 16, None, False),
    ]
    assert (order.status, order.reopen_count, order.event_count) == ("closed", 1, 7)
    assert order.first_completed_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert order.resolved_at == datetime(2026, 3, 2, 15, tzinfo=UTC)


def test_the_same_event_again_is_unchanged_and_another_in_its_place_is_refused(send: Send, db: Session) -> None:
    send("work_orders", boiler())
    send("events", *HISTORY)

    again = send("events", HISTORY[0], {**HISTORY[1], "at": "2026-03-02T11:00:00Z"})

    assert counts(again) == (0, 0, 1, 1)
    assert codes(again) == [(2, "event-differs", "seq")]
    assert len(db.exec(select(LedgerEvent)).all()) == 7


def test_events_may_come_in_any_order_and_in_several_files(send: Send, db: Session) -> None:
    send("work_orders", boiler())
    send("events", *HISTORY)
    told = intervals(db)
    reopened = db.exec(select(WorkOrder.reopen_count)).one()

    send("work_orders", boiler(external_id="E2"))
    for event in (HISTORY[5], HISTORY[0], HISTORY[3], HISTORY[2], HISTORY[4], HISTORY[1]):
        send("events", {**event, "work_order_ref": "E2"})

    other = db.exec(select(WorkOrder).where(WorkOrder.external_ref == "E2")).one()
    mine = db.exec(
        select(StatusIntervalRow)
        .where(StatusIntervalRow.work_order_id == other.id)
        .order_by(col(StatusIntervalRow.seq))
    ).all()
    assert [(one.status, one.entered_at.hour) for one in mine] == [(one[0], one[2]) for one in told]
    assert other.reopen_count == reopened == 1


def test_a_status_after_the_last_recorded_one_follows_from_the_record(send: Send, db: Session) -> None:
    send("work_orders", boiler())

    send("events", *HISTORY[:2])

    assert intervals(db)[-2:] == [
        ("in_progress", "in_progress", 10, 16, False),
        ("closed", None, 16, None, True),
    ]


def visit(number: int, **more: Any) -> dict[str, Any]:
    return {
        "work_order_ref": "E1",
        "visit_no": number,
        "technician_ref": "T1",
        "started_at": f"2026-03-02T{9 + number:02d}:00:00Z",
        "ended_at": f"2026-03-02T{9 + number:02d}:45:00Z",
        **more,
    }


def test_visits_keep_their_times_outcomes_and_verification(send: Send, db: Session) -> None:
    send("work_orders", boiler(region="North"))
    send("technicians", {"ref": "T1", "name": "Ana"})

    report = send(
        "visits",
        visit(1, outcome="not_fixed", verified_at="2026-03-02T11:30:00Z"),
        visit(2, outcome="no_access"),
        visit(3, outcome="fixed", verified_at="2026-03-02T15:00:00Z"),
        visit(4, outcome="fixed", started_at="2026-03-02T20:00:00Z"),
    )

    found = db.exec(select(Visit).order_by(col(Visit.number))).all()
    ana = db.exec(select(Technician)).one()
    assert (counts(report), codes(report)) == ((3, 0, 0, 1), [(4, "ended-before-started", "ended_at")])
    assert [(one.status, one.outcome, one.verification) for one in found] == [
        ("incomplete", "not_resolved", "failed"),
        ("incomplete", "no_access", None),
        ("completed", "resolved", "passed"),
    ]
    assert {(one.technician_id, one.employment, one.territory, one.attended) for one in found} == {
        (ana.id, "employee", "North", True)
    }
    assert found[0].arrived_at == found[0].started_at == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_a_changed_visit_is_updated_by_one_more_event(send: Send, db: Session) -> None:
    send("work_orders", boiler())
    send("visits", visit(1), visit(2))

    report = send("visits", visit(1, outcome="fixed"), visit(2))

    kinds = db.exec(select(LedgerEvent.type).order_by(col(LedgerEvent.seq))).all()
    assert counts(report) == (0, 1, 1, 0)
    assert kinds == ["work_order.imported", "visit.imported", "visit.imported", "visit.imported"]
    assert sorted(db.exec(select(Visit.number, Visit.outcome)).all()) == [(1, "resolved"), (2, None)]


def test_a_technician_who_comes_later_is_linked_to_the_visits(send: Send, db: Session) -> None:
    send("work_orders", boiler())
    send("visits", visit(1, outcome="fixed"))
    assert db.exec(select(Visit.technician_id)).one() is None

    send("technicians", {"ref": "T1", "name": "Ana"})

    ana = db.exec(select(Technician)).one()
    linked = db.exec(select(Visit)).one()
    assert (linked.technician_id, linked.employment) == (ana.id, "employee")
    assert counts(send("visits", visit(1, outcome="fixed"))) == (0, 0, 1, 0)


def test_work_that_went_on_here_is_left_alone(
    send: Send, db: Session, runtime: Runtime, organization: Organization
) -> None:
    send("work_orders", boiler())
    send("events", *HISTORY)
    order = db.exec(select(WorkOrder)).one()
    db.commit()
    at = clock.now()
    with runtime.transaction(organization.id) as other:
        other.add(
            LedgerEvent(
                organization_id=organization.id,
                id=uuid7(),
                work_order_id=order.id,
                seq=8,
                type="work_order.reopened",
                occurred_at=at,
                effective_at=at,
                recorded_at=at,
            )
        )

    same, changed = send("work_orders", boiler()), send("work_orders", boiler(title="Another"))
    event = send("events", *HISTORY, status(7, 17, "new"))

    assert counts(same) == (0, 0, 1, 0)
    assert codes(changed) == [(1, "worked-on-here", "external_id")]
    assert (counts(event), codes(event)) == ((0, 0, 6, 1), [(7, "worked-on-here", "work_order_ref")])


def test_a_work_order_that_was_made_here_is_not_taken_over(
    send: Send, runtime: Runtime, organization: Organization
) -> None:
    at = clock.now()
    with runtime.transaction(organization.id) as db:
        db.add(
            WorkOrder(
                organization_id=organization.id,
                number="WO-1",
                external_ref="E1",
                type="boiler",
                title="Ours",
                requested_at=at,
                recorded_at=at,
            )
        )

    report = send("work_orders", boiler())

    assert codes(report) == [(1, "not-imported", "external_id")]
