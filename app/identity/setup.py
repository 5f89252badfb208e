"""The one-time link that sets a password: a small page for people, one call for programs. Looking changes nothing."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import Form, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict

from app.identity import people_commands as commands
from app.identity.access import Db, api_router
from app.identity.passwords import MIN_LENGTH, PasswordTooWeak
from app.identity.people_commands import SetupLinkUnusable
from app.identity.people_schemas import Password, SetupIn
from app.kit import clock
from app.kit.pages import page
from app.kit.problems import refuses
from app.kit.runtime import Runtime

router = api_router("", "sign-in")
TEMPLATES = Path(__file__).parent / "templates"
Described = dict[int | str, dict[str, Any]]
USED_UP: Described = {410: {"description": "The link is used up.", "content": {"text/html": {}}}}
ASKED_AGAIN: Described = {422: {"description": "Not taken; the page says why.", "content": {"text/html": {}}}}


class PasswordForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password: Password = ""
    again: Password = ""


def link_of(running: Runtime, token: str) -> str:
    return f"{running.settings.base_url}/setup/{token}"


@router.post("/v1/setup", status_code=204, responses=refuses(SetupLinkUnusable, PasswordTooWeak))
def use_setup_link(given: SetupIn, db: Db) -> Response:
    """Set a password with the token of a setup link, once."""
    commands.use_setup_link(db, given.token, given.password, at=clock.now())
    return Response(status_code=204)


@router.get("/setup/{token}", response_class=HTMLResponse, responses=USED_UP)
def show_setup_page(token: str, db: Db) -> HTMLResponse:
    """The page of a setup link."""
    try:
        person = commands.person_of_link(db, token, at=clock.now())
    except SetupLinkUnusable as refusal:
        return _used_up(refusal)
    return _form(person.name)


@router.post("/setup/{token}", response_class=HTMLResponse, responses={**USED_UP, **ASKED_AGAIN})
def submit_setup_page(token: str, given: Annotated[PasswordForm, Form()], db: Db) -> HTMLResponse:
    """The form of a setup link's page."""
    at = clock.now()
    try:
        name = commands.person_of_link(db, token, at=at).name
        if given.password != given.again:
            return _form(name, trouble="The two are not the same.", status=422)
        commands.use_setup_link(db, token, given.password, at=at)
    except SetupLinkUnusable as refusal:
        return _used_up(refusal)
    except PasswordTooWeak as refusal:
        return _form(name, trouble=refusal.detail, status=422)
    return page(TEMPLATES, "setup_done.html", name=name)


def _form(name: str, *, trouble: str = "", status: int = 200) -> HTMLResponse:
    return page(TEMPLATES, "setup.html", status=status, name=name, trouble=trouble, min_length=MIN_LENGTH)


def _used_up(refusal: SetupLinkUnusable) -> HTMLResponse:
    return page(TEMPLATES, "setup_used.html", status=410, text=refusal.detail)
