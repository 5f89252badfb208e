"""Replaying the events gives exactly what the caches say, after every random step."""

import os
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.domain.timesheet import TimeKind
from app.kit import clock
from app.kit.database import rows
from app.kit.problems import Refusal
from app.kit.runtime import Runtime
from app.replay import differences, replay
from app.visits.commands.field_reports import add_time, mark_seen
from app.visits.commands.reporting import report_status
from app.visits.schemas import StatusUpdateIn, TimeIn
from tests.conftest import Somebody
from tests.field import caller_of
from tests.scene import Scene

OFFICE = ["hold", "release", "completion", "close", "send-back", "cannot-complete", "reopening", "cancellation"]
BODIES: dict[str, dict[str, Any]] = {
    "hold": {"hold_reason": "parts"},
    "completion": {"resolution_code": "talked-through"},
    "close": {"reason": "checked"},
    "send-back": {"rule_ids": ["photo"], "text": "blurred", "revisit": True},
    "cannot-complete": {"reason": "no spare part exists", "customer_told": True},
    "reopening": {"reason": "it leaks again"},
    "cancellation": {"cause": "customer", "reason": "sold the house"},
}
REPORTS = [
    "accept",
    "decline",
    "depart",
    "arrive",
    "start",
    "pause",
    "resume",
    "complete",
    "end_incomplete",
    "no_access",
]
REPORT_DATA: dict[str, dict[str, Any]] = {
    "decline": {"reason_code": "ill"},
    "pause": {"reason": "break"},
    "end_incomplete": {"reason": "parts", "hold_reason": "parts"},
    "no_access": {"wait_minutes": 10, "call_attempts": 2},
}


KEPT = """
SELECT first_completed_at, event_count, requested_at,
       (SELECT count(*) FROM events e
        WHERE e.organization_id = w.organization_id AND e.work_order_id = w.id) AS counted,
       (SELECT max(entered_at) FROM status_intervals i
        WHERE i.organization_id = w.organization_id AND i.work_order_id = w.id AND i.left_at IS NULL) AS open_since,
       (SELECT sum(extract(epoch FROM left_at - entered_at)) FROM status_intervals i
        WHERE i.organization_id = w.organization_id AND i.work_order_id = w.id) AS spent
FROM work_orders w WHERE organization_id = %(o)s AND id = %(id)s
"""


