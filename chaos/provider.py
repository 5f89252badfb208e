"""A message provider that honors idempotency keys, and is ill now and then: a real HTTP server on loopback."""

import hashlib
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOW_SECONDS = 1.5
#: How a key's first call goes, and how often; later calls with the same key are healthy.
ILLNESSES = {"fails": 12, "slow": 8, "loses-answer": 10, "too-many": 5, "says-no-with-200": 5, "healthy": 60}


@dataclass
class Provider:
    """`delivered` maps each key to the hash of the one message that went out under it; `calls` counts every call."""

    seed: int
    delivered: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    changed: list[str] = field(default_factory=list)
    """Keys that came again with another message: a real provider would refuse."""
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/messages"

    def start(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="provider", daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def illness_of(self, key: str) -> str:
        chosen = random.Random(f"{self.seed}:{key}").choices(list(ILLNESSES), list(ILLNESSES.values()))
        return chosen[0]

    def call(self, key: str, body: bytes) -> str:
        """Count a call and return how it goes; what is not refused is delivered, once per key."""
        with self._lock:
            self.calls[key] += 1
            how = self.illness_of(key) if self.calls[key] == 1 else "healthy"
            if how in ("fails", "too-many", "says-no-with-200"):
                return how
            said = hashlib.sha256(body).hexdigest()
            if self.delivered.setdefault(key, said) != said:
                self.changed.append(key)
            return how


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            key = self.headers.get("idempotency-key", "")
            match provider.call(key, body):
                case "fails":
                    self._answer(500, {"error": "out of order"})
                case "too-many":
                    self._answer(429, {"error": "slow down"}, {"Retry-After": "1"})
                case "says-no-with-200":
                    self._answer(200, {"error": "not today"})
                case "loses-answer":
                    self.close_connection = True
                case how:
                    if how == "slow":
                        time.sleep(SLOW_SECONDS)
                    self._answer(200, {"id": hashlib.sha256(key.encode()).hexdigest()[:16]})

        def _answer(self, status: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    return Handler
