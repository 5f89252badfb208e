"""A device as a test drives it: it pulls, keeps a replica by the rules of the contract, and pushes operations."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from app.domain.replica import digest_of
from app.kit import clock
from app.kit.database import utc_iso
from tests.conftest import CheckedClient, Somebody


@dataclass
class Phone:
    """`held`: (kind, id) → (rev, document). Every method goes through the API."""

    api: CheckedClient
    who: Somebody
    device_id: UUID = field(default_factory=uuid4)
    cursor: str | None = None
    held: dict[tuple[str, str], tuple[str, dict[str, Any]]] = field(default_factory=dict)
    removed: dict[tuple[str, str], str] = field(default_factory=dict)
    seq: int = 0
    last: Any = None

    def register(self, **more: Any) -> "Phone":
        body = {"device_id": str(self.device_id), "platform": "android", "app_version": "3.4.1", "rep": 1, **more}
        answer = self.api.post("/v1/devices", json=body, headers=self.who.headers)
        assert answer.status_code in (200, 201), answer.text
        return self

    def get(self, path: str, **params: Any) -> Any:
        self.last = self.api.get(path, params=params, headers=self.who.headers)
        return self.last

    def pull(self, *, limit: int = 100, **more: Any) -> int:
        """Pull until there is nothing more; how many pages that took."""
        pages = 0
        while True:
            given = {"cursor": self.cursor} if self.cursor else {}
            answer = self.get("/v1/sync/changes", limit=limit, **given, **more)
            if answer.status_code == 204:
                return pages
            assert answer.status_code == 200, answer.text
            pages += 1
            self.apply(answer.json())
            if not answer.json()["has_more"]:
                return pages

    def apply(self, page: dict[str, Any]) -> None:
        for change in page.get("changes") or ():
            key = (change["kind"], change["id"])
            if change["op"] == "put":
                self.held[key] = (change["rev"], change["data"])
                self.removed.pop(key, None)
            else:
                self.held.pop(key, None)
                self.removed[key] = change["reason"]
        if page.get("cursor"):
            self.cursor = page["cursor"]

    def reconcile(self) -> None:
        """Compare notes until nothing differs."""
        while True:
            have: dict[str, dict[str, str]] = {}
            for (kind, id_), (rev, _) in self.held.items():
                have.setdefault(kind, {})[id_] = rev
            answer = self.api.post("/v1/sync/reconcile", json={"have": have}, headers=self.who.headers)
            assert answer.status_code == 200, answer.text
            self.apply(answer.json())
            if not answer.json()["has_more"]:
                return

    def operation(
        self, type_: str, target: Any = None, *, at: datetime | None = None, depends_on: Any = (), **args: Any
    ) -> dict[str, Any]:
        self.seq += 1
        return {
            "op_id": str(uuid4()),
            "seq": self.seq,
            "type": type_,
            "target": str(target) if target else None,
            "occurred_at": utc_iso(at or clock.now()),
            "depends_on": [str(one) for one in depends_on],
            "args": args,
        }

    def push(self, *operations: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        """Send them with the cursor and apply what comes back; the results in the order of the operations."""
        body = {"sent_at": utc_iso(clock.now()), "cursor": self.cursor, "operations": list(operations), **more}
        self.last = self.api.post("/v1/sync", json=body, headers=self.who.headers)
        assert self.last.status_code == 200, self.last.text
        answer = self.last.json()
        self.apply(answer)
        results: list[dict[str, Any]] = answer["results"]
        while answer.get("has_more"):
            answer = self.get("/v1/sync/changes", cursor=self.cursor).json()
            self.apply(answer)
        return results

    def do(self, type_: str, target: Any = None, **more: Any) -> dict[str, Any]:
        """One operation, sent at once; its result."""
        return self.push(self.operation(type_, target, **more))[0]

    def job(self, visit_id: Any) -> dict[str, Any]:
        return self.held["job", str(visit_id)][1]

    @property
    def digest(self) -> str:
        return digest_of((kind, id_, rev) for (kind, id_), (rev, _) in self.held.items())
