"""Talking to the public API as somebody, and telling what was said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape

from app.demo.cast import PASSWORD, email_of


class DayFailed(Exception):
    """A step did not do what it should; the message says which and what came instead."""


@dataclass(frozen=True, slots=True)
class Storyteller:
    """Prints the day: headings, what somebody does, the requests behind it, what came of it."""

    out: Console

    def scene(self, title: str) -> None:
        self.out.print(f"\n[bold cyan]{escape(title)}[/bold cyan]", soft_wrap=True)

    def say(self, text: str) -> None:
        self.out.print(f"  {escape(text)}", soft_wrap=True)

    def good(self, text: str) -> None:
        self.out.print(f"  [green]✓[/green] {escape(text)}", soft_wrap=True)

    def asked(self, who: str, method: str, path: str, status: int) -> None:
        self.out.print(f"    [dim]{who:<5} {method:<5} {escape(path)}  {status}[/dim]", soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Somebody:
    """One of the demo's people with their access token."""

    name: str
    http: httpx.Client
    tell: Storyteller
    token: str

    def get(self, path: str, **params: Any) -> Any:
        return self._send("GET", path, expect=200, params=params).json()

    def read(self, path: str) -> str:
        """The type of what is there."""
        return str(self._send("GET", path, expect=200, headers={"Accept": "text/html"}).headers["content-type"])

    def post(self, path: str, body: Any = None, *, expect: int = 201, version: int | None = None) -> Any:
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return self._send("POST", path, expect=expect, json=body, headers=headers).json()

    def upload(self, path: str, fields: Mapping[str, str], file: tuple[str, bytes, str]) -> Any:
        return self._send("POST", path, expect=201, data=fields, files={"file": file}).json()

    def _send(
        self, method: str, path: str, *, expect: int, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Any:
        signed = {"Authorization": f"Bearer {self.token}", **(headers or {})}
        try:
            answer = self.http.request(method, path, headers=signed, **more)
        except httpx.TransportError as trouble:
            raise DayFailed(f"{method} {path}: the server cannot be reached ({trouble})") from None
        self.tell.asked(self.name, method, answer.request.url.raw_path.decode(), answer.status_code)
        if answer.status_code != expect:
            raise DayFailed(f"{method} {path} answered {answer.status_code}, not {expect}: {answer.text[:500]}")
        return answer


def sign_in(http: httpx.Client, name: str, tell: Storyteller) -> Somebody:
    """
    Raises:
        DayFailed: nobody of the demo signs in here.
    """
    form = {"grant_type": "password", "username": email_of(name), "password": PASSWORD}
    try:
        answer = http.post("/oauth/token", data=form)
    except httpx.TransportError as trouble:
        raise DayFailed(f"the server cannot be reached ({trouble})") from None
    tell.asked(name, "POST", "/oauth/token", answer.status_code)
    if answer.status_code != 200:
        raise DayFailed(f"{name} cannot sign in: is this a demo server (`make run`)? {answer.text[:300]}")
    return Somebody(name, http, tell, answer.json()["access_token"])


def check(is_so: bool, otherwise: str) -> None:
    """
    Raises:
        DayFailed: it is not so.
    """
    if not is_so:
        raise DayFailed(otherwise)
