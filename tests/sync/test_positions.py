"""Places in a feed: the order of the commits, none left out, none given twice, and nobody in anybody's way."""

import random
from threading import Event
from uuid import UUID

from sqlmodel import Session

from app.domain.roles import Role
from app.identity.models import Organization
from app.kit import clock
from app.kit.database import enter, rows
from app.kit.runtime import Runtime
from app.sync import upkeep
from app.visits.commands.planning import reassign_visit
from app.visits.schemas import ReassignIn
from app.work_orders.ledger import open_ledger
from tests.conftest import Cast, CheckedClient, Somebody
from tests.field import the_office
from tests.scene import Scene
from tests.sync.phone import Phone
from tests.sync.storm import (
    issues_for,
    mends_notes_of,
    notes_on,
    placed,
    together,
    wait_until_somebody_waits,
    write_slowly,
)


def technician_of(who: Somebody) -> UUID:
    assert who.technician is not None
    return who.technician.id


def entries_of(db: Session, who: Somebody) -> dict[tuple[str, str], str]:
    """(kind, id) → rev of everything in the feed."""
    db.rollback()
    enter(db, who.person.organization_id)
    found = rows(
        db,
        "SELECT kind, entity_id, epoch, seq FROM feed_entries "
        "WHERE organization_id = %(o)s AND feed_id = %(t)s AND NOT removed",
        o=who.person.organization_id,
        t=technician_of(who),
    )
    return {(row["kind"], row["entity_id"]): f"{row['epoch']}.{row['seq']}" for row in found}


def revs_of(phone: Phone) -> dict[tuple[str, str], str]:
    return {key: rev for key, (rev, _) in phone.held.items()}


def test_i02_no_committed_change_is_ever_missed_by_a_device_that_pulls_meanwhile(
    api: CheckedClient, scene: Scene, ana: Somebody, runtime: Runtime, organization: Organization, db: Session
) -> None:
    """Eight writers stay open for a while after they have got their places; one in five changes its mind."""
    visits = [scene.dispatched(ana) for _ in range(8)]
    phone = Phone(api, ana)
    phone.pull()
    over, chance = Event(), random.Random(2)
    pauses = {visit["id"]: [chance.random() / 60 for _ in range(8)] for visit in visits}

    def write(visit: dict[str, str]) -> None:
        for number, pause in enumerate(pauses[visit["id"]]):
            write_note = notes_on(organization, visit, ana, f"note {number}")
            write_slowly(runtime, organization.id, write_note, seconds=pause, keep=number % 5 != 4)

    def read() -> None:
        while not over.is_set():
            phone.pull(limit=3)

    def write_all() -> None:
        try:
            assert together(*(lambda visit=visit: write(visit) for visit in visits)) == []
        finally:
            over.set()

    assert together(write_all, read) == []
    phone.pull()

    assert revs_of(phone) == entries_of(db, ana)
    assert {len(phone.job(visit["id"])["notes"]) for visit in visits} == {7}


def test_i02_what_changes_while_the_job_changes_hands_reaches_who_gets_it(
    api: CheckedClient,
    scene: Scene,
    ana: Somebody,
    ben: Somebody,
    runtime: Runtime,
    organization: Organization,
) -> None:
    visit = scene.dispatched(ana)
    with placed(runtime, organization.id, notes_on(organization, visit, ana, "no dog")):
        pass
    phone, other = Phone(api, ana), Phone(api, ben)
    phone.pull()
    other.pull()

    def give_to_ben(db: Session) -> None:
        given = ReassignIn(technician_id=technician_of(ben), reason_code="closer", force_reason="closer")
        ledger = open_ledger(db, organization.id, UUID(visit["work_order_id"]))
        reassign_visit(db, ledger, UUID(visit["id"]), given, by=the_office(organization.id), at=clock.now())

    def note_it() -> None:
        with placed(runtime, organization.id, mends_notes_of(organization, visit, "mind the dog")):
            pass

    def give_it_away() -> None:
        with placed(runtime, organization.id, give_to_ben):
            given_away.set()
            wait_until_somebody_waits(runtime)

    given_away = Event()
    assert together(give_it_away, lambda: given_away.wait(20) and note_it()) == []
    phone.pull()
    other.pull()

    assert phone.removed == {("job", visit["id"]): "reassigned"}
    assert [note["text"] for note in other.job(visit["id"])["notes"]] == ["mind the dog"]


def test_i03_places_are_in_the_order_of_the_commits_with_no_gap_and_none_twice(
    api: CheckedClient, ana: Somebody, runtime: Runtime, organization: Organization
) -> None:
    """A scan sees at any moment all places up to the last one: who has a later place was not visible earlier."""
    phone = Phone(api, ana)
    phone.pull()
    over, chance = Event(), random.Random(3)
    pauses = [[chance.random() / 100 for _ in range(10)] for _ in range(8)]
    scans: list[list[int]] = []

    def write(mine: list[float]) -> None:
        for pause in mine:
            write_issue = issues_for(organization, technician_of(ana))
            write_slowly(runtime, organization.id, write_issue, seconds=pause, keep=pause <= 0.008)

    def scan() -> None:
        while not over.is_set():
            with runtime.transaction(organization.id) as db:
                scans.append([row["seq"] for row in rows(db, SEEN, o=organization.id, t=technician_of(ana))])

    def write_all() -> None:
        try:
            assert together(*(lambda mine=mine: write(mine) for mine in pauses)) == []
        finally:
            over.set()

    assert together(write_all, scan) == []

    made = sum(pause <= 0.008 for mine in pauses for pause in mine)
    assert len(scans) > 10
    assert all(seen == list(range(1, len(seen) + 1)) for seen in scans)
    with runtime.transaction(organization.id) as db:
        seen = [row["seq"] for row in rows(db, SEEN, o=organization.id, t=technician_of(ana))]
        head = rows(db, "SELECT head FROM feeds WHERE organization_id = %(o)s", o=organization.id)[0]["head"]
    assert seen == list(range(1, head + 1))
    assert len(seen) == made + len([key for key in phone.held if key[0] != "issue"])


SEEN = "SELECT seq FROM feed_entries WHERE organization_id = %(o)s AND feed_id = %(t)s ORDER BY seq"


def test_i15_transactions_that_touch_several_feeds_never_deadlock(
    api: CheckedClient, cast: Cast, runtime: Runtime, organization: Organization
) -> None:
    """Eight at once, three feeds each in any order, while tombstones are purged and feeds looked through."""
    crew = [cast(name, Role.TECHNICIAN) for name in ("Ana", "Ben", "Eva")]
    phones = [Phone(api, one) for one in crew]
    for phone in phones:
        phone.pull()
    technicians = [technician_of(one) for one in crew]

    def write(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(20):
            chance.shuffle(technicians_of := list(technicians))
            write_issues = issues_for(organization, *technicians_of)
            write_slowly(runtime, organization.id, write_issues, seconds=chance.random() / 200, keep=True)

    def keep_up() -> None:
        for _ in range(20):
            upkeep.purge_organization(runtime, organization.id, before=clock.now())
            upkeep.tick_organization(runtime, organization.id, at=clock.now())

    wrong = together(*(lambda seed=seed: write(seed) for seed in range(8)), keep_up)

    assert wrong == []
    for phone in phones:
        phone.pull()
        assert len([key for key in phone.held if key[0] == "issue"]) == 160
