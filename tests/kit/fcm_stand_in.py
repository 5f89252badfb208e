"""A stand-in for Google's token endpoint and FCM's HTTP v1 API on a real socket: checks requests as Google does."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

PROJECT, ACCOUNT, KEY_ID = "field-app", "sender@field-app.iam.gserviceaccount.com", "key-1"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
KEY = generate_private_key(public_exponent=65537, key_size=2048)
MESSAGE_FIELDS = {"token", "data", "notification", "android", "apns", "webpush"}
ANDROID_FIELDS = {"collapse_key", "priority", "notification"}


def _pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass
class Google:
    """What it was sent. `answers`: what it says to the next pushes instead of taking them: status, code, headers.

    `tokens` are the registration tokens that it knows, None: all. `before` is called with each push that comes in.
    """

    url: str = ""
    accepted: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    tokens: set[str] | None = None
    grants: int = 0
    grants_answer: int = 200
    lasts: int = 3599
    good: set[str] = field(default_factory=set)
    before: Callable[[], None] = lambda: None

    def credentials(self, key: RSAPrivateKey = KEY, **changes: str) -> str:
        """The service account's file, as the Firebase console gives it."""
        return json.dumps(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": KEY_ID,
                "private_key": _pem(key),
                "client_email": ACCOUNT,
                "token_uri": f"{self.url}/token",
                **changes,
            }
        )

    def to(self, token: str) -> list[dict[str, Any]]:
        return [message for message in self.accepted if message["token"] == token]


def _grant(google: Google, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
    """RFC 7523: the assertion is signed by the account's key, for this address, for an hour at most."""
    google.grants += 1
    if google.grants_answer != 200:
        return google.grants_answer, {"error": "internal_failure"}
    if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
        return 400, {"error": "unsupported_grant_type"}
    [assertion] = form["assertion"]
    if jwt.get_unverified_header(assertion) != {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}:
        return 400, {"error": "invalid_grant", "error_description": "Invalid JWT header."}
    try:
        claims = jwt.decode(
            assertion,
            KEY.public_key(),
            algorithms=["RS256"],
            audience=f"{google.url}/token",
            issuer=ACCOUNT,
            options={"require": ["exp", "iat", "iss", "aud"]},
        )
    except jwt.InvalidTokenError as trouble:
        return 400, {"error": "invalid_grant", "error_description": str(trouble)}
    if claims["exp"] - claims["iat"] > 3600 or claims["scope"] != SCOPE:
        return 400, {"error": "invalid_scope"}
    token = f"ya29.{google.grants}"
    google.good.add(token)
    return 200, {"access_token": token, "expires_in": google.lasts, "token_type": "Bearer"}


def _error(status: int, code: str) -> dict[str, Any]:
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    return {"error": {"code": status, "message": code.lower(), "status": code, "details": [detail]}}


def _push(google: Google, path: str, authorization: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    if path != f"/v1/projects/{PROJECT}/messages:send":
        return 404, {"error": {"code": 404, "status": "NOT_FOUND"}}
    if authorization.removeprefix("Bearer ") not in google.good:
        return 401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}}
    message = body.get("message", {})
    data = message.get("data", {})
    wrong = set(message) - MESSAGE_FIELDS or set(message.get("android", {})) - ANDROID_FIELDS
    if set(body) != {"message"} or wrong or not all(isinstance(value, str) for value in data.values()):
        return 400, _error(400, "INVALID_ARGUMENT")
    if google.tokens is not None and message.get("token") not in google.tokens:
        return 404, _error(404, "UNREGISTERED")
    google.accepted.append(message)
    return 200, {"name": f"projects/{PROJECT}/messages/{len(google.accepted)}"}


@contextmanager
def google_stand_in() -> Iterator[Google]:
    google = Google()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            if self.path == "/token":
                self._say(*_grant(google, parse_qs(body)))
                return
            google.before()
            if google.answers:
                status, code, headers = google.answers.pop(0)
                if not status:
                    self.connection.close()
                    return
                self._say(status, _error(status, code), headers)
                return
            self._say(*_push(google, self.path, self.headers.get("Authorization", ""), json.loads(body)))

        def _say(self, status: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    google.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield google
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
