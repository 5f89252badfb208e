"""A client that behaves like a phone: what was not acknowledged is sent again, the same, until it is."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

#: No request may take longer: past this it counts as a hang.
LONGEST_SECONDS = 35.0


@dataclass
class Tally:
    """What all clients saw: counts by kind, how long the slowest request took, and what should never have been."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest_seconds: float = 0
    complaints: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, seconds: float) -> None:
        with self.lock:
            self.counts[kind] += 1
            self.slowest_seconds = max(self.slowest_seconds, seconds)

    def complain(self, text: str) -> None:
        with self.lock:
            self.complaints.append(text)


class NotTaken(Exception):
    """The request was answered with something that is neither success nor "try again": the job ends here."""


class Client:
    """Sends as one person; safe for one thread."""

    def __init__(self, base_url: str, token: str, tally: Tally) -> None:
        self.http = httpx.Client(
            base_url=base_url,
            timeout=LONGEST_SECONDS,
            trust_env=False,
            headers={"Authorization": f"Bearer {token}"},
        )
        self.tally = tally

    def get(self, path: str) -> Any:
        return self.send("GET", path)

    def post(self, path: str, body: Any = None, *, version: int | None = None) -> Any:
        """Send once, in effect: repeats carry the same `Idempotency-Key`."""
        headers = {"Idempotency-Key": str(uuid4())}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self.send("POST", path, body, headers)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        may_refuse: bool = False,
    ) -> Any:
        """The answer, once it is acknowledged; connections that are cut and 503 are tried again.

        `may_refuse`: somebody else may have been faster, a rule that forbids it now is no complaint: then {}.

        Raises:
            NotTaken: any other answer, or a hang; it is among the tally's complaints.
        """
        while True:
            answer = self._once(method, path, body, headers, may_refuse)
            if answer is not None:
                return answer
            time.sleep(0.1)

    def _once(self, method: str, path: str, body: Any, headers: dict[str, str] | None, may_refuse: bool) -> Any:
        began = time.monotonic()
        try:
            answer = self.http.request(method, path, json=body, headers=headers)
        except httpx.TimeoutException:
            self._refuse(f"{method} {path} hung for {time.monotonic() - began:.0f} s")
        except httpx.TransportError:
            self.tally.note("cut", time.monotonic() - began)
            return None
        seconds = time.monotonic() - began
        if answer.status_code == 503 and answer.headers.get("retry-after"):
            self.tally.note("503", seconds)
            return None
        if may_refuse and answer.status_code in (409, 412):
            return {}
        if not answer.is_success:
            self._refuse(f"{method} {path} gave {answer.status_code}: {answer.text[:300]}")
        replayed = answer.headers.get("idempotent-replayed") == "true"
        self.tally.note("replayed" if replayed else "acknowledged", seconds)
        return answer.json()

    def _refuse(self, complaint: str) -> None:
        self.tally.complain(complaint)
        raise NotTaken(complaint)
