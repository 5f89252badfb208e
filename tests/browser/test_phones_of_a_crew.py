"""Lead and mate report about one job, each without network: what each shows then, and what the office sees."""

@pytest.mark.parametrize("first", ["Ana", "Ben"])
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
    mate.says(status="dispatched", mine="you: planned", sent="sent ✓")
    for one in (lead, mate):
        one.go_offline()

    lead.press("Depart")
    mate.press("Arrive")
    lead.press("Start")
    lead.write("The valve is stuck")
    mate.write("The cellar is flooded")
    lead.press("Yes")
    lead.says(status="in progress", tasks=answered("yes ⏳"), notes="The valve is stuck ⏳", sent="waiting ⏳ 4")
    mate.press("No")
    mate.says(tasks=answered("no ⏳"), notes="The cellar is flooded ⏳", sent="waiting ⏳ 3")
    for one in (lead, mate):
        one.restart()
    lead.says(status="in progress", tasks=answered("yes ⏳"), notes="The valve is stuck ⏳", sent="waiting ⏳ 4")
    mate.says(tasks=answered("no ⏳"), notes="The cellar is flooded ⏳", sent="waiting ⏳ 3")
    assert (visit_of(scene, visit)["status"], notes_of(scene, visit)) == ("dispatched", [])

    earlier, later = (lead, mate) if first == "Ana" else (mate, lead)
    earlier.find_network()
    earlier.says(sent="sent ✓")
    later.find_network()
    later.says(sent="sent ✓")
    earlier.catch_up()

    for one in (lead, mate):
        notes = "The cellar is flooded\nThe valve is stuck"
        one.check(status="in progress", tasks=answered("no"), notes=notes, sent="sent ✓")
        one.check_for_everybody()
    mate.says(mine="you: on site")
    assert (set(lead.told), len(lead.told)) == ({APPLIED}, 4)
    assert (set(mate.told), len(mate.told)) == ({APPLIED}, 3)
    now = visit_of(scene, visit)
    assert (now["status"], now["technician_id"]) == ("in_progress", technician_id(ana))
    assert now["departed_at"] < now["arrived_at"] == now["started_at"]
    happened = {"visit.departed", "visit.member_arrived", "visit.arrived", "visit.started"}
    assert sorted(happened & set(events(scene, visit))) == sorted(happened)
    assert notes_of(scene, visit) == [("Ana", "The valve is stuck"), ("Ben", "The cellar is flooded")]
    assert answers_of(runtime, organization, visit) == [("Ana", True), ("Ben", False)]
    travel, work = hours_of(scene, visit["id"], ana)
    assert (travel, work) == (
        ("travel", now["departed_at"], now["arrived_at"]),
        ("work", now["arrived_at"], None),
    )
    [(kind, since, until)] = hours_of(scene, visit["id"], ben)
    assert (kind, until) == ("work", None)
    assert now["departed_at"] < since < now["arrived_at"]
    assert board(scene) == []


def answered(what: str) -> str:
    """The whole of the list of tasks."""
    return f"Is the gas off? {what}\nYes\nNo"


def notes_of(scene: Scene, visit: dict[str, Any]) -> list[tuple[str, str]]:
    items = scene.get(f"/v1/work-orders/{visit['work_order_id']}/notes")["items"]
    return sorted((one["author_name"], one["text"]) for one in items)


def answers_of(runtime: Runtime, organization: Organization, visit: dict[str, Any]) -> list[tuple[str, Any]]:
    """(who, value), the last by its time at the end."""
    sql = """
    SELECT t.name, r.value FROM task_results r
    JOIN technicians t ON t.organization_id = r.organization_id AND t.id = r.technician_id
    WHERE r.visit_id = %(v)s ORDER BY r.effective_at
    """
    with runtime.transaction(organization.id) as db:
        return [(one["name"], one["value"]) for one in rows(db, sql, v=visit["id"])]


