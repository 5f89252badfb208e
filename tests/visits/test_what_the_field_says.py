"""Read, ticked, typed, proposed, measured, corrected: what technicians report beside their status."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from sqlmodel import Session

from app.customers.commands import ReadingIdReused
from app.customers.corrections import NotCorrectable
from app.customers.models import Asset
from app.customers.schemas import CorrectionIn, ReadingIn
from app.kit import clock
from app.kit.database import rows
from app.kit.problems import NotFound
from app.visits.commands.assignment import NotAssigned
from app.visits.commands.field_reports import TimeNotPossible, add_time, mark_seen, propose_schedule, set_task
from app.visits.commands.findings import correct_record, report_reading
from app.visits.commands.noting import add_note
from app.visits.models import Issue
from app.visits.queries import TASKS
from app.visits.schemas import NoteIn, ProposalIn, TaskIn, TimeIn
from app.work_orders.commands import IdReused
from tests.conftest import Somebody
from tests.scene import Scene
from tests.visits.conftest import Send, event_types, given_to

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
InStep = Callable[[str], bool]


def seen(send: Send, visit_id: str, who: Somebody, at: datetime | None = None) -> bool:
    with send(who) as sent:
        return mark_seen(sent.db, UUID(visit_id), id=uuid4(), effective_at=at or sent.at, by=sent.by, at=sent.at)


def test_a_job_is_seen_once_by_who_is_to_go_and_anew_after_it_was_given_away(
    scene: Scene, send: Send, in_step: InStep, ana: Somebody, ben: Somebody
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(HOUR)
        first, again = seen(send, visit["id"], ana), seen(send, visit["id"], ana)
        seen_at = scene.get(f"/v1/visits/{visit['id']}")["seen_at"]
        given_to(scene, visit["id"], ben)
        forgotten = scene.get(f"/v1/visits/{visit['id']}")["seen_at"]
        late = seen(send, visit["id"], ana)
        his = seen(send, visit["id"], ben)

    assert (first, again, late, his) == (False, True, True, False)
    assert (datetime.fromisoformat(seen_at), forgotten) == (scene.at + HOUR, None)
    assert scene.get(f"/v1/visits/{visit['id']}")["seen_at"] is not None
    assert event_types(scene, visit["work_order_id"]).count("visit.seen") == 2
    assert in_step(visit["work_order_id"])


def last_said(db: Session, scene: Scene, visit_id: UUID) -> dict[str, dict[str, Any]]:
    """From task to what was said of it last."""
    found = rows(db, TASKS, o=scene.office.person.organization_id, ids=[visit_id])
    return {row["task_id"]: row for row in found}


def test_of_the_answers_to_a_task_the_last_by_its_own_time_counts_and_all_are_kept(
    scene: Scene, send: Send, db: Session, ana: Somebody, ben: Somebody
) -> None:
    item = {"id": "isolated", "label": "Isolate supply", "kind": "yes_no", "required": True}
    scene.work_type_id = scene.work_type("strict", checklist=[item])
    assert ben.technician is not None
    with time_machine.travel(scene.at, tick=False) as now:
        visit_id = UUID(scene.dispatched(ana, crew=[str(ben.technician.id)])["id"])
        now.shift(HOUR)
        known = []
        ids = sorted(uuid4() for _ in range(3))
        for who, task_id, done, ago in (
            (ben, "isolated", True, 5 * MINUTE),
            (ana, "isolated", False, 10 * MINUTE),
            (ana, "of an older template", True, MINUTE),
        ):
            with send(who) as sent:
                given = TaskIn(id=ids[len(known)], task_id=task_id, done=done, value=None)
                known.append(set_task(sent.db, visit_id, given, effective_at=sent.at - ago, by=sent.by, at=sent.at))

    results = last_said(db, scene, visit_id)
    assert known == [True, True, False]
    assert {name: one["done"] for name, one in results.items()} == {"isolated": True, "of an older template": True}
    assert results["isolated"]["technician_id"] == ben.technician.id
    kept = db.connection().exec_driver_sql("SELECT count(*) FROM task_results").scalar()
    assert kept == 3


def test_an_answer_again_is_one_answer_and_another_under_its_id_is_refused(
    scene: Scene, send: Send, db: Session, ana: Somebody, ben: Somebody
) -> None:
    visit_id = UUID(scene.dispatched(ana)["id"])
    given = TaskIn(id=uuid4(), task_id="pressure", done=True, value=1.5)
    for _ in range(2):
        with send(ana) as sent:
            set_task(sent.db, visit_id, given, effective_at=sent.at, by=sent.by, at=sent.at)

    other = given.model_copy(update={"value": 2.5})
    with send(ana) as sent, pytest.raises(IdReused):
        set_task(sent.db, visit_id, other, effective_at=sent.at, by=sent.by, at=sent.at)
    with send(ben) as sent, pytest.raises(NotFound):
        set_task(sent.db, visit_id, given, effective_at=sent.at, by=sent.by, at=sent.at)

    [result] = last_said(db, scene, visit_id).values()
    assert (result["done"], result["value"]) == (True, 1.5)


def typed(send: Send, visit_id: str, who: Somebody, start: datetime, end: datetime, **more: Any) -> UUID:
    given = TimeIn(id=more.pop("id", uuid4()), kind=more.pop("kind", "work"), started_at=start, ended_at=end, **more)
    with send(who) as sent:
        add_time(sent.db, UUID(visit_id), given, effective_at=sent.at, by=sent.by, at=sent.at)
    return given.id


def test_typed_hours_stand_beside_reported_ones_and_what_overlaps_is_counted_once(
    scene: Scene, send: Send, in_step: InStep, ana: Somebody
) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(HOUR)
        scene.report(visit["id"], "start", ana)
        now.shift(HOUR)
        scene.report(visit["id"], "complete", ana)
        before = scene.get(f"/v1/visits/{visit['id']}")
        now.shift(HOUR)
        typed(send, visit["id"], ana, scene.at + 1.5 * HOUR, scene.at + 2.5 * HOUR, reason="paperwork")
        live = scene.get(f"/v1/visits/{visit['id']}/time-entries")
        scene.report(visit["id"], "depart", ana, at=scene.at + HOUR / 2)

    rebuilt = scene.get(f"/v1/visits/{visit['id']}/time-entries")
    assert (live["work_seconds"], live["travel_seconds"]) == (1.5 * 3600, 0)
    assert [(one["kind"], one["reason"]) for one in live["items"]] == [("work", None), ("work", "paperwork")]
    assert (rebuilt["work_seconds"], rebuilt["travel_seconds"]) == (1.5 * 3600, 1800)
    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == before["status"] == "completed"
    assert in_step(visit["work_order_id"])


def test_typed_hours_again_are_the_same_hours(scene: Scene, send: Send, ana: Somebody) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(3 * HOUR)
        given = typed(send, visit["id"], ana, scene.at, scene.at + HOUR)
        typed(send, visit["id"], ana, scene.at, scene.at + HOUR, id=given)
        with pytest.raises(IdReused):
            typed(send, visit["id"], ana, scene.at, scene.at + 2 * HOUR, id=given)

    assert scene.get(f"/v1/visits/{visit['id']}/time-entries")["work_seconds"] == 3600


def test_hours_end_after_they_begin_and_not_in_the_future(scene: Scene, send: Send, ana: Somebody) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit = scene.dispatched(ana)
        now.shift(HOUR)
        for start, end in ((HOUR, HOUR), (HOUR, HOUR / 2), (HOUR / 2, HOUR + MINUTE)):
            with pytest.raises(TimeNotPossible):
                typed(send, visit["id"], ana, scene.at + start, scene.at + end)

    assert scene.get(f"/v1/visits/{visit['id']}/time-entries")["items"] == []


def test_another_time_is_proposed_to_the_dispatcher_who_takes_it_or_not(
    scene: Scene, send: Send, in_step: InStep, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    start = (scene.at + 24 * HOUR).replace(microsecond=0)
    given = ProposalIn(id=uuid4(), start=start, end=start + HOUR, reason="the part comes tomorrow")
    with send(ana) as sent:
        propose_schedule(sent.db, UUID(visit["id"]), given, effective_at=sent.at, by=sent.by, at=sent.at)
    assert scene.get(f"/v1/visits/{visit['id']}")["scheduled_start"] == visit["scheduled_start"]
    [issue] = scene.get("/v1/issues")["items"]

    scene.post(f"/v1/issues/{issue['id']}/resolution", {"choice": "accept"})

    assert (issue["code"], issue["owner"], issue["choices"]) == (
        "schedule_proposed",
        "dispatcher",
        ["accept", "decline"],
    )
    after = scene.get(f"/v1/visits/{visit['id']}")
    assert (after["status"], datetime.fromisoformat(after["scheduled_start"])) == ("scheduled", start)
    assert in_step(visit["work_order_id"])


def read(send: Send, visit_id: str, who: Somebody, **more: Any) -> UUID:
    given = ReadingIn(**{"id": uuid4(), "label": "pressure", "value": Decimal("1.5"), "unit": "bar", **more})
    with send(who) as sent:
        report_reading(sent.db, UUID(visit_id), given, effective_at=sent.at, by=sent.by, at=sent.at)
    return given.id


def test_what_a_meter_shows_is_kept_with_its_asset(scene: Scene, send: Send, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    first = read(send, visit["id"], ana)
    read(send, visit["id"], ana, id=first)
    with pytest.raises(ReadingIdReused):
        read(send, visit["id"], ana, id=first, value=Decimal(9))
    read(send, visit["id"], ana, value=Decimal("1.25"))

    newest = scene.get(f"/v1/assets/{scene.asset_id}/readings", limit=1)
    then = scene.get(f"/v1/assets/{scene.asset_id}/readings", cursor=newest["next_cursor"])

    assert [one["value"] for one in newest["items"] + then["items"]] == [1.25, 1.5]
    assert then["next_cursor"] is None
    assert then["items"][0]["visit_id"] == visit["id"]


def test_only_assets_of_the_same_site_have_readings_on_a_visit(
    scene: Scene, send: Send, runtime: Any, ana: Somebody
) -> None:
    o = scene.office.person.organization_id
    here = Asset(organization_id=o, site_id=scene.site_id, name="Pump")
    elsewhere = Asset(organization_id=o, name="Spare pump")
    with runtime.transaction(o) as db:
        db.add_all([here, elsewhere])
    visit = UUID(scene.dispatched(ana)["id"])
    given = ReadingIn(id=uuid4(), label="hours", value=Decimal(7))
    about = {"effective_at": clock.now(), "at": clock.now()}

    with send(ana) as sent:
        assert report_reading(sent.db, visit, given, asset_id=here.id, by=sent.by, **about).asset_id == here.id
        with pytest.raises(NotFound):
            report_reading(sent.db, visit, given, asset_id=elsewhere.id, by=sent.by, **about)


def correct(send: Send, visit_id: str, who: Somebody, kind: Any, field: str, old: Any, new: Any) -> Issue | None:
    given = CorrectionIn(field=field, old=old, new=new)
    with send(who) as sent:
        return correct_record(
            sent.db, UUID(visit_id), kind, given, id=uuid4(), effective_at=sent.at, by=sent.by, at=sent.at
        )


def test_what_is_the_technicians_to_say_is_put_right_at_once(scene: Scene, send: Send, ana: Somebody) -> None:
    visit = scene.dispatched(ana)

    results = [
        correct(send, visit["id"], ana, "asset", "serial", "SN1", "SN2"),
        correct(send, visit["id"], ana, "asset", "serial", "SN1", "SN2"),
        correct(send, visit["id"], ana, "site", "access_notes", "Ring twice", "Ring once"),
        correct(send, visit["id"], ana, "site", "coordinates", {"lat": 52.5, "lng": 13.4}, {"lat": 52.6, "lng": 13.5}),
    ]

    assert results == [None] * 4
    asset, site = scene.get(f"/v1/assets/{scene.asset_id}"), scene.get(f"/v1/sites/{scene.site_id}")
    assert (asset["serial"], asset["version"]) == ("SN2", 2)
    assert (site["access_notes"], site["coordinates"]) == ("Ring once", {"lat": 52.6, "lng": 13.5})


@pytest.mark.parametrize(
    ("kind", "field", "old", "current"),
    [("asset", "model", "B-99", "B-100"), ("site", "address", "Main St 1", "Main St 1")],
)
def test_what_the_office_owns_or_changed_meanwhile_becomes_a_proposal(
    scene: Scene, send: Send, ana: Somebody, kind: str, field: str, old: str, current: str
) -> None:
    visit = scene.dispatched(ana)
    thing_id = scene.asset_id if kind == "asset" else scene.site_id

    issue = correct(send, visit["id"], ana, kind, field, old, "B-200")

    assert issue is not None
    assert (issue.code, issue.params["current"]) == ("field_changed", current)
    assert scene.get(f"/v1/{kind}s/{thing_id}")[field] == current
    [shown] = scene.get("/v1/issues")["items"]
    scene.post(f"/v1/issues/{shown['id']}/resolution", {"choice": "accept"})
    assert scene.get(f"/v1/{kind}s/{thing_id}")[field] == "B-200"


def test_a_proposal_that_is_not_taken_over_changes_nothing(scene: Scene, send: Send, ana: Somebody) -> None:
    issue = correct(send, scene.dispatched(ana)["id"], ana, "asset", "model", "B-99", "B-200")
    assert issue is not None

    scene.post(f"/v1/issues/{issue.id}/resolution", {"choice": "keep"})

    assert scene.get(f"/v1/assets/{scene.asset_id}")["model"] == "B-100"


@pytest.mark.parametrize(("field", "new"), [("site_id", "x"), ("name", ""), ("name", None), ("model", {"lat": 1})])
def test_what_cannot_be_corrected_is_refused(scene: Scene, send: Send, ana: Somebody, field: str, new: Any) -> None:
    visit = scene.dispatched(ana)

    with pytest.raises(NotCorrectable):
        correct(send, visit["id"], ana, "asset", field, None, new)


def test_a_note_that_waited_has_the_time_of_its_writing_also_from_who_had_the_visit_before(
    scene: Scene, send: Send, ana: Somebody, ben: Somebody
) -> None:
    visit = scene.dispatched(ana)
    given_to(scene, visit["id"], ben)
    given = NoteIn(id=uuid4(), occurred_at=clock.now(), text="The valve is behind the shelf")
    written = clock.now() - 2 * MINUTE

    with send(ana) as sent:
        note, _ = add_note(sent.db, UUID(visit["id"]), given, by=sent.by, at=sent.at, effective_at=written)

    assert note.effective_at == written


def test_nobody_reports_about_a_visit_from_before_it_was_theirs(scene: Scene, send: Send, ana: Somebody) -> None:
    visit_id = UUID(scene.dispatched(ana)["id"])
    before = clock.now() - 6 * MINUTE
    given = ReadingIn(id=uuid4(), label="hours", value=Decimal(7))

    with send(ana) as sent, pytest.raises(NotAssigned):
        report_reading(sent.db, visit_id, given, effective_at=before, by=sent.by, at=sent.at)
