"""`closure_first_pass_rate`: what was handed in, decided, sent back and waived, counted by hand."""

from typing import Any

from app.domain.closure import VerdictKind
from app.domain.ledger import EventType
from app.kit.ids import uuid7
from app.visits.models import Visit
from app.work_orders.models import ActorKind, LedgerEvent
from tests.kpis.conftest import Ask, Records, at

WEEK = {"from_": "2026-05-04", "to": "2026-05-11", "at": "2026-05-20"}
KEY = "closure_first_pass_rate"
MET = {"rule_id": "photo", "met": "yes"}
WAIVED = {"rule_id": "photo", "met": "waived"}


def a_visit(records: Records, **facts: Any) -> Visit:
    return records.visit(records.completed(), 9, 12, **facts)


def test_without_a_closure_there_is_no_rate(ask: Ask) -> None:
    answer = ask(KEY, **WEEK)

    assert (answer["value"], answer["status"], answer["denominator"]) == (None, "no_data", 0)
    assert answer["breakdown"] == {"first_pass": 0, "waived": 0, "sent_back": 0, "rejected": 0}


def test_one_in_five_is_good_at_once_and_each_other_has_its_reason(ask: Ask, drill: Ask, records: Records) -> None:
    records.closure(good := a_visit(records), VerdictKind.VERIFIED, happened=12, decided=12)
    records.closure(back := a_visit(records), VerdictKind.CHANGES_REQUESTED, happened=12, decided=14)
    records.closure(back, VerdictKind.VERIFIED, happened=15, decided=15)
    records.closure(a_visit(records), VerdictKind.WAIVED, happened=12, decided=13, findings=[MET, WAIVED])
    records.closure(a_visit(records), VerdictKind.VERIFIED, happened=12, decided=13, findings=[WAIVED])
    records.closure(a_visit(records), VerdictKind.REJECTED, happened=12, decided=20)

    answer = ask(KEY, **WEEK)

    assert (answer["value"], answer["numerator"], answer["denominator"]) == (20.0, 1, 5)
    assert answer["breakdown"] == {"first_pass": 1, "waived": 2, "sent_back": 1, "rejected": 1}
    assert [one["id"] for one in drill(KEY, "numerator", **WEEK)] == [str(good.id)]
    assert [one["id"] for one in drill(KEY, "denominator", category="sent_back", **WEEK)] == [str(back.id)]
    assert len(drill(KEY, "denominator", **WEEK)) == 5


def test_a_closure_that_a_reviewer_approves_was_good_and_counts_when_they_say_so(ask: Ask, records: Records) -> None:
    records.closure(a_visit(records), VerdictKind.VERIFIED, happened=12, decided=24 * 8)

    assert ask(KEY, **WEEK)["value"] is None
    assert ask(KEY, from_="2026-05-11", to="2026-05-18", at="2026-05-20")["value"] == 100.0


def test_a_draft_that_was_mended_on_site_is_good_at_once(ask: Ask, records: Records) -> None:
    records.closure(mended := a_visit(records), VerdictKind.UNMET, happened=11)
    records.closure(mended, VerdictKind.VERIFIED, happened=12, decided=12)
    records.closure(a_visit(records), VerdictKind.UNMET, happened=11)

    answer = ask(KEY, **WEEK)

    assert (answer["value"], answer["denominator"], answer["excluded"]) == (100.0, 1, {})


def test_what_nobody_has_decided_is_left_out_and_listed(ask: Ask, drill: Ask, records: Records) -> None:
    records.closure(a_visit(records), VerdictKind.PENDING_REVIEW, happened=12)
    records.closure(a_visit(records), VerdictKind.AWAITING_EVIDENCE, happened=13)
    records.closure(a_visit(records), VerdictKind.VERIFIED, happened=14, decided=14)

    answer = ask(KEY, **WEEK)

    assert (answer["value"], answer["denominator"], answer["excluded"]) == (100.0, 1, {"undecided": 2})
    assert [one["reason"] for one in drill(KEY, "excluded", **WEEK)] == ["undecided", "undecided"]


def test_two_visits_of_a_work_order_are_two_closures(ask: Ask, records: Records) -> None:
    work = records.completed(40)
    first, second = records.visit(work, 9, 12), records.visit(work, 33, 36)
    records.closure(first, VerdictKind.CHANGES_REQUESTED, happened=12, decided=14)
    records.closure(second, VerdictKind.VERIFIED, happened=36, decided=36)

    answer = ask(KEY, **WEEK)

    assert (answer["value"], answer["numerator"], answer["denominator"]) == (50.0, 1, 2)


