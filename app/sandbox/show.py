"""How to begin with the sandbox: fresh tokens, and the first requests to try."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from rich.console import Console
from sqlmodel import select

from app.identity.models import Person
from app.identity.sessions import token_to_print
from app.kit import clock
from app.kit.database import utc_iso
from app.kit.runtime import Runtime
from app.sandbox.organization import DISPATCHER, NAME, PASSWORD, TECHNICIANS, find_sandbox, make_sandbox

TOKENS_LAST = timedelta(days=30)


def open_sandbox(runtime: Runtime, out: Console, *, as_json: bool) -> None:
    """Make the sandbox when it is not there, and print how to begin: for people, or as one line of JSON."""
    organization_id = find_sandbox(runtime) or make_sandbox(runtime, at=clock.now())
    told = tell(runtime, organization_id)
    if as_json:
        out.print(orjson.dumps(told).decode(), markup=False, highlight=False, soft_wrap=True)
    else:
        _print(told, out)


def tell(runtime: Runtime, organization_id: UUID) -> dict[str, Any]:
    """base_url, clock, password, and name → e-mail and token of everybody."""
    at = clock.now()
    with runtime.transaction(organization_id) as db:
        people = db.exec(select(Person).where(Person.organization_id == organization_id)).all()
        known = {
            one.name: {"email": one.email, "token": token_to_print(db, one, at=clock.now(), lasts=TOKENS_LAST)}
            for one in people
        }
    return {
        "base_url": runtime.settings.base_url,
        "clock": utc_iso(at),
        "password": PASSWORD,
        "people": {name: known[name] for name in (*TECHNICIANS, DISPATCHER)},
    }


def _print(told: dict[str, Any], out: Console) -> None:
    def say(text: str = "") -> None:
        out.print(text, soft_wrap=True, highlight=False)

    base, people = told["base_url"], told["people"]
    say(f"\n[bold]{NAME}[/bold] on {base}, at {told['clock']}. Everybody's password is [bold]{PASSWORD}[/bold]\n")
    say("[bold]Tokens[/bold] (good for 30 days)")
    for name, one in people.items():
        say(f"  {name:<6}{one['email']:<24}{one['token']}")
    say("\n[bold]Begin[/bold] (all of it: docs/offline.md)")
    say(f"  export BASE={base} TOKEN={people['Ana']['token']}")
    say('  curl -s -H "Authorization: Bearer $TOKEN" "$BASE/v1/sync/changes"')
    say('  curl -s -H "Authorization: Bearer $TOKEN" -X POST "$BASE/v1/sandbox/scenario/reassign-while-offline"')
    say('  curl -s -H "Authorization: Bearer $TOKEN" "$BASE/v1/sandbox/expected"\n')
