"""After each test of the offline contract: no feed of its organization says anything but what it should."""

from collections.abc import Iterator

import pytest
from sqlmodel import Session

from app.identity.models import Organization
from app.kit import clock
from app.kit.database import rows
from app.kit.runtime import Runtime
from app.sync.building import bring_up_to_date
from app.sync.manifests import publish_manifests


def drift_of(runtime: Runtime, organization: Organization) -> dict[str, int]:
    """Technician → how many entries of the feed are not what they should be; none when all is well."""
    publish_manifests(runtime, str(organization.id))
    with runtime.transaction(organization.id) as db:
        found = rows(db, "SELECT id FROM feeds WHERE organization_id = %(o)s", o=organization.id)
        drifts = {str(one["id"]): _drift(db, organization, one["id"]) for one in found}
    return {technician: drift for technician, drift in drifts.items() if drift}


def _drift(db: Session, organization: Organization, technician_id: object) -> int:
    return bring_up_to_date(db, organization.id, [technician_id], at=clock.now(), store=False)  # type: ignore[list-item]


@pytest.fixture(autouse=True)
def no_drift(request: pytest.FixtureRequest) -> Iterator[None]:
    """I30, in every test that has an organization; `may_drift` is for those that make one drift."""
    wanted = "organization" in request.fixturenames and "may_drift" not in request.fixturenames
    runtime, organization = (
        (request.getfixturevalue("runtime"), request.getfixturevalue("organization")) if wanted else (None, None)
    )
    yield
    if runtime is not None:
        assert drift_of(runtime, organization) == {}, "the feeds have drifted (I30)"


@pytest.fixture
def may_drift() -> None:
    """This test writes behind the program's back."""
