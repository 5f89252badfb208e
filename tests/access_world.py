"""One organization with one thing of every kind, made once and asked for by everybody. What is in the field is Ana's.

Beside her there is somebody of every role: Ben, a technician without jobs, and Pia and Tom of a partner company that
nothing is assigned to.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.attachments.tasks import prepare_attachment
from app.domain.roles import Role
from app.identity import commands
from app.identity.models import Device, Employment, Organization, Partner, Person, SignedInSession, Team, Technician
from app.identity.sessions import begin
from app.kit import clock
from app.kit.ids import uuid7
from app.kit.objects import sha256_of
from app.kit.runtime import Runtime
from app.parts.models import PartRequest
from app.surveys.models import Survey, SurveyState
from app.visits.models import Issue, Owner, Severity
from tests.conftest import CheckedClient
from tests.field import Job, a_picture, just_now, make_job

Headers = dict[str, str]


@dataclass
class World:
    """`ids`: the one thing of each kind. `callers`: somebody of each role; `ana` owns what is in the field."""

    organization_id: UUID
    ids: dict[str, str] = field(default_factory=dict)
    callers: dict[Role, Headers] = field(default_factory=dict)
    ana: Headers = field(default_factory=dict)

    def anas(self) -> list[str]:
        """The ids that only Ana and the office may learn."""
        return [self.ids[kind] for kind in ANAS]


ANAS = (
    *("visit", "work_order", "evidence", "attachment", "closure", "device", "session"),
    *("closed_work_order", "closed_closure"),
)


def make_world(runtime: Runtime, api: CheckedClient, name: str) -> World:
    with runtime.transaction(None) as db:
        organization = commands.create_organization(db, name, at=clock.now())
        organization.settings = {"sandbox": True}
    world = World(organization.id)
    with runtime.transaction(organization.id) as db:
        _people(db, world, organization)
    for kind, path, body in RECORDS:
        world.ids[kind] = _made(api, world, path, {key: _of(world, value) for key, value in body.items()})
    _field_work(runtime, api, world)
    return world


def _of(world: World, value: Any) -> Any:
    return world.ids[value[1:]] if isinstance(value, str) and value.startswith("$") else value


#: What the admin makes through the API, in this order; `$site` is the id of the site made before.
RECORDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("api_client", "/v1/api-clients", {"name": "ERP", "roles": ["dispatcher"]}),
    ("customer", "/v1/customers", {"name": "Cleo's Bakery", "external_ref": "K-1"}),
    ("contact", "/v1/contacts", {"name": "Cleo", "customer_id": "$customer", "email": "cleo@example.org"}),
    ("site", "/v1/sites", {"name": "Bakery", "customer_id": "$customer"}),
    ("asset", "/v1/assets", {"name": "Oven", "site_id": "$site"}),
    ("part", "/v1/parts", {"number": "P-1", "name": "Pump"}),
    ("location", "/v1/stock-locations", {"name": "Depot"}),
    ("location_to", "/v1/stock-locations", {"name": "Second depot"}),
    ("work_type", "/v1/work-types", {"key": "inspection", "name": "Inspection"}),
    ("policy", "/v1/closure-policies", {"key": "urgent", "name": "Urgent", "match": {"priority": 9}, "policy": {}}),
    ("form", "/v1/forms", {"key": "safety", "title": "Safety", "items": []}),
)


def _made(api: CheckedClient, world: World, path: str, body: dict[str, Any]) -> str:
    answer = api.post(path, json=body, headers=world.callers[Role.ADMIN])
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _people(db: Session, world: World, organization: Organization) -> None:
    team = Team(organization_id=organization.id, name="North")
    partner = Partner(organization_id=organization.id, name="Acme")
    db.add_all([team, partner])
    db.flush()
    ana, _ = _somebody(db, world, "Ana", Role.TECHNICIAN, team=team)
    mate, _ = _somebody(db, world, "Mia", Role.TECHNICIAN, team=team)
    world.ids |= {"team": str(team.id), "partner": str(partner.id)}
    world.ids |= {"person": str(ana.id), "technician": str(ana.technician_id), "mate": str(mate.technician_id)}
    for role in Role:
        of_partner = role in (Role.PARTNER_MANAGER, Role.PARTNER_TECHNICIAN)
        _, world.callers[role] = _somebody(db, world, role.value, role, partner=partner if of_partner else None)
    _, world.ana = _signed_in(db, ana)
    device = Device(
        organization_id=organization.id,
        person_id=ana.id,
        platform="android",
        app_version="1",
        registered_at=clock.now(),
        last_seen_at=clock.now(),
    )
    db.add(device)
    db.flush()
    session, _ = _signed_in(db, ana)
    world.ids |= {"device": str(device.id), "session": str(session.id)}


def _somebody(
    db: Session, world: World, name: str, role: Role, *, team: Team | None = None, partner: Partner | None = None
) -> tuple[Person, Headers]:
    technician = None
    if role in (Role.TECHNICIAN, Role.PARTNER_TECHNICIAN):
        technician = Technician(
            organization_id=world.organization_id,
            name=name,
            team_id=team.id if team else None,
            partner_id=partner.id if partner else None,
            employment=Employment.CONTRACTOR if partner else Employment.EMPLOYEE,
        )
        db.add(technician)
        db.flush()
    person = commands.create_person(
        db,
        world.organization_id,
        name=name,
        email=f"{name}@{world.organization_id.hex}.example",
        password=None,
        roles=[role],
        technician_id=technician.id if technician else None,
        partner_id=partner.id if partner else None,
        at=clock.now(),
    )
    return person, _signed_in(db, person)[1]


def _signed_in(db: Session, person: Person) -> tuple[SignedInSession, Headers]:
    at = clock.now()
    session = SignedInSession(
        organization_id=person.organization_id, person_id=person.id, created_at=at, last_used_at=at
    )
    tokens = begin(db, session, at=at, refreshable=False)
    return session, {"Authorization": f"Bearer {tokens.access_token}"}


def _field_work(runtime: Runtime, api: CheckedClient, world: World) -> None:
    """Ana is at work: with a photo, a closure that is not good yet, a report that nobody understands, and a survey."""
    refs = {kind: UUID(world.ids[kind]) for kind in ("customer", "site", "asset", "contact")}
    job = make_job(
        runtime,
        world.organization_id,
        UUID(world.ids["technician"]),
        crew=(UUID(world.ids["mate"]),),
        policy={"id": "strict", "version": 1, "rules": [{"id": "codes", "kind": "resolution_codes"}]},
        **{f"{kind}_id": value for kind, value in refs.items()},
    )
    world.ids |= {"visit": str(job.visit_id), "work_order": str(job.work_order_id)}
    photo = api.post(
        f"/v1/visits/{job.visit_id}/evidence",
        data={"id": str(uuid7()), "kind": "photo", "tag": "after"},
        files={"file": ("a.jpg", a_picture(), "image/jpeg")},
        headers=world.ana,
    )
    assert photo.status_code == 201, photo.text
    world.ids["evidence"] = photo.json()["id"]
    world.ids["attachment"] = world.ids["upload"] = _attached(runtime, api, world, job)
    world.ids["closure"] = str(uuid7())
    submitted = {"id": world.ids["closure"], "occurred_at": just_now()}
    closure = api.post(f"/v1/visits/{job.visit_id}/closure", json=submitted, headers=world.ana)
    assert closure.json()["verdict"] == "unmet", closure.text
    report = api.post(
        "/v1/imports?table=teams",
        content="ref,name\nsouth,South\n",
        headers={**world.callers[Role.ADMIN], "Content-Type": "text/csv"},
    )
    assert report.status_code == 200, report.text
    world.ids["import"] = report.json()["id"]
    world.ids |= _what_has_no_route(job)
    world.ids |= _closed(runtime, api, world)
    world.ids["sha256"] = _manifest(api, world)


def _closed(runtime: Runtime, api: CheckedClient, world: World) -> dict[str, str]:
    """Work of Ana's that is proven and closed."""
    job = make_job(runtime, world.organization_id, UUID(world.ids["technician"]))
    submitted = {"id": str(uuid7()), "occurred_at": just_now()}
    closure = api.post(f"/v1/visits/{job.visit_id}/closure", json=submitted, headers=world.ana)
    assert closure.json()["verdict"] == "verified", closure.text
    return {"closed_work_order": str(job.work_order_id), "closed_closure": submitted["id"]}


