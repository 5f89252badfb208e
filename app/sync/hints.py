"""`/v1/sync/hints`: a stream that says where the feed stands, and says so again whenever it moves.

The route itself is an operation like the others and is over at once; the stream then lives outside of seats and
sessions. It takes both for a moment each minute, to see whether its caller may still hear it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated
from uuid import UUID

import psycopg
import sqlalchemy as sa
from fastapi import Depends, Query, Request
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from app.identity.access import Caller, Db, Me, enter_request, seat
from app.kit.database import rows
from app.kit.problems import NotAllowed, NotSignedIn, Unavailable, refuses
from app.kit.runtime import Runtime
from app.sync.door import DeviceRevoked, NoTechnician, sync_router
from app.sync.news import News

PING_SECONDS = 15.0
LOOK_SECONDS = 60.0
LONGEST_SECONDS = 3600
PING = ": still here\n\n"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
EXAMPLE = "event: head\ndata: 4822\n\n: still here\n\nevent: head\ndata: 4823\n\n"

router = sync_router("/v1/sync", "sync")


class EventStream(StreamingResponse):
    media_type = "text/event-stream"


#: From a position of the feed to the event that says it.
Tell = Callable[[int], str]


async def _news(request: Request) -> News:
    news: News = request.app.state.news
    return news


Waiting = Annotated[News, Depends(_news)]
Seconds = Annotated[
    int, Query(ge=0, le=LONGEST_SECONDS, description="When the stream ends, at the latest; 0: at once.")
]


@router.get(
    "/hints",
    response_class=EventStream,
    responses={
        200: {
            "description": "Server-sent events. `head` carries the newest position of the feed: pull when it is new.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
        },
        **refuses(DeviceRevoked, NoTechnician, Unavailable),
    },
)
def stream_hints(request: Request, me: Me, db: Db, news: Waiting, seconds: Seconds = LONGEST_SECONDS) -> EventStream:
    """Hear when there is something to pull. A hint carries no data, and losing one costs time only: keep polling
    every `poll_after_s`. The stream starts with where the feed stands and ends with the access token."""
    return stream_to(request, me, db, news, seconds, tell=_event)


def stream_to(request: Request, me: Caller, db: Session, news: News, seconds: int, *, tell: Tell) -> EventStream:
    """A stream that tells where the caller's feed stands, now and whenever it moves.

    Raises:
        Unavailable: too many are waiting already.
    """
    if news.is_full:
        raise Unavailable("Too many are waiting for news: poll instead.", retry_after_seconds=60)
    assert me.technician_id is not None, "who has none is turned away at the door"
    key = me.organization_id, me.technician_id
    return EventStream(_hints(request, news, key, head_of(db, *key), seconds, tell), headers=HEADERS)


def head_of(db: Session, organization_id: UUID, technician_id: UUID) -> int:
    """The newest position of the technician's feed; 0 before there is one."""
    found = rows(
        db,
        "SELECT head FROM feeds WHERE organization_id = %(o)s AND id = %(t)s",
        o=organization_id,
        t=technician_id,
    )
    return found[0]["head"] if found else 0


async def _hints(
    request: Request, news: News, key: tuple[UUID, UUID], head: int, seconds: int, tell: Tell
) -> AsyncIterator[str]:
    now = asyncio.get_running_loop().time
    over_at, look_at = now() + seconds, now() + LOOK_SECONDS
    with news.follow(*key) as follower:
        yield tell(head)
        while not follower.ended and (left := over_at - now()) > 0:
            stirred = await follower.news(head, min(PING_SECONDS, left))
            newest = max(head, follower.head)
            if now() >= look_at or (stirred and newest == head):
                look_at = now() + LOOK_SECONDS
                try:
                    newest = await _look(request, news, key, or_else=newest)
                except (NotSignedIn, NotAllowed):
                    return
            yield PING if newest == head else tell(newest)
            head = newest


def _event(head: int) -> str:
    return f"event: head\ndata: {head}\n\n"


async def _look(request: Request, news: News, key: tuple[UUID, UUID], *, or_else: int) -> int:
    """Where the feed stands, when its caller may still hear it; `or_else` while the database cannot tell.

    Raises:
        NotSignedIn: the token has expired, or its session or device was revoked.
        NotAllowed: the caller's role is another one now.
    """

    def look() -> int:
        runtime: Runtime = request.app.state.runtime
        with runtime.session() as db:
            enter_request(db, request, stream_hints.__name__, public=False)
            return head_of(db, *key)

    try:
        async with news.few_at_once, seat(request.app.state.seats):
            return await run_in_threadpool(look)
    except (Unavailable, sa.exc.SQLAlchemyError, psycopg.Error):
        return or_else
