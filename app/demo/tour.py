"""How to look around in the demo: fresh tokens, addresses, and three requests to start with."""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi.routing import APIRoute
from rich.console import Console
from sqlmodel import Session, col, select

from app import system, wiring
from app.demo.cast import ORGANIZATION, PASSWORD, TIME_ZONE
from app.domain.roles import Role
from app.identity.models import Person
from app.identity.sessions import token_to_print
from app.kit import clock
from app.kit.runtime import Runtime
from app.kit.tokens import SURVEY, derive
from app.surveys.models import Survey, SurveyState

TOKENS_LAST = timedelta(hours=24)
SHOWN = ("Ana", "Ben", "Dana", "Sam", "Max", "Fay", "Ada", "Pia", "Tom")


def print_tour(runtime: Runtime, organization_id: UUID, out: Console) -> None:
    """Print it; no line is wrapped, so that each can be copied."""
    at = clock.now()
    with runtime.transaction(organization_id) as db:
        people = {
            one.name.split()[0]: one for one in db.exec(select(Person).where(Person.organization_id == organization_id))
        }
        tokens = {name: token_to_print(db, people[name], at=at, lasts=TOKENS_LAST) for name in SHOWN}
        survey = open_survey(db, organization_id, at=at)
    base = runtime.settings.base_url

    def say(text: str = "") -> None:
        out.print(text, soft_wrap=True, markup=True, highlight=False)

    say(f"\n[bold]{ORGANIZATION}[/bold], made up to look around in. Everybody's password is [bold]{PASSWORD}[/bold]\n")
    if runtime.settings.host not in ("127.0.0.1", "localhost", "::1"):
        say("[red]Others can reach this address, and the password is in the source: keep nothing real here.[/red]\n")
    say("[bold]Tokens[/bold] (good for 24 hours)")
    for name in SHOWN:
        roles = ", ".join(Role(role).value for role in people[name].roles)
        say(f"  {name:<5}{roles:<19}{people[name].email:<25}{tokens[name]}")
    say("\n[bold]Open[/bold]")
    for title, path in addresses(runtime):
        say(f"  {title:<9}{base}{path}")
    if survey is not None:
        say(f"  {'Survey':<9}{base}/s/{derive(SURVEY, organization_id, runtime.secret, survey)}")
    say("\n[bold]Try[/bold]")
    today = at.astimezone(ZoneInfo(TIME_ZONE)).date()
    for comment, name, path in (
        ("Ana's jobs", "Ana", "/v1/me/jobs"),
        (
            "how often the first trip was enough",
            "Max",
            f"/v1/kpis/first_time_fix_rate?from={today - timedelta(days=90)}&to={today}",
        ),
        ("work that is under way", "Dana", "/v1/work-orders?status=in_progress"),
    ):
        say(f"  [dim]# {comment}[/dim]")
        say(f"  curl -s -H 'Authorization: Bearer {tokens[name]}' '{base}{path}'")
    say("\n  [dim]# a whole day, step by step, in another terminal[/dim]\n  make demo\n")


def addresses(runtime: Runtime) -> list[tuple[str, str]]:
    """Title and path of what a browser can open."""
    routes = [route for router in (*wiring.ROUTERS, system.router) for route in router.routes]
    known = {route.path for route in routes if isinstance(route, APIRoute)}
    pages = [("API", "/docs"), ("API", "/openapi.json"), ("Outbox", "/outbox"), ("Health", "/readyz")]
    if not runtime.senders.outbox_in_use:
        pages.remove(("Outbox", "/outbox"))
    return [(title, path) for title, path in pages if path in known]


def open_survey(db: Session, organization_id: UUID, *, at: datetime) -> UUID | None:
    """The youngest invitation of the demo's past that can still be answered."""
    return db.exec(
        select(Survey.id)
        .where(
            Survey.organization_id == organization_id,
            col(Survey.state).in_([SurveyState.SENT, SurveyState.DELIVERED]),
            col(Survey.expires_at) > at,
        )
        .order_by(col(Survey.created_at).desc())
        .limit(1)
    ).first()
