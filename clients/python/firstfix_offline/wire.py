"""One request and its answer: who asks, how long to wait, and whether it was our server that answered."""

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

Json = dict[str, Any]


class NoNetwork(Exception):
    """Nobody answered, or somebody else did: a captive portal, a proxy, half an answer."""


class Refused(Exception):
    """The server itself said no."""

    def __init__(self, status: int, problem: Json | None = None, retry_after_s: float = 0) -> None:
        self.status = status
        self.problem = problem or {}
        self.retry_after_s = retry_after_s
        super().__init__(f"{status} {self.problem.get('code', '')} {self.problem.get('detail', '')}".strip())

    @property
    def code(self) -> str | None:
        return self.problem.get("code")


class Transport(Protocol):
    """The way to the server. A simulation puts its own in: one that loses, repeats and delays."""

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and the unpacked body.

        Raises:
            NoNetwork: (or an `OSError`) there is no answer.
        """


class HttpxTransport:
    """The real way; `client` is any that has httpx's `request`, such as a test client."""

    def __init__(self, base_url: str, client: Any = None, timeout_s: float = 60) -> None:
        self._base_url = base_url
        self._client = client or httpx.Client(timeout=timeout_s, trust_env=False)

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        try:
            response = self._client.request(method, self._base_url + path, headers=dict(headers), content=body)
        except httpx.HTTPError as error:
            raise NoNetwork(str(error)) from error
        return response.status_code, response.headers, response.content

    def lines(self, path: str, headers: Mapping[str, str]) -> Iterator[str]:
        """A stream of the server's, line by line, until it ends."""
        patience = httpx.Timeout(60, read=120)
        try:
            with self._client.stream("GET", self._base_url + path, headers=dict(headers), timeout=patience) as response:
                if response.status_code == 200 and "sync-protocol" in response.headers:
                    yield from response.iter_lines()
        except httpx.HTTPError as error:
            raise NoNetwork(str(error)) from error

    def close(self) -> None:
        self._client.close()


@dataclass(frozen=True, slots=True)
class Answer:
    """Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


WORTH_PACKING = 512
HOST = re.compile(r"^[a-z]+://[^/]+", re.IGNORECASE)


class Wire:
    """Requests with the device's token; a new one is asked for once when it has expired."""

    def __init__(self, transport: Transport, token: Callable[[], str], refresh: Callable[[], object]) -> None:
        self._transport = transport
        self._token = token
        self._refresh = refresh

    def json(self, method: str, path: str, payload: Any = None) -> Any:
        """The answer's JSON; None for 204.

        Raises:
            NoNetwork: there is no answer of the server's.
            Refused: there is one, and it is no.
        """
        headers, body = ({}, None) if payload is None else _packed(json.dumps(payload).encode())
        answer = self.request(method, path, headers, body)
        if answer.status == 204:
            return None
        try:
            return json.loads(answer.body)
        except ValueError:
            raise NoNetwork("half an answer") from None

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """An answer of 200 to 299 of our own server.

        Raises:
            NoNetwork: there is no answer of the server's.
            Refused: there is one, and it is no.
        """
        answer = self._attempt(method, path, headers or {}, body)
        if answer.status == 401:
            _signed_in(self._refresh)
            answer = self._attempt(method, path, headers or {}, body)
        if answer.status >= 400:
            raise Refused(answer.status, _problem(answer.body), _seconds(answer.headers))
        return answer

    def lines(self, path: str, headers: Mapping[str, str]) -> Iterator[str]:
        """A stream of the server's; empty where the transport has none."""
        open_stream = getattr(self._transport, "lines", None)
        return iter(()) if open_stream is None else open_stream(path, {**headers, **self._authorization()})

    @staticmethod
    def path(address: str) -> str:
        """An address that the server gave, as a path of ours: the token goes nowhere else."""
        return HOST.sub("", address)

    def _attempt(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        sent = {**headers, **self._authorization(), "Accept-Encoding": "gzip"}
        try:
            status, raw, content = self._transport.send(method, path, sent, body)
        except OSError as error:
            raise NoNetwork(str(error)) from error
        answer = Answer(status, {name.lower(): value for name, value in raw.items()}, content)
        if "sync-protocol" not in answer.headers or not (200 <= status < 300 or status >= 400):
            raise NoNetwork(f"{status} of somebody else")
        return answer

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {_signed_in(self._token)}"}


def _signed_in(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except NoNetwork:
        raise
    except Exception as error:
        raise Refused(401, {"code": "signed_out", "detail": str(error)}) from error


def _problem(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(headers: Mapping[str, str]) -> float:
    said = headers.get("retry-after", "")
    return float(said) if said.isdigit() else 0


def _packed(body: bytes) -> tuple[dict[str, str], bytes]:
    headers = {"Content-Type": "application/json"}
    if len(body) < WORTH_PACKING:
        return headers, body
    return {**headers, "Content-Encoding": "gzip"}, gzip.compress(body, 6)
