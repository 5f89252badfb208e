"""Lead and mate report about one job, each without network: what each shows then, and what the office sees."""

from typing import Any

import pytest

from app.identity.models import Organization
from app.kit.database import rows
from app.kit.runtime import Runtime
from tests.browser.conftest import MakePocket
from tests.browser.pocket import Pocket
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.stories import events, hours_of, issues, technician_id

TASK = {"id": "gas", "label": "Is the gas off?", "kind": "yes_no"}
LEADS = {"notes": "The valve is stuck ⏳", "tasks": "Is the gas off? yes ⏳\nYes\nNo", "sent": "waiting ⏳ 4"}
MATES = {"notes": "The cellar is flooded ⏳", "tasks": "Is the gas off? no ⏳\nYes\nNo", "sent": "waiting ⏳ 3"}
IN_THE_END = {
    "status": "in progress",
    "notes": "The cellar is flooded\nThe valve is stuck",
    "tasks": "Is the gas off? no\nYes\nNo",
    "sent": "sent ✓",
}
APPLIED = ("applied", None, False)


def report_without_network(lead: Pocket, mate: Pocket) -> None:
    """The mate answers the task last; both phones are restarted before they find a network."""
    for one in (lead, mate):
        one.says(status="dispatched", sent="sent ✓")
        one.go_offline()
    lead.press("Depart")
    mate.press("Arrive")
    lead.press("Start")
    lead.write("The valve is stuck")
    mate.write("The cellar is flooded")
    lead.press("Yes")
    lead.says(status="in progress", **LEADS)
    mate.press("No")
    mate.says(**MATES)
    for one in (lead, mate):
        one.restart()
    lead.says(status="in progress", **LEADS)
    mate.says(**MATES)


@pytest.mark.parametrize("first", ["lead", "mate"])
def test_lead_and_mate_report_about_one_job_and_come_back_in_either_order(
    pocket: MakePocket,
    scene: Scene,
    runtime: Runtime,
    organization: Organization,
    ana: Somebody,
    ben: Somebody,
    first: str,
) -> None:
    scene.work_type_id = scene.work_type("service", checklist=[TASK])
    visit = scene.dispatched(ana, crew=[technician_id(ben)])
    lead, mate = pocket("Ana", ana), pocket("Ben", ben)
    report_without_network(lead, mate)
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "dispatched"
    assert notes_of(scene, visit) == []

    earlier, later = (lead, mate) if first == "lead" else (mate, lead)
    for one in (earlier, later):
        one.find_network()
        one.says(sent="sent ✓")
    earlier.catch_up()

    lead.check(**IN_THE_END)
    mate.check(**IN_THE_END, mine="you: on site")
    assert (lead.told, mate.told) == ([APPLIED] * 4, [APPLIED] * 3)
    for one in (lead, mate):
        one.check_for_everybody()
    assert notes_of(scene, visit) == [("Ana", "The valve is stuck"), ("Ben", "The cellar is flooded")]
    assert answers_of(runtime, organization, visit) == [("Ana", True), ("Ben", False)]
    check_times(scene, visit, ana, ben)
    assert issues(scene) == []


def notes_of(scene: Scene, visit: dict[str, Any]) -> list[tuple[str, str]]:
    items = scene.get(f"/v1/work-orders/{visit['work_order_id']}/notes")["items"]
    return sorted((one["author_name"], one["text"]) for one in items)


def answers_of(runtime: Runtime, organization: Organization, visit: dict[str, Any]) -> list[tuple[str, Any]]:
    """(who, value) of both, the later one at the end."""
    sql = """
    SELECT t.name, r.value FROM task_results r
    JOIN technicians t ON t.organization_id = r.organization_id AND t.id = r.technician_id
    WHERE r.visit_id = %(v)s ORDER BY r.effective_at
    """
    with runtime.transaction(organization.id) as db:
        return [(one["name"], one["value"]) for one in rows(db, sql, v=visit["id"])]


def check_times(scene: Scene, visit: dict[str, Any], lead: Somebody, mate: Somebody) -> None:
    """The lead went and started, the mate arrived in between; both are at work, each since their own time."""
    now = scene.get(f"/v1/visits/{visit['id']}")
    departed, started = now["departed_at"], now["started_at"]
    assert (now["status"], now["technician_id"], now["crew"]) == (
        "in_progress",
        technician_id(lead),
        [technician_id(mate)],
    )
    assert hours_of(scene, visit["id"], lead) == [("travel", departed, started), ("work", started, None)]
    [(kind, since, until)] = hours_of(scene, visit["id"], mate)
    assert (kind, until) == ("work", None)
    assert departed < since < started
    told = events(scene, visit, implied=False)
    assert {"visit.departed", "visit.started", "visit.member_arrived"} <= set(told)
    assert events(scene, visit, implied=True) == ["visit.arrived"]