class Life(RuleBasedStateMachine):
    """Dana, Ana and Ben do anything in any order; what is refused must change nothing."""

    scene: Scene
    runtime: Runtime
    crew: dict[str, Somebody]

    def __init__(self) -> None:
        super().__init__()
        self.travel = time_machine.travel(clock.now(), tick=False)
        self.now = self.travel.start()
        self.first_completed_at: Any = None
        self.visits: list[str] = []
        self.event_count = 0
        self.order = ""

    def teardown(self) -> None:
        self.travel.stop()

    @initialize()
    def begin(self) -> None:
        self.order = self.scene.work_order()["id"]

    def send(self, path: str, body: Any, by: Somebody, **headers: str) -> Any:
        answer = self.scene.api.post(path, json=body, headers={**by.headers, **headers})
        assert answer.status_code in (200, 201, 403, 404, 409), answer.text
        return answer

    @rule(minutes=st.integers(1, 300))
    def time_passes(self, minutes: int) -> None:
        self.now.shift(timedelta(minutes=minutes))

    @rule(noun=st.sampled_from(OFFICE))
    def the_office_acts(self, noun: str) -> None:
        version = self.scene.order(self.order)["version"]
        path = f"/v1/work-orders/{self.order}/{noun}"
        self.send(path, BODIES.get(noun), self.scene.boss, **{"If-Match": f'"{version}"'})

    @rule(who=st.sampled_from(["ana", "ben"]), told=st.booleans())
    def dana_schedules(self, who: str, told: bool) -> None:
        technician = self.crew[who].technician
        assert technician is not None
        body = {
            "technician_id": str(technician.id),
            "scheduled_start": (clock.now() + timedelta(hours=1)).isoformat(),
            "scheduled_end": (clock.now() + timedelta(hours=2)).isoformat(),
            "force_reason": "test",
        }
        answer = self.send(f"/v1/work-orders/{self.order}/visits", body, self.scene.office)
        if answer.status_code == 201:
            self.visits.append(answer.json()["id"])
            if told:
                self.scene.plan(self.visits[-1], "dispatch")

    @precondition(lambda self: self.visits)
    @rule(
        action=st.sampled_from(REPORTS), who=st.sampled_from(["ana", "ben"]), late=st.integers(0, 400), pick=st.data()
    )
    def the_crew_reports(self, action: str, who: str, late: int, pick: Any) -> None:
        visit = self.visits[pick.draw(st.integers(0, len(self.visits) - 1))]
        body = {
            "id": str(uuid4()),
            "action": action,
            "occurred_at": (clock.now() - timedelta(minutes=late)).isoformat(),
            **REPORT_DATA.get(action, {}),
        }
        self.send(f"/v1/visits/{visit}/status-updates", body, self.crew[who])

    @precondition(lambda self: self.visits)
    @rule(
        action=st.sampled_from([*REPORTS, "seen", "time"]),
        who=st.sampled_from(["ana", "ben"]),
        late=st.integers(0, 400),
        pick=st.data(),
    )
    def a_device_sends_what_it_kept(self, action: str, who: str, late: int, pick: Any) -> None:
        visit_id = UUID(self.visits[pick.draw(st.integers(0, len(self.visits) - 1))])
        somebody, then = self.crew[who], clock.now() - timedelta(minutes=late)
        by = caller_of(somebody.person, somebody.technician)
        with suppress(Refusal), self.runtime.transaction(by.organization_id) as db:
            if action == "seen":
                mark_seen(db, visit_id, id=uuid4(), effective_at=then, by=by, at=clock.now())
            elif action == "time":
                begun = then - timedelta(hours=1)
                hours = TimeIn(id=uuid4(), kind=TimeKind.WORK, started_at=begun, ended_at=then)
                add_time(db, visit_id, hours, effective_at=then, by=by, at=clock.now())
            else:
                more = REPORT_DATA.get(action, {})
                given = StatusUpdateIn.model_validate({"id": uuid4(), "action": action, "occurred_at": then, **more})
                report_status(db, visit_id, given, by=by, at=clock.now())

    @rule(choice=st.sampled_from(["attach", "discard", "reopen", "bill"]))
    def dana_resolves_an_issue(self, choice: str) -> None:
        found = self.scene.get("/v1/issues", state="open", owner="dispatcher", work_order_id=self.order)["items"]
        if found:
            body = {"choice": choice, "reason": "test"}
            self.send(f"/v1/issues/{found[-1]['id']}/resolution", body, self.scene.office)

    @precondition(lambda self: self.visits)
    @rule(pick=st.data(), noun=st.sampled_from(["reassignment", "cancellation", "no-show"]))
    def dana_replans(self, pick: Any, noun: str) -> None:
        visit = self.visits[pick.draw(st.integers(0, len(self.visits) - 1))]
        ben = self.crew["ben"].technician
        assert ben is not None
        bodies: dict[str, Any] = {
            "reassignment": {"technician_id": str(ben.id), "reason_code": "ill", "force_reason": "x"},
            "cancellation": {"cause": "us", "reason": "van broke"},
        }
        version = self.scene.get(f"/v1/visits/{visit}")["version"]
        self.send(f"/v1/visits/{visit}/{noun}", bodies.get(noun), self.scene.office, **{"If-Match": f'"{version}"'})

    @invariant()
    def every_cache_says_what_the_events_say(self) -> None:
        if not self.order:
            return
        organization_id = self.scene.office.person.organization_id
        with self.runtime.transaction(organization_id) as db:
            assert list(differences(db, organization_id, UUID(self.order))) == []
            [kept] = rows(db, KEPT, o=organization_id, id=UUID(self.order))
        assert kept["counted"] == kept["event_count"] >= self.event_count
        self.event_count = kept["event_count"]
        if self.first_completed_at is not None:
            assert kept["first_completed_at"] == self.first_completed_at
        self.first_completed_at = kept["first_completed_at"]
        lifetime = (kept["open_since"] - kept["requested_at"]).total_seconds()
        assert abs(float(kept["spent"] or 0) - lifetime) < 0.001


def test_random_commands_leave_every_cache_equal_to_the_replayed_events(
    scene: Scene, runtime: Runtime, ana: Somebody, ben: Somebody
) -> None:
    machine = type("LifeOfOne", (Life,), {"scene": scene, "runtime": runtime, "crew": {"ana": ana, "ben": ben}})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("FIRSTFIX_TEST_EXAMPLES", "15")),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )


def test_a_spoiled_cache_is_found_and_put_right(scene: Scene, runtime: Runtime, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    scene.report(visit["id"], "arrive", ana)
    organization_id = scene.office.person.organization_id
    with runtime.transaction(organization_id) as db:
        rows(db, "UPDATE work_orders SET status = 'approved'")
        rows(db, "UPDATE visits SET status = 'scheduled'")
        rows(db, "DELETE FROM status_intervals")

    found = {one.where for one in replay(runtime, only=organization_id, mend=True)}

    assert {"work_order.status", "visit 1.status", "status_intervals"} <= found
    assert list(replay(runtime, only=organization_id)) == []
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "on_site"