def _manifest(api: CheckedClient, world: World) -> str:
    """What Ana's phone looks kinds of work up in."""
    changes = api.get("/v1/sync/changes", headers=world.ana).json()["changes"]
    found = {one["id"]: one["data"]["sha256"] for one in changes if one["kind"] == "manifest"}
    return str(found["work_types"])


def _attached(runtime: Runtime, api: CheckedClient, world: World, job: Job) -> str:
    """A picture that was announced, sent and made safe."""
    picture, name = a_picture("gray"), str(uuid7())
    said = {"attachment_id": name, "role": "document", "sha256": sha256_of(picture), "bytes": len(picture)}
    link = api.post(f"/v1/visits/{job.visit_id}/attachments", json={**said, "mime": "image/jpeg"}, headers=world.ana)
    assert link.status_code == 201, link.text
    sent = api.put(f"/v1/attachments/{name}/content", content=picture, headers=world.ana)
    assert sent.status_code == 204, sent.text
    prepare_attachment(runtime, organization_id=str(job.organization_id), attachment_id=name)
    return name


def _what_has_no_route(job: Job) -> dict[str, str]:
    at = clock.now()
    issue = Issue(
        organization_id=job.organization_id,
        severity=Severity.HIGH,
        code="reassigned",
        owner=Owner.DISPATCHER,
        work_order_id=job.work_order_id,
        visit_id=job.visit_id,
        choices=["attach", "new_visit", "discard"],
        report={"action": "arrive", "occurred_at": at.isoformat()},
        effective_at=at,
        recorded_at=at,
    )
    request = PartRequest(
        organization_id=job.organization_id,
        work_order_id=job.work_order_id,
        visit_id=job.visit_id,
        part_number="P-1",
        quantity=Decimal(1),
        effective_at=at,
        recorded_at=at,
    )
    survey = Survey(
        organization_id=job.organization_id,
        work_order_id=job.work_order_id,
        state=SurveyState.SENT,
        created_at=at - timedelta(hours=1),
    )
    job.add(issue, request, survey)
    return {"issue": str(issue.id), "request": str(request.id), "survey": str(survey.id)}
