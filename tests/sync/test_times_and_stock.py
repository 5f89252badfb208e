"""What clocks say is put right, and what lies in a van follows from what happened and when, not from when it came."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.time_rule import ClockSource, effective_time
from app.identity.models import Organization
from app.kit import clock
from app.kit.database import utc_iso
from app.kit.runtime import Runtime
from app.parts.models import Part
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.stories import answer_of, events, holding

NOW = datetime.fromisoformat("2026-11-21T10:00:00+00:00")
APART = st.timedeltas(min_value=timedelta(days=-3000), max_value=timedelta(days=3000))
AGES = st.integers(min_value=0, max_value=90 * 24 * 3600 * 1000)


@given(wrong_then=APART, wrong_now=APART, age_ms=st.none() | AGES, delay=st.integers(min_value=0, max_value=60_000))
def test_nothing_is_believed_to_have_happened_after_it_was_received(
    wrong_then: timedelta, wrong_now: timedelta, age_ms: int | None, delay: int
) -> None:
    sent = NOW - timedelta(milliseconds=delay)
    happened = sent - timedelta(milliseconds=age_ms or 0)

    believed, source = effective_time(happened + wrong_then, sent_at=sent + wrong_now, age_ms=age_ms, received_at=NOW)

    assert believed <= NOW
    if age_ms is not None:
        assert (source, abs(believed - happened)) == (ClockSource.AGE, timedelta(milliseconds=delay))
    elif wrong_then == wrong_now and abs(wrong_now) > timedelta(minutes=2):
        assert (source, abs(believed - happened)) == (ClockSource.OFFSET, timedelta(milliseconds=delay))


#: How wrong the clock was when it happened and when it is sent, whether the phone knows the age, and what is believed.
CLOCKS: dict[str, tuple[timedelta, timedelta, bool, str]] = {
    "right": (timedelta(0), timedelta(0), False, "device"),
    "right, and the age is known": (timedelta(0), timedelta(0), True, "age"),
    "two hours ahead": (timedelta(hours=2), timedelta(hours=2), False, "offset"),
    "two hours ahead, and the age is known": (timedelta(hours=2), timedelta(hours=2), True, "age"),
    "put right meanwhile": (timedelta(days=-300), timedelta(0), True, "age"),
    "put wrong meanwhile": (timedelta(0), timedelta(days=-9000), True, "age"),
    "of 1970 since the battery was empty": (timedelta(days=-20_000), timedelta(days=-20_000), False, "offset"),
}


@pytest.mark.parametrize("name", CLOCKS)
def test_whatever_the_clock_of_the_phone_says_the_time_is_right_to_the_length_of_a_request(
    scene: Scene, ana: Somebody, name: str
) -> None:
    wrong_then, wrong_now, knows_age, source = CLOCKS[name]
    with time_machine.travel(clock.now() - timedelta(minutes=10)):
        visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    happened = clock.now() - timedelta(seconds=90)

    began = clock.now()
    operation = phone.operation("visit.depart", visit["id"], at=happened + wrong_then)
    if knows_age:
        operation["age_ms"] = int((began - happened).total_seconds() * 1000)
    result = phone.push(operation, sent_at=utc_iso(began + wrong_now))[0]
    took = clock.now() - began

    assert (answer_of(result), result["clock"]) == (("applied", None, False), source)
    shown = datetime.fromisoformat(scene.get(f"/v1/visits/{visit['id']}")["departed_at"])
    assert abs(shown - happened) <= took + timedelta(milliseconds=1)
    assert shown == datetime.fromisoformat(result["effective_at"])


def test_a_clock_that_runs_backwards_while_operations_go_on_is_suspect(scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    first = phone.operation("visit.depart", visit["id"], at=clock.now())
    second = phone.operation("visit.arrive", visit["id"], at=clock.now() - timedelta(minutes=2))

    results = phone.push(first, second)

    assert [one.get("clock_suspect") for one in results] == [None, True]
    assert events(scene, visit)[-1] == "visit.arrived"


#: What happens to a part: what, how many; its place in the list is when it happened.
HISTORY = st.lists(
    st.tuples(st.sampled_from(["part.use", "part.return", "stock.count"]), st.integers(min_value=1, max_value=20)),
    min_size=1,
    max_size=8,
)


def level_after(history: list[tuple[str, int]]) -> int:
    level = 0
    for type_, quantity in history:
        level = {"part.use": level - quantity, "part.return": level + quantity, "stock.count": quantity}[type_]
    return level


def test_a_level_is_counts_and_deltas_in_whatever_order_they_arrive(
    scene: Scene, runtime: Runtime, organization: Organization, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    (phone,) = holding(scene, ana)
    at = clock.now()

    def happened(part: str, place: int, type_: str, quantity: int) -> dict[str, Any]:
        when = at - timedelta(seconds=200 - place)
        if type_ == "stock.count":
            return phone.operation(type_, at=when, part=part, counted=quantity)
        return phone.operation(type_, visit["id"], at=when, part=part, qty=quantity)

    @settings(max_examples=15, deadline=None, database=None, derandomize=True)
    @given(history=HISTORY, order=st.randoms(use_true_random=False), size=st.integers(min_value=1, max_value=8))
    def check(history: list[tuple[str, int]], order: Any, size: int) -> None:
        part = f"P-{uuid4().hex[:12]}"
        with runtime.transaction(organization.id) as db:
            db.add(Part(organization_id=organization.id, number=part, name="Pump"))
        sending = [happened(part, place, *one) for place, one in enumerate(history)]
        order.shuffle(sending)
        for place, one in enumerate(sending):
            one["seq"] = place
        for start in range(0, len(sending), size):
            results = phone.push(*sending[start : start + size])
            assert {one["status"] for one in results} == {"applied"}
        assert phone.held["stock", part][1]["qty"] == level_after(history)

    check()
