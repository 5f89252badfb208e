"""The outbox for developers: messages that would have gone out, while no provider is set.

They hold survey links, which no member of staff may read, so no role opens this page. Only the machine itself does:
a connection from loopback, to a loopback name, through no proxy, in a program whose own address is loopback too.
Everybody else is told that there is no such page.
"""

import ipaddress
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from app.identity.access import Db, Operation, Running
from app.identity.queries import organization_ids
from app.kit.database import enter, utc_iso
from app.kit.messages import Channel
from app.kit.outbox import OutboxMessage, latest_messages, message_of
from app.kit.pages import MAIL_POLICY, page, page_headers
from app.kit.problems import NotFound
from app.kit.runtime import Runtime
from app.kit.sms import segments
from app.surveys.compose import TEMPLATES

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def outbox_is_open(request: Request, runtime: Runtime) -> bool:
    """Whether this request comes from the developer's own machine; a proxy on it would make everybody seem so."""
    named = request.url.hostname or ""
    return (
        runtime.senders.outbox_in_use
        and _is_loopback(urlsplit(runtime.settings.base_url).hostname or "")
        and request.client is not None
        and _is_loopback(request.client.host)
        and _is_loopback(named)
        and not any(name in request.headers for name in _FORWARDED)
    )


async def _developer(request: Request, running: Running) -> None:
    if not outbox_is_open(request, running):
        raise NotFound("There is no such page.")


router = APIRouter(
    prefix="/outbox",
    route_class=Operation,
    include_in_schema=False,
    dependencies=[Depends(_developer)],
)


async def _all_messages(db: Db, o: UUID | None = None) -> list[OutboxMessage]:
    """Of every organization on this machine (or of `o` alone), newest first."""
    found: list[OutboxMessage] = []
    for organization_id in [o] if o else organization_ids(db):
        enter(db, organization_id)
        found += latest_messages(db, organization_id)
    return sorted(found, key=lambda message: message.created_at, reverse=True)[:100]


Messages = Annotated[list[OutboxMessage], Depends(_all_messages)]


@router.get("")
def show_outbox(messages: Messages) -> HTMLResponse:
    return page(TEMPLATES, "outbox.html", messages=messages)


@router.get(".json")
def list_outbox(messages: Messages) -> list[dict[str, Any]]:
    """The same for scripts: newest first."""
    return [{**message.model_dump(), "created_at": utc_iso(message.created_at)} for message in messages]


@router.get("/{message_id}")
def show_outbox_message(message_id: UUID, o: UUID, db: Db) -> HTMLResponse:
    enter(db, o)
    message = message_of(db, o, message_id)
    count = segments(message.text) if message.channel == Channel.SMS else 0
    return page(TEMPLATES, "outbox_message.html", message=message, segments=count)


@router.get("/{message_id}/html")
def show_outbox_mail(message_id: UUID, o: UUID, db: Db) -> HTMLResponse:
    """The mail as its reader sees it, alone under a policy that lets nothing run."""
    enter(db, o)
    return HTMLResponse(message_of(db, o, message_id).html, headers=page_headers(MAIL_POLICY))
