"""Two phones change one job, each without network, and come back: what each shows then, and what the office sees.

The page, the browser, the client, the network and the server are real.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, update

from app.identity.models import Person
from app.identity.passwords import hash_password
from app.kit.database import rows
from tests.browser.phones import Phones
from tests.browser.pocket import PASSWORD, Pocket
from tests.clients.conftest import compiled, node, server  # noqa: F401
from tests.clients.network import Network
from tests.conftest import Somebody
from tests.scene import Scene
from tests.sync.stories import events, give_to, hours_of, issues, technician_id

MakePocket = Callable[[str, Somebody], Pocket]

TASK = {"id": "gas", "label": "Is the gas off?", "kind": "yes_no"}
APPLIED = ("applied", None, False)
NOOP = ("applied", None, True)
REASSIGNED = ("noted", "reassigned", False)


@pytest.fixture
def pocket(server: str, compiled: Path, db: Session) -> Iterator[MakePocket]:  # noqa: F811
    """A phone of somebody's who has signed in on it; at the end none of them has anything to complain about."""
    made: list[Pocket] = []
    with ExitStack() as stack:
        phones = stack.enter_context(Phones())

        def make(name: str, who: Somebody) -> Pocket:
            db.exec(update(Person).where(Person.id == who.id).values(password_hash=hash_password(PASSWORD)))  # type: ignore[arg-type]
            db.commit()
            network = stack.enter_context(Network())
            network.lead_to(server)
            made.append(Pocket(phones, name, network, compiled))
            made[-1].sign_in(who.person.email)
            return made[-1]

        yield make
        assert [one.order("complaints") for one in made] == [[] for _ in made]


def visit_of(scene: Scene, visit: dict[str, Any]) -> dict[str, Any]:
    return dict(scene.get(f"/v1/visits/{visit['id']}"))


def board(scene: Scene) -> list[tuple[str, str, list[str]]]:
    """(code, severity, choices) of what the office has to decide, in the order of the alphabet."""
    items = scene.get("/v1/issues", state="open", owner="dispatcher")["items"]
    return sorted((one["code"], one["severity"], one["choices"]) for one in items)


