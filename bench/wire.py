"""One HTTP request over a socket as a phone sends it, and how many bytes went which way."""

import gzip
import json
import socket
from dataclasses import dataclass
from typing import Any
from uuid import UUID

HOST = "api.firstfix.example"
WORTH_PACKING = 512


@dataclass(frozen=True)
class Exchange:
    """Bytes on the wire, without those of TCP and TLS; `answer` is the unpacked JSON, None without a body."""

    status: int
    head_up: int
    body_up: int
    head_down: int
    body_down: int
    answer: Any

    @property
    def total(self) -> int:
        return self.head_up + self.body_up + self.head_down + self.body_down


def exchange(port: int, token: str, method: str, path: str, payload: Any = None) -> Exchange:
    """Bodies are packed as the reference clients pack them."""
    body = b"" if payload is None else json.dumps(payload, separators=(",", ":")).encode()
    headers = {"Host": HOST, "Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
    if body:
        headers["Content-Type"] = "application/json"
        if len(body) >= WORTH_PACKING:
            body, headers["Content-Encoding"] = gzip.compress(body, 6, mtime=0), "gzip"
        headers["Content-Length"] = str(len(body))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    head = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head + body)
        got_head, got_body = _read(connection)
    given = _headers(got_head)
    plain = gzip.decompress(got_body) if given.get("content-encoding") == "gzip" else got_body
    status = int(got_head.split(b" ", 2)[1])
    answer = json.loads(plain) if plain else None
    return Exchange(status, len(head), len(body), len(got_head), len(got_body), answer)


def _read(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head, with the empty line that ends it, and the body as it came."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += _more(connection)
    end = got.index(b"\r\n\r\n") + 4
    head, body = got[:end], got[end:]
    length = int(_headers(head).get("content-length", "0"))
    while len(body) < length:
        body += _more(connection)
    return head, body


def _more(connection: socket.socket) -> bytes:
    got = connection.recv(65_536)
    if not got:
        raise ConnectionError("the server hung up")
    return got


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if line)
    return {name.lower(): value for name, value in pairs}


def packed(value: Any) -> int:
    """How many bytes this is, packed by itself."""
    return len(gzip.compress(json.dumps(value, separators=(",", ":"), default=str).encode(), 5, mtime=0))


def text_of(value: UUID | None) -> str | None:
    return str(value) if value is not None else None
