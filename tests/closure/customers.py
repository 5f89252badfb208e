"""A customer who can be reached, and what they got."""

import re
from typing import Any
from uuid import UUID

from sqlmodel import Session, select
from starlette.testclient import TestClient

from app.kit.outbox import OutboxMessage
from tests.field import Job


def letters_to(db: Session, job: Job) -> list[OutboxMessage]:
    """What left the house for this organization's customers, the oldest first."""
    db.rollback()
    from app.kit.database import enter

    enter(db, job.organization_id)
    query = select(OutboxMessage).where(OutboxMessage.organization_id == job.organization_id)
    return list(db.exec(query.order_by(OutboxMessage.created_at, OutboxMessage.id)).all())  # type: ignore[arg-type]


def digits_in(letter: OutboxMessage) -> str:
    found = re.search(r"(?<![\w-])\d{6}(?!\w)", letter.text)
    assert found, letter.text
    return found[0]


def path_in(letter: OutboxMessage) -> str:
    found = re.search(r"http://testserver(/\S+)", letter.text)
    assert found, letter.text
    return found[1]


def another(digits: str, step: int = 1) -> str:
    """Six digits that are not these."""
    return f"{(int(digits) + step) % 1_000_000:06d}"


class Web:
    """A browser without scripts or cookies: the pages are not part of the API's document."""

    def __init__(self, api: TestClient) -> None:
        self._api = api

    def get(self, path: str, **more: Any) -> Any:
        return TestClient.request(self._api, "GET", path, **more)

    def head(self, path: str) -> Any:
        return TestClient.request(self._api, "HEAD", path)

    def post(self, path: str, form: dict[str, str] | None = None) -> Any:
        return TestClient.request(self._api, "POST", path, data=form or {})


EVERYTHING = "SELECT t::text AS whole FROM {} t WHERE organization_id = %(o)s ORDER BY 1"


def everything_of(db: Session, organization_id: UUID, *tables: str) -> list[Any]:
    """The rows of these tables as text."""
    from app.kit.database import enter, rows

    db.rollback()
    enter(db, organization_id)
    return [
        row["whole"]
        for table in tables
        for row in rows(
            db, f"SELECT t::text AS whole FROM {table} t WHERE organization_id = %(o)s ORDER BY 1", o=organization_id
        )
    ]
