"""A stand-in for Twilio's message resource on a real socket: checks requests as Twilio does, and signs its reports."""

import base64
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode

import httpx
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

E164 = re.compile(r"\+[1-9]\d{6,14}")
ACCOUNT, TOKEN = "AC" + "0" * 32, "a-token-of-twilio"


@dataclass
class Twilio:
    """What it accepted so far. `illness` is what is wrong with it: see `_answer`."""

    url: str = ""
    illness: str = ""
    accepted: list[dict[str, str]] = field(default_factory=list)
    requests: int = 0

    def report(self, client: httpx.Client, message: dict[str, str], status: str, **more: str) -> httpx.Response:
        """Post the status callback of an accepted message, signed."""
        fields = {
            "MessageSid": message["sid"],
            "SmsSid": message["sid"],
            "MessageStatus": status,
            "SmsStatus": status,
            "AccountSid": ACCOUNT,
            "From": message.get("From", ""),
            "To": message["To"],
            "ApiVersion": "2010-04-01",
            **more,
        }
        url = message["StatusCallback"]
        signed = RequestValidator(TOKEN).compute_signature(url, fields)
        return client.post(
            httpx.URL(url).raw_path.decode(),
            content=urlencode(fields),
            headers={"X-Twilio-Signature": signed, "Content-Type": "application/x-www-form-urlencoded"},
        )


def _answer(twilio: Twilio, path: str, authorization: str, fields: dict[str, str]) -> tuple[int, dict[str, object]]:
    expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    if authorization != expected:
        return 401, {"code": 20003, "message": "Authenticate", "status": 401}
    if path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
        return 404, {"code": 20404, "message": "The requested resource was not found", "status": 404}
    if unknown := set(fields) - {"To", "From", "MessagingServiceSid", "Body", "StatusCallback"}:
        return 400, {"code": 20001, "message": f"unknown {unknown}", "status": 400}
    if not E164.fullmatch(fields.get("To", "")):
        return 400, {"code": 21211, "message": "The 'To' number is not a valid phone number.", "status": 400}
    if bool(fields.get("From")) == bool(fields.get("MessagingServiceSid")):
        return 400, {"code": 21603, "message": "A 'From' phone number is required.", "status": 400}
    if not 0 < len(fields.get("Body", "")) <= 1600:
        return 400, {"code": 21602, "message": "Message body is required.", "status": 400}
    if fields["To"].endswith("0000"):
        return 400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": 400}
    sid = f"SM{len(twilio.accepted):032x}"
    twilio.accepted.append({**fields, "sid": sid})
    return 201, {"sid": sid, "status": "queued", "to": fields["To"], "error_code": None}


@contextmanager
def twilio_stand_in() -> Iterator[Twilio]:
    twilio = Twilio()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            twilio.requests += 1
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            if twilio.illness == "reset":
                self.connection.close()
                return
            if twilio.illness.isdigit() or twilio.illness == "503-again":
                self._say(int(twilio.illness[:3]), b"{}", twilio.illness in ("429", "503-again"))
                return
            if twilio.illness == "200-error":
                self._say(200, b'{"code": 20500, "message": "trouble"}')
                return
            fields = dict(parse_qsl(body, keep_blank_values=True))
            status, document = _answer(twilio, self.path, self.headers.get("Authorization", ""), fields)
            if twilio.illness == "answer-lost":
                self.connection.close()
                return
            if twilio.illness == "slow":
                time.sleep(1)
            self._say(status, json.dumps(document).encode())

        def _say(self, status: int, body: bytes, again: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if again:
                self.send_header("Retry-After", "7")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    twilio.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield twilio
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