def test_what_waited_on_a_phone_counts_when_it_happened(ask: Ask, records: Records) -> None:
    sunday, monday = 24 * 7 - 1, 24 * 7 + 8
    records.closure(a_visit(records), VerdictKind.VERIFIED, happened=sunday, recorded_at=at(monday), decided=monday)

    assert ask(KEY, **WEEK)["value"] == 100.0


def test_an_earlier_instant_knows_nothing_of_later_decisions(ask: Ask, records: Records) -> None:
    records.closure(sent := a_visit(records), VerdictKind.VERIFIED, happened=12, decided=12)
    records.closure(sent, VerdictKind.CHANGES_REQUESTED, happened=13, decided=24 * 6)
    records.closure(a_visit(records), VerdictKind.VERIFIED, happened=12, decided=24 * 6)

    early = ask(KEY, **WEEK | {"at": "2026-05-06"})
    late = ask(KEY, **WEEK)

    assert (early["value"], early["denominator"], early["excluded"]) == (100.0, 1, {"undecided": 1})
    assert (late["value"], late["denominator"], late["excluded"]) == (50.0, 2, {})


def test_what_was_sent_back_and_then_approved_as_it_is_was_sent_back(ask: Ask, records: Records) -> None:
    records.closure(visit := a_visit(records), VerdictKind.VERIFIED, happened=12, decided=24 * 8)
    records.add(
        LedgerEvent(
            organization_id=records.organization_id,
            id=uuid7(),
            work_order_id=visit.work_order_id,
            visit_id=visit.id,
            seq=1,
            type=EventType.VISIT_VERIFIED,
            actor_kind=ActorKind.PERSON,
            occurred_at=at(14),
            effective_at=at(14),
            recorded_at=at(14),
            data={"verification": "failed"},
        )
    )

    answer = ask(KEY, **WEEK)

    assert (answer["value"], answer["denominator"], answer["breakdown"]["sent_back"]) == (0.0, 1, 1)


def test_tests_and_canceled_work_are_left_out(ask: Ask, records: Records) -> None:
    for facts in ({"is_test": True}, {"status": "canceled"}):
        visit = records.visit(records.completed(**facts), 9, 12)
        records.closure(visit, VerdictKind.VERIFIED, happened=12, decided=12)

    answer = ask(KEY, **WEEK)

    assert (answer["value"], answer["excluded"]) == (None, {"test": 1, "canceled": 1})


def test_it_is_credited_to_who_went_there_and_told_apart_by_day_and_decision(ask: Ask, records: Records) -> None:
    ana, ben = records.technician("Ana"), records.technician("Ben")
    for technician, verdict in (
        (ana, VerdictKind.VERIFIED),
        (ana, VerdictKind.VERIFIED),
        (ben, VerdictKind.VERIFIED),
        (ben, VerdictKind.REJECTED),
    ):
        visit = a_visit(records, technician_id=technician.id, employment="employee", territory="North")
        records.closure(visit, verdict, happened=12, decided=12)

    people = ask(KEY, group_by="technician", **WEEK)

    assert people["value"] == 75.0
    assert {group["label"]: group["value"] for group in people["groups"]} == {"Ana": 100.0, "Ben": 50.0}
    assert ask(KEY, group_by="decision", **WEEK)["counts"] == {"first_pass": 3, "rejected": 1}
    assert ask(KEY, group_by="type", territory="North", **WEEK)["counts"] == {"repair": 4}
    assert ask(KEY, bucket="day", **WEEK)["points"][0] == ["2026-05-04", 75.0]
    for name in ("team", "partner", "employment", "work_type", "priority", "customer", "weekday"):
        assert ask(KEY, group_by=name, **WEEK)["denominator"] == 4


def test_it_is_read_beside_how_long_work_takes(ask: Ask, records: Records) -> None:
    visit = records.visit(records.completed(20, first_assigned_at=at(10), first_closed_at=at(20)), 11, 12)
    records.closure(visit, VerdictKind.VERIFIED, happened=12, decided=12)

    assert ask(KEY, **WEEK)["pair"] == {"key": "cycle_time", "value": 36000, "delta": None, "verdict": "ok"}
