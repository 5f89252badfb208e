"""Closed work with everything that a certificate speaks of, and the hands of somebody who should not have them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.certificates import queries
from app.certificates.comparing import Difference
from app.certificates.verifying import Verification, verify
from app.closure.models import ClosureSubmission, ClosureWaiver, CustomerCode, CustomerConfirmation, WaivedBy
from app.customers.models import Asset, Customer, Site
from app.identity.models import Organization
from app.kit import clock
from app.kit.objects import key_of
from app.kit.runtime import Runtime
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, a_picture, just_now, make_job
from tests.sync.phone import Phone

POLICY = {
    "id": "strict",
    "version": 1,
    "review": {"always": True},
    "rules": [
        {"id": "after", "kind": "photo", "params": {"tag": "after"}},
        {"id": "signed", "kind": "signature", "params": {"role": "customer"}},
    ],
}
CHECKLIST = [{"id": "gas", "label": "Gas checked", "kind": "yes_no"}]


@dataclass
class Work:
    """Work of Ana's that is submitted as proof; `close` lets Sam approve it, which closes it."""

    api: CheckedClient
    runtime: Runtime
    job: Job
    ana: Somebody
    sam: Somebody

    @property
    def id(self) -> UUID:
        return self.job.work_order_id

    def send(self, path: str, body: Any, *, by: Somebody, status: int = 201, **more: Any) -> Any:
        answer = self.api.post(path, json=body, headers={**by.headers, **more})
        assert answer.status_code == status, answer.text
        return answer.json()

    def get(self, path: str, *, by: Somebody | None = None) -> Any:
        answer = self.api.get(path, headers=(by or self.sam).headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def prove(self) -> str:
        """A photo, a signature with a name, and the submission that speaks of them; its id."""
        for kind, tag, color in (("photo", "after", "green"), ("signature", "customer", "black")):
            answer = self.api.post(
                f"/v1/visits/{self.job.visit_id}/evidence",
                data={"id": str(uuid4()), "kind": kind, "tag": tag, "signer_name": "Cleo Customer", "lat": 1, "lng": 2},
                files={"file": ("a.jpg", a_picture(color), "image/jpeg")},
                headers=self.ana.headers,
            )
            assert answer.status_code == 201, answer.text
        return self.submit()

    def submit(self) -> str:
        body = {
            "id": str(uuid4()),
            "occurred_at": just_now(),
            "resolution_code": "replaced",
            "answers": {"gas": True},
            "refused_signatures": [{"role": "witness", "reason": "in a hurry"}],
        }
        said = self.send(f"/v1/visits/{self.job.visit_id}/closure", body, by=self.ana)
        assert said["verdict"] == "pending_review", said
        return str(said["id"])

    def act(self, noun: str, body: Any, *, status: int = 200) -> Any:
        version = self.get(f"/v1/work-orders/{self.id}")["version"]
        path = f"/v1/work-orders/{self.id}/{noun}"
        return self.send(path, body, by=self.sam, status=status, **{"If-Match": f'"{version}"'})

    def close(self) -> dict[str, Any]:
        """The certificate of the closing."""
        self.act("reviews", {"decision": "approve"}, status=201)
        return self.certificate()

    def certificate(self) -> dict[str, Any]:
        return dict(self.get(f"/v1/work-orders/{self.id}/certificate"))

    def verify(self, revision: int | None = None) -> Verification:
        with self.runtime.transaction(self.job.organization_id) as db:
            link = queries.certificate_of(db, self.job.organization_id, self.id, revision=revision)
            assert link is not None
            return verify(db, link)

    def differences(self, revision: int | None = None) -> list[Difference]:
        return self.verify(revision).differences

    def parts(self) -> set[str]:
        """Where something is not as it was sealed."""
        return {one.part for one in self.differences()}


def a_place(runtime: Runtime, organization_id: UUID) -> dict[str, UUID]:
    """Cleo's boiler: the customer, the site and the asset."""
    with runtime.transaction(organization_id) as db:
        customer = Customer(organization_id=organization_id, number="C-9", name="Cleo & Co")
        db.add(customer)
        db.flush()
        site = Site(organization_id=organization_id, customer_id=customer.id, name="Bakery", latitude=1, longitude=2)
        db.add(site)
        db.flush()
        asset = Asset(organization_id=organization_id, site_id=site.id, name="Boiler", model="B-100", serial="SN1")
        db.add(asset)
        return {"customer_id": customer.id, "site_id": site.id, "asset_id": asset.id}


@pytest.fixture
def work(
    api: CheckedClient, runtime: Runtime, organization: Organization, ana: Somebody, sam: Somebody, ada: Somebody
) -> Work:
    """A job with a checklist that Ana answered on site, a used part, a waiver and the customer's code."""
    assert ana.technician is not None
    place = a_place(runtime, organization.id)
    job = make_job(
        runtime, organization.id, ana.technician.id, status="on_site", policy=POLICY, checklist=CHECKLIST, **place
    )
    made = Work(api, runtime, job, ana, sam)
    made.send("/v1/parts", {"number": "P-1", "name": "Pump", "unit_cost_minor": 4500, "currency": "EUR"}, by=ada)
    started = {"id": str(uuid4()), "action": "start", "occurred_at": just_now()}
    made.send(f"/v1/visits/{job.visit_id}/status-updates", started, by=ana)
    phone = Phone(api, ana).register()
    assert phone.do("task.set", job.visit_id, task_id="gas", done=True, value=True)["status"] == "applied"
    used = {"id": str(uuid4()), "part_number": "P-1", "quantity": 1, "serials": ["S1"], "occurred_at": just_now()}
    made.send(f"/v1/visits/{job.visit_id}/parts", used, by=ana)
    job.add(
        CustomerCode(
            **row_of(job),
            channel="sms",
            token_hash=uuid4().bytes,
            salt=b"s",
            hash=b"h",
            expires_at=clock.now() + timedelta(days=7),
            used_at=clock.now(),
            checked="online",
            created_at=clock.now(),
        ),
        ClosureWaiver(
            **row_of(job), rule_id="codes", role=WaivedBy.SUPERVISOR, reason="by phone", granted_at=clock.now()
        ),
    )
    return made


def row_of(job: Job) -> dict[str, UUID]:
    return {"organization_id": job.organization_id, "work_order_id": job.work_order_id, "visit_id": job.visit_id}


@pytest.fixture
def proven(work: Work) -> Work:
    """Submitted; the review was overdue once, and the customer was asked and said yes."""
    submission_id = UUID(work.prove())
    with work.runtime.transaction(work.job.organization_id) as db:
        db.get_one(ClosureSubmission, (work.job.organization_id, submission_id)).escalated_at = clock.now()
    asked = CustomerConfirmation(
        **row_of(work.job),
        submission_id=submission_id,
        token_hash=uuid4().bytes,
        asked_at=clock.now(),
        due_at=clock.now() + timedelta(hours=48),
        answer="yes",
        comment="thanks",
        answered_at=clock.now(),
    )
    work.job.add(asked)
    return work


@pytest.fixture
def closed(proven: Work) -> Work:
    proven.close()
    return proven


class Intruder:
    """Somebody who is superuser of the database and has the disk: no trigger, wall or reference stops them."""

    def __init__(self, dsn: str, files: Path) -> None:
        self.dsn, self.files = dsn, files

    @contextmanager
    def inside(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.dsn) as connection:
            connection.execute("SET session_replication_role = replica")
            yield connection

    def run(self, statement: str, *values: Any) -> list[Any]:
        with self.inside() as connection:
            done = connection.execute(statement.encode(), values)
            return done.fetchall() if done.description else []

    def file(self, organization_id: UUID, sha256: str) -> Path:
        return self.files / key_of(organization_id, sha256)


@pytest.fixture
def intruder(dsn: str, runtime: Runtime) -> Intruder:
    return Intruder(dsn, runtime.settings.data_dir.absolute() / "files")
