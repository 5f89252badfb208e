from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from app.identity.models import Organization
from app.kit.runtime import Runtime
from tests.conftest import Somebody
from tests.field import Job, make_job
from tests.surveys.conftest import cleo, with_settings
from tests.visits.conftest import send

__all__ = ["cleo", "job", "new_job", "send", "statements", "with_settings"]


@pytest.fixture
def job(runtime: Runtime, organization: Organization, ana: Somebody) -> Job:
    """Ana is at work."""
    assert ana.technician is not None
    return make_job(runtime, organization.id, ana.technician.id)


@pytest.fixture
def new_job(runtime: Runtime, organization: Organization, ana: Somebody) -> Callable[..., Job]:
    """Makes a job of Ana's: `new_job(status="dispatched")`."""

    def make(**more: Any) -> Job:
        assert ana.technician is not None
        return make_job(runtime, organization.id, ana.technician.id, **more)

    return make


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The statements that the driver has sent since the list was last cleared."""
    seen: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(cursor: Any, query: Any, *args: Any, **more: Any) -> Any:
        seen.append(" ".join(str(query).split())[:160])
        return execute(cursor, query, *args, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)
    return lambda: seen