@pytest.mark.parametrize("first", ["Ana", "Ben"])
def test_lead_and_mate_report_about_one_job_and_come_back_in_either_order(
    pocket: MakePocket, scene: Scene, db: Session, ana: Somebody, ben: Somebody, first: str
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
    lead.order("click", "text=Yes")
    lead.says(status="in progress", tasks=answered("yes ⏳"), notes="The valve is stuck ⏳", sent="waiting ⏳ 4")
    mate.order("click", "text=No")
    mate.says(tasks=answered("no ⏳"), notes="The cellar is flooded ⏳", sent="waiting ⏳ 3")
    for one in (lead, mate):
        one.restart()
    lead.says(status="in progress", tasks=answered("yes ⏳"), notes="The valve is stuck ⏳", sent="waiting ⏳ 4")
    mate.says(tasks=answered("no ⏳"), notes="The cellar is flooded ⏳", sent="waiting ⏳ 3")
    assert (visit_of(scene, visit)["status"], notes_of(scene, visit), answers_of(db, visit)) == ("dispatched", [], [])

    earlier, later = (lead, mate) if first == "Ana" else (mate, lead)
    earlier.find_network()
    earlier.says(sent="sent ✓")
    later.find_network()
    later.says(sent="sent ✓")
    earlier.catch_up()

    for one in (lead, mate):
        one.says(
            status="in progress",
            tasks=answered("no"),
            notes="The cellar is flooded\nThe valve is stuck",
            sent="sent ✓",
        )
        for nothing in ("#issues", "#attention", "#notice"):
            one.lines(nothing)
    mate.says(mine="you: on site")
    assert (set(lead.told), len(lead.told)) == ({APPLIED}, 4)
    assert (set(mate.told), len(mate.told)) == ({APPLIED}, 3)
    now = visit_of(scene, visit)
    assert (now["status"], now["technician_id"]) == ("in_progress", technician_id(ana))
    assert now["departed_at"] < now["arrived_at"] == now["started_at"]
    happened = {"visit.departed", "visit.member_arrived", "visit.arrived", "visit.started"}
    assert sorted(happened & set(events(scene, visit))) == sorted(happened)
    assert notes_of(scene, visit) == [("Ana", "The valve is stuck"), ("Ben", "The cellar is flooded")]
    assert answers_of(db, visit) == [("Ana", True), ("Ben", False)]
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


def answers_of(db: Session, visit: dict[str, Any]) -> list[tuple[str, Any]]:
    """(who, value), the last by its time at the end."""
    sql = """
    SELECT t.name, r.value FROM task_results r
    JOIN technicians t ON t.organization_id = r.organization_id AND t.id = r.technician_id
    WHERE r.visit_id = %(v)s ORDER BY r.effective_at
    """
    db.rollback()
    return [(one["name"], one["value"]) for one in rows(db, sql, v=visit["id"])]


@pytest.mark.parametrize("first", ["Ana", "Ben"])
@pytest.mark.parametrize("did", [(), ("Start",), ("Start", "Complete")], ids=["nothing", "began", "completed"])
def test_a_job_is_given_away_while_its_technician_is_away_and_completes_it(
    pocket: MakePocket, scene: Scene, ana: Somebody, ben: Somebody, did: tuple[str, ...], first: str
) -> None:
    visit = scene.dispatched(ana)
    anas, bens = pocket("Ana", ana), pocket("Ben", ben)
    anas.says(sent="sent ✓")
    anas.go_offline()
    give_to(scene, visit["id"], ben)
    bens.catch_up()
    bens.says(status="dispatched", sent="sent ✓")
    bens.go_offline()
    anas.press("Start", "Complete")
    anas.says(status="completed", sent="waiting ⏳ 2")
    bens.press(*did)
    bens.says(sent=f"waiting ⏳ {len(did)}" if did else "sent ✓")
    now = visit_of(scene, visit)
    assert (now["status"], now["technician_id"]) == ("dispatched", technician_id(ben))

    if first == "Ana":
        earlier, later = anas, bens
    else:
        earlier, later = bens, anas
    earlier.come_back()
    earlier.order("gone", "text=waiting ⏳")
    later.come_back()
    later.order("gone", "text=waiting ⏳")
    earlier.catch_up()

    print(first, did, anas.told, bens.told)
    for one in (anas, bens):
        for css in ("#jobs", "#issues", "#notice", "#attention"):
            print(one.name, css, repr(one.order("text", css)))
    print(visit_of(scene, visit)["status"], visit_of(scene, visit)["technician_id"] == technician_id(ana), events(scene, visit))
    for i in scene.get("/v1/issues")["items"]:
        print(i["owner"], i["code"], i["severity"], i["choices"], i["state"], i["text"]["en"])
    anas.order("shot", f"/tmp/work/ana-{first}-{len(did)}.png")
    bens.order("shot", f"/tmp/work/ben-{first}-{len(did)}.png")


def test_two_phones_of_one_technician_complete_one_job(pocket: MakePocket, scene: Scene, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    one, other = pocket("one", ana), pocket("other", ana)
    for phone in (one, other):
        phone.says(status="dispatched", sent="sent ✓")
        phone.go_offline()
        phone.press("Start", "Complete")
        phone.says(status="completed", sent="waiting ⏳ 2")

    one.come_back()
    one.says(sent="sent ✓")
    other.come_back()
    other.says(sent="sent ✓")
    one.catch_up()

    assert (one.told, other.told) == ([APPLIED, APPLIED], [NOOP, NOOP])
    for phone in (one, other):
        phone.says(status="completed", sent="sent ✓")
        for nothing in ("#issues", "#attention", "#notice"):
            phone.lines(nothing)
    now = visit_of(scene, visit)
    assert (now["status"], now["resolution_code"]) == ("completed", "repaired")
    assert scene.order(visit["work_order_id"])["status"] == "closed"
    told = events(scene, visit, implied=False)
    assert [told.count(kind) for kind in ("visit.started", "visit.completed", "visit.reported")] == [1, 1, 2]
    assert issues(scene) == []
