"""Random changes to what is asked leave what a dispatched visit was asked, and what was answered, as they were."""

import os
from typing import Any
from uuid import UUID, uuid4

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

from app.kit import clock
from app.kit.database import rows
from app.kit.runtime import Runtime
from app.replay import differences
from app.visits.commands.field_reports import set_task
from app.visits.schemas import TaskIn
from tests.conftest import Somebody
from tests.field import caller_of, just_now
from tests.scene import Scene
from tests.work_orders.conftest import CODES, PHOTO, YES_NO, asking

ITEMS = ("leak", "pressure", "manual")
RULES = ([], [CODES], [PHOTO], [CODES, PHOTO])


class Templates(RuleBasedStateMachine):
    """The office changes forms, work types and policies at any time, while Ana answers what she was asked."""

    scene: Scene
    runtime: Runtime
    ana: Somebody
    sam: Somebody

    @initialize()
    def begin(self) -> None:
        self.asked: dict[str, Any] = {}
        self.given: dict[str, Any] = {}
        self.orders: set[UUID] = set()
        tail = uuid4().hex[:8]
        self.form = self.made("/v1/forms", {"key": f"f_{tail}", "title": "Form", "items": [{"id": "leak", **YES_NO}]})
        kind = self.made("/v1/work-types", {"key": f"k_{tail}", "name": "Kind"})
        self.scene.work_type_id = UUID(kind["id"])
        match = {"work_type_id": kind["id"]}
        self.policy = self.made(
            "/v1/closure-policies", {"key": f"p_{tail}", "name": "P", "policy": self.rules_of(0), "match": match}
        )

    def made(self, path: str, body: Any) -> Any:
        return self.scene.post(path, body, by=self.sam, status=201)

    def rules_of(self, number: int) -> dict[str, Any]:
        form = {"id": "form", "kind": "checklist", "params": {"form": self.form["key"]}}
        return asking(*RULES[number % len(RULES)], *([form] if number % 3 else []))

    @rule(names=st.sets(st.sampled_from(ITEMS)))
    def the_form_changes(self, names: set[str]) -> None:
        items = [{"id": name, **YES_NO} for name in sorted(names)]
        self.made(f"/v1/forms/{self.form['id']}/versions", {"title": "Form", "items": items})

    @rule(names=st.sets(st.sampled_from(ITEMS)), number=st.integers(0, 11))
    def the_work_type_changes(self, names: set[str], number: int) -> None:
        items = [{"id": name, **YES_NO} for name in sorted(names)]
        body = {"name": "Kind", "checklist": items, "closure_policy": self.rules_of(number)}
        self.made(f"/v1/work-types/{self.scene.work_type_id}/versions", body)

    @rule(number=st.integers(0, 11))
    def the_policy_changes(self, number: int) -> None:
        self.made(f"/v1/closure-policies/{self.policy['id']}/versions", {"policy": self.rules_of(number)})

    @rule(active=st.booleans())
    def the_policy_is_switched(self, active: bool) -> None:
        path = f"/v1/closure-policies/{self.policy['id']}"
        version = self.scene.get(path)["version"]
        headers = {**self.sam.headers, "If-Match": f'"{version}"'}
        assert self.scene.api.patch(path, json={"active": active}, headers=headers).status_code == 200

    @rule(start=st.booleans())
    def dana_dispatches(self, start: bool) -> None:
        visit = self.scene.dispatched(self.ana)
        self.orders.add(UUID(visit["work_order_id"]))
        self.asked[visit["id"]] = self.what_is_asked(visit["id"])
        if start:
            self.scene.report(visit["id"], "start", self.ana)

    @precondition(lambda self: self.asked)
    @rule(pick=st.data(), value=st.booleans())
    def ana_answers(self, pick: Any, value: bool) -> None:
        visit = pick.draw(st.sampled_from(sorted(self.asked)))
        names = [item["id"] for item in self.asked[visit]["checklist"]] or ["unknown"]
        given = TaskIn(id=uuid4(), task_id=pick.draw(st.sampled_from(names)), done=True, value=value)
        by = caller_of(self.ana.person, self.ana.technician)
        with self.runtime.transaction(by.organization_id) as db:
            known = set_task(db, UUID(visit), given, effective_at=clock.now(), by=by, at=clock.now())
        assert known is (names != ["unknown"])
        self.given[str(given.id)] = (visit, given.task_id, given.value)

    @precondition(lambda self: self.asked)
    @rule(pick=st.data(), value=st.booleans(), codes=st.booleans())
    def ana_submits(self, pick: Any, value: bool, codes: bool) -> None:
        visit = pick.draw(st.sampled_from(sorted(self.asked)))
        answers = {item["id"]: value for item in self.asked[visit]["checklist"]}
        body = {"id": str(uuid4()), "occurred_at": just_now(), "answers": answers}
        body |= {"resolution_code": "solved"} if codes else {}
        answer = self.scene.api.post(f"/v1/visits/{visit}/closure", json=body, headers=self.ana.headers)
        assert answer.status_code in (201, 409), answer.text
        if answer.status_code == 201:
            judged = {one["rule_id"] for one in answer.json()["findings"]} - {"evidence", "review"}
            assert judged == {one["id"] for one in self.asked[visit]["policy"].get("rules", ())}
            self.given[body["id"]] = (visit, None, answers)

    def what_is_asked(self, visit_id: str) -> dict[str, Any]:
        held = self.scene.get(f"/v1/visits/{visit_id}/closure")
        return {name: held[name] for name in ("policy", "checklist")}

    @invariant()
    def what_was_asked_and_answered_is_as_it_was(self) -> None:
        if not getattr(self, "asked", None):
            return
        for visit, asked in self.asked.items():
            assert self.what_is_asked(visit) == asked
        organization_id = self.ana.person.organization_id
        with self.runtime.transaction(organization_id) as db:
            answered = {
                str(row["id"]): (str(row["visit_id"]), row["task_id"], row["value"])
                for row in rows(
                    db,
                    "SELECT id, visit_id, task_id, value FROM task_results UNION ALL "
                    "SELECT id, visit_id, NULL, body -> 'answers' FROM closure_submissions",
                )
            }
            assert {key: answered[key] for key in self.given} == self.given
            for order in self.orders:
                assert list(differences(db, organization_id, order)) == []


def test_whatever_the_office_changes_neither_questions_nor_answers_of_a_dispatched_visit_change(
    scene: Scene, runtime: Runtime, ana: Somebody, sam: Somebody
) -> None:
    machine = type("TemplatesOfOne", (Templates,), {"scene": scene, "runtime": runtime, "ana": ana, "sam": sam})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=int(os.environ.get("FIRSTFIX_TEST_EXAMPLES", "10")),
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )
