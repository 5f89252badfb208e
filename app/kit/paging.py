"""Lists page by page: a signed cursor that holds where the last page ended, and no totals."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from fastapi import Query
from itsdangerous import BadSignature
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from app.kit.problems import BadRequest
from app.kit.runtime import runtime_of


class CursorUnreadable(BadRequest):
    code = "cursor-unreadable"


class PageQuery(BaseModel):
    """`limit` and `cursor` of every list; a list's own filters are further fields of a subclass."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=200)
    cursor: str | None = Field(default=None, max_length=300)


Paging = Annotated[PageQuery, Query()]


def read_cursor(db: Session, cursor: str | None, purpose: str) -> Any:
    """Where the last page ended, or None for the first page.

    Raises:
        CursorUnreadable: it was not made here for this list.
    """
    if cursor is None:
        return None
    try:
        return runtime_of(db).signer(f"cursor:{purpose}").loads(cursor)
    except BadSignature:
        raise CursorUnreadable("This cursor was not made for this list.") from None


def make_cursor(db: Session, purpose: str, position: Any) -> str:
    return str(runtime_of(db).signer(f"cursor:{purpose}").dumps(position))


def page_by_id(db: Session, query: Any, key: Any, page: PageQuery, purpose: str) -> tuple[Sequence[Any], str | None]:
    """The rows of one page in the order of their ids, newest first, and the cursor of the next page."""
    after = read_cursor(db, page.cursor, purpose)
    if after is not None:
        query = query.where(key < UUID(after))
    found = db.exec(query.order_by(sa.desc(key)).limit(page.limit + 1)).all()
    items = found[: page.limit]
    more = len(found) > page.limit
    return items, make_cursor(db, purpose, str(items[-1].id)) if more else None
