"""A technician's phone: the Python reference client, on a line that can break and that counts what it carries."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
from firstfix_offline import DeviceSession, MemoryStorage, NoNetwork, OfflineClient
from firstfix_offline.replica import digest_of, held_entries, state_of
from firstfix_offline.session import SignedOut

from app.demo.cast import PASSWORD, email_of
from app.demo.talk import DayFailed, Somebody, Storyteller, check

#: So often may something new arrive while two sides compare what they hold.
COMPARED = 20


class Line:
    """The phone's way to the server; `packed` and `unpacked`: bytes of all bodies, up and down, since `count_anew`."""

    def __init__(self, name: str, http: httpx.Client, tell: Storyteller) -> None:
        self.is_down = self.loses_next_answer = False
        self.packed = self.unpacked = 0
        self._name, self._http, self._tell = name, http, tell

    def count_anew(self) -> None:
        self.packed = self.unpacked = 0

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        if self.is_down:
            raise NoNetwork("There is no network here.")
        try:
            answer = self._http.request(method, path, headers=dict(headers), content=body)
        except httpx.TransportError as trouble:
            raise NoNetwork(str(trouble)) from trouble
        self._tell.asked(self._name, method, answer.request.url.path, answer.status_code)
        self.packed += len(body or b"") + answer.num_bytes_downloaded
        self.unpacked += len(body or b"") + len(answer.content)
        if self.loses_next_answer:
            self.loses_next_answer = False
            raise NoNetwork("The answer was lost on the way.")
        return answer.status_code, answer.headers, answer.content


class Phone:
    """`results`: what became of each report, in the order of the answers; `left`: visit → why it left this phone.

    Raises:
        DayFailed: nobody of the demo signs in here.
    """

    def __init__(self, name: str, http: httpx.Client, tell: Storyteller) -> None:
        self.name = name
        self._http, self._tell = http, tell
        self.line = Line(name, http, tell)
        self.results: list[dict[str, Any]] = []
        self.left: dict[str, str] = {}
        self.storage = MemoryStorage()
        self._session = DeviceSession(self.line, self.storage)
        device = {"device_id": str(uuid4()), "platform": "android", "app_version": "1.0"}
        try:
            limits = self._session.sign_in(email_of(name), PASSWORD, device)
        except (SignedOut, NoNetwork) as trouble:
            raise DayFailed(f"{name}'s phone cannot sign in: {trouble}") from None
        refresh = self._session.refresh
        self.client = OfflineClient(self.line, self.storage, token=self._session.token, refresh=refresh, limits=limits)
        self.client.on("result", self.results.append)
        self.client.on("removed", lambda gone: self.left.update({gone["id"]: gone["reason"]}))

    def sync(self, ends: str = "synced") -> float:
        """One sync, which should end so; the kB that went over the line, as they were packed."""
        self.line.count_anew()
        outcome = self.client.sync()
        check(outcome.state == ends, f"{self.name}'s sync should end {ends} and is {outcome.state}: {outcome.error}")
        return self.line.packed / 1000

    def job(self, visit_id: str) -> dict[str, Any]:
        """The job as the phone shows it, with what was reported on it.

        Raises:
            DayFailed: it is not on this phone.
        """
        view = self.client.job(visit_id)
        if view is None:
            raise DayFailed(f"a job is not on {self.name}'s phone: {visit_id}")
        return view.doc

    def compare(self) -> str:
        """The digest of what the phone holds, which the server must say too.

        Raises:
            DayFailed: it says another.
        """
        for _ in range(COMPARED):
            self.sync()
            with self.storage.transaction() as tx:
                cursor, mine = state_of(tx)["cursor"], digest_of(held_entries(tx))
            asking = Somebody(self.name, self._http, self._tell, self._session.token())
            page = asking.get("/v1/sync/changes", cursor=cursor, digest=1)
            if not page["changes"]:
                check(mine == page["digest"], f"{self.name}'s phone holds {mine}, the server says {page['digest']}")
                return mine
        raise DayFailed(f"something new came to {self.name}'s phone each time it was compared")
