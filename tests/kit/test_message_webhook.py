"""The operator's own provider, which honors idempotency keys."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest

from app.kit.message_webhook import WebhookSender
from app.kit.messages import Channel, Message, Refused, Sent, TryLater

MESSAGE = Message(UUID(int=1), "survey-1", Channel.SMS, "+49301234567", "How did we do?")


class Provider:
    def __init__(self) -> None:
        self.answer: tuple[int, bytes] = (200, b'{"id": "m-1"}')
        self.seen: dict[str, dict[str, object]] = {}
        self.url = ""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with a_provider() as told:
        yield told


@contextmanager
def a_provider() -> Iterator[Provider]:
    told = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.seen[self.headers["Idempotency-Key"]] = json.loads(body)
            status, content = told.answer
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    told.url = f"http://127.0.0.1:{server.server_port}/messages"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


def test_the_key_names_the_organization_and_the_message(provider: Provider) -> None:
    sender = WebhookSender(provider.url)

    assert sender.send(MESSAGE) == sender.send(MESSAGE) == Sent("m-1")
    [(key, document)] = provider.seen.items()
    assert key == f"{UUID(int=1)}:survey-1"
    assert document["to"] == "+49301234567"


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (204, b"", Sent(f"{UUID(int=1)}:survey-1")),
        (200, b'{"error": "no"}', TryLater("answer-with-error")),
        (200, b"<html>gateway</html>", TryLater("answer-unreadable")),
        (200, b"[]", TryLater("answer-with-error")),
        (200, b"x" * 100_000, TryLater("answer-too-long")),
        (500, b"", TryLater("http-500")),
        (429, b"", TryLater("http-429")),
        (302, b"", TryLater("http-302")),
        (400, b"", Refused("http-400")),
        (422, b"", Refused("http-422")),
        (0, b"", TryLater("RemoteProtocolError")),
    ],
)
def test_what_is_no_clear_answer_is_tried_again_with_the_same_key(
    provider: Provider, status: int, body: bytes, outcome: object
) -> None:
    provider.answer = (status, body)

    assert WebhookSender(provider.url).send(MESSAGE) == outcome
