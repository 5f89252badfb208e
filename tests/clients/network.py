"""The world between a device and the server: a port that passes requests on, loses them, or answers in their stead."""

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx

MARKER = {"Sync-Protocol": "1"}


@dataclass(frozen=True)
class Request:
    """What a device sent; header names are in lower case, the body is unpacked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def operations(self) -> list[dict[str, Any]]:
        return list(self.json["operations"]) if self.method == "POST" and self.path == "/v1/sync" else []


@dataclass(frozen=True)
class Answer:
    """What comes back. `lost`: the connection breaks; `cut`: after so many bytes of the body; `stream`: bit by bit."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    lost: bool = False
    cut: int | None = None
    stream: Iterator[bytes] | None = None


#: Headers that are about one connection, not about what is said.
OF_ONE_HOP = {
    "host", "content-length", "content-encoding", "connection", "accept-encoding", "transfer-encoding",
}  # fmt: skip
LOST = Answer(lost=True)
Behaviour = Callable[[Request], Answer]


def ours(status: int, document: Any = None, **headers: str) -> Answer:
    """An answer of the server's own, with its marker."""
    body = b"" if document is None else json.dumps(document).encode()
    return Answer(status, {**MARKER, "Content-Type": "application/json", **headers}, body)


def problem(status: int, code: str, **facts: Any) -> Answer:
    return ours(status, {"code": code, **facts})


def stranger(status: int, body: bytes = b"<html>Please sign in to the hotel", **headers: str) -> Answer:
    """An answer of somebody else: a captive portal, a proxy."""
    return Answer(status, {"Content-Type": "text/html", **headers}, body)


class Network:
    """Behaves as `behaviour` says, and remembers what was sent. Another behaviour breaks off the open streams."""

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self._way: httpx.Client | None = None
        self._streams: set[httpx.Response] = set()
        self._behaviour: Behaviour = lambda _request: LOST
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.behaviour = lambda _request: LOST
        self._server.shutdown()
        self._server.server_close()
        if self._way is not None:
            self._way.close()

    @property
    def behaviour(self) -> Behaviour:
        return self._behaviour

    @behaviour.setter
    def behaviour(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        for stream in list(self._streams):
            stream.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def lead_to(self, url: str) -> None:
        """Hand every request to the real server and its answer back."""
        way = self._way = httpx.Client(base_url=url, timeout=60, trust_env=False)

        def pass_on(request: Request) -> Answer:
            headers = {name: value for name, value in request.headers.items() if name not in OF_ONE_HOP}
            asked = way.build_request(request.method, request.path, headers=headers, content=request.body)
            try:
                got = way.send(asked, stream=True)
            except httpx.HTTPError:
                return LOST
            back = {name: value for name, value in got.headers.items() if name not in OF_ONE_HOP}
            if "event-stream" in back.get("content-type", ""):
                return Answer(got.status_code, back, stream=self._passing(got))
            return Answer(got.status_code, back, got.read())

        self.behaviour = pass_on

    def _passing(self, got: httpx.Response) -> Iterator[bytes]:
        self._streams.add(got)
        with suppress(httpx.HTTPError):
            yield from got.iter_bytes()
        self._streams.discard(got)
        with suppress(httpx.HTTPError):
            got.close()

    @property
    def paths(self) -> list[str]:
        return [f"{one.method} {one.path.partition('?')[0]}" for one in self.seen]

    def _handler(network) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's below
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                network.seen.append(request)
                self.give(network.behaviour(request))

            def give(self, answer: Answer) -> None:
                self.close_connection = answer.lost or answer.cut is not None or answer.stream is not None
                if answer.lost:
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                has_body = answer.status not in (204, 304) and self.command != "HEAD"
                if has_body and answer.stream is None:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                with suppress(OSError):
                    for part in answer.stream or ():
                        self.wfile.write(part)
                    if has_body:
                        self.wfile.write(answer.body[: answer.cut])

            do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: object) -> None: ...

        return Handler


def accepting(request: Request) -> Answer:
    """A server that has nothing new and takes everything."""
    if request.path == "/v1/sync":
        results = [{"op_id": op["op_id"], "status": "applied"} for op in request.operations]
        return ours(200, {"results": results, "changes": [], "cursor": "c", "has_more": False})
    return ours(204)
