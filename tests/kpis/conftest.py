"""Records written straight into the tables, so that each test states exactly the history it is about."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import Session

from app.closure.models import ClosureSubmission
from app.domain.roles import Role
from app.identity.models import Organization, Technician
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from app.surveys.models import Survey, SurveyAnswer
from app.visits.models import TimeEntryRow, Visit
from app.work_orders.models import StatusIntervalRow, WorkOrder
from tests.conftest import Cast, CheckedClient, Somebody

MAY = datetime(2026, 5, 4, tzinfo=UTC)


def at(hours: float) -> datetime:
    """So many hours after the midnight (UTC) that begins Monday 4 May 2026."""
    return MAY + timedelta(hours=hours)


class Records:
    """Writes rows of one organization; each method returns the row that it wrote."""

    def __init__(self, runtime: Runtime, organization_id: UUID) -> None:
        self.runtime = runtime
        self.organization_id = organization_id
        self.count = 0
        self.together: Session | None = None

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What is written inside is one transaction."""
        with self.runtime.transaction(self.organization_id) as self.together:
            yield
        self.together = None

    def add(self, row: Any) -> Any:
        if self.together is not None:
            self.together.add(row)
            self.together.flush()
            return row
        with self.at_once():
            return self.add(row)

    def work_order(self, **facts: Any) -> WorkOrder:
        self.count += 1
        given = {
            "number": f"WO-{self.count}",
            "type": "repair",
            "title": "Boiler does not heat",
            "requested_at": at(0),
            "recorded_at": at(0),
            **facts,
        }
        return self.add(WorkOrder(organization_id=self.organization_id, **given))

    def completed(self, hours: float = 12, **facts: Any) -> WorkOrder:
        done = at(hours)
        given = {"first_completed_at": done, "resolved_at": done, "status": "completed", "outcome": "resolved", **facts}
        return self.work_order(**given)

    def visit(self, work_order: WorkOrder, start: float | None = None, end: float | None = None, **facts: Any) -> Visit:
        self.count += 1
        attended = start is not None
        given = {
            "number": self.count,
            "recorded_at": at(0),
            "attended": attended,
            "status": "completed" if end is not None else "on_site" if attended else "scheduled",
            "arrived_at": None if start is None else at(start),
            "started_at": None if start is None else at(start),
            "ended_at": None if end is None else at(end),
            "outcome": "resolved" if end is not None else None,
            **facts,
        }
        return self.add(Visit(organization_id=self.organization_id, work_order_id=work_order.id, **given))

    def time(self, visit: Visit, technician: Technician, start: float, end: float | None, **facts: Any) -> TimeEntryRow:
        given = {"kind": "work", "rate_minor": 6000, "currency": "EUR", **facts}
        return self.add(
            TimeEntryRow(
                organization_id=self.organization_id,
                work_order_id=visit.work_order_id,
                visit_id=visit.id,
                technician_id=technician.id,
                started_at=at(start),
                ended_at=None if end is None else at(end),
                **given,
            )
        )

    def state(
        self, work_order: WorkOrder, status: str, entered: datetime, left: datetime | None = None, **facts: Any
    ) -> None:
        self.count += 1
        self.add(
            StatusIntervalRow(
                organization_id=self.organization_id,
                work_order_id=work_order.id,
                seq=self.count,
                status=status,
                entered_at=entered,
                left_at=left,
                **facts,
            )
        )

    def survey(self, work_order: WorkOrder, **facts: Any) -> Survey:
        given = {"state": "sent", "created_at": at(13), "sent_at": at(13), **facts}
        return self.add(Survey(organization_id=self.organization_id, work_order_id=work_order.id, **given))

    def answer(self, work_order: WorkOrder, score: float | None, **facts: Any) -> SurveyAnswer:
        survey = self.survey(work_order, state="answered", answered_at=at(14), sent_at=facts.pop("sent_at", at(13)))
        given = {"kind": "csat", "question": "csat", "scale_min": 1, "scale_max": 5, "answered_at": at(14), **facts}
        return self.add(
            SurveyAnswer(
                organization_id=self.organization_id,
                survey_id=survey.id,
                work_order_id=work_order.id,
                score=score,
                **given,
            )
        )

    def closure(
        self, visit: Visit, verdict: str, *, happened: float, decided: float | None = None, **facts: Any
    ) -> ClosureSubmission:
        """What was handed in for a visit. `decided`: None while it waits."""
        given = {"body": {}, "body_hash": b"", "policy": {}, "facts": {}, "recorded_at": at(happened), **facts}
        return self.add(
            ClosureSubmission(
                organization_id=self.organization_id,
                work_order_id=visit.work_order_id,
                visit_id=visit.id,
                verdict=verdict,
                occurred_at=at(happened),
                effective_at=at(happened),
                decided_at=None if decided is None else at(decided),
                **given,
            )
        )

    def technician(self, name: str, **facts: Any) -> Technician:
        return self.add(
            Technician(organization_id=self.organization_id, id=uuid7(), name=name, **{"time_zone": "UTC", **facts})
        )


@pytest.fixture
def records(runtime: Runtime, organization: Organization) -> Records:
    return Records(runtime, organization.id)


Ask = Callable[..., Any]


@pytest.fixture
def reader(cast: Cast) -> Somebody:
    """Max, who reads the numbers."""
    return cast("Max", Role.MANAGER)


@pytest.fixture
def ask(api: CheckedClient, reader: Somebody) -> Iterator[Ask]:
    """`ask("csat", group_by="team")`: the answer of a KPI; `from_` stands for `from`."""

    def asked(key: str, **params: Any) -> Any:
        named = {name.rstrip("_"): value for name, value in params.items()}
        response = api.get(f"/v1/kpis/{key}", params={"tz": "UTC", **named}, headers=reader.headers)
        assert response.status_code == 200, response.text
        return response.json()

    return asked


@pytest.fixture
def drill(api: CheckedClient, reader: Somebody) -> Ask:
    """`drill("csat", "numerator")`: every record of a side, over all pages."""

    def drilled(key: str, side: str, **params: Any) -> list[dict[str, Any]]:
        named = {"tz": "UTC", "side": side, "limit": 2, **{n.rstrip("_"): v for n, v in params.items() if n != "pair"}}
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            query = named | ({"cursor": cursor} if cursor else {})
            response = api.get(f"/v1/kpis/{key}/records", params=query, headers=reader.headers)
            assert response.status_code == 200, response.text
            found += response.json()["items"]
            cursor = response.json()["next_cursor"]
            if cursor is None:
                return found

    return drilled
