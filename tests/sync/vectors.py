"""Recorded exchanges between devices and a sandbox: played, put into words that are the same every time, kept as JSON.

What the server makes up (ids, cursors, hashes, tokens) is named in the order in which it is first seen; what devices
make up is as it is. So a recording can be played again against any fresh sandbox whose clock stands at `CLOCK`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from app.domain.replica import digest_of
from app.kit import clock
from app.kit.runtime import Runtime
from app.sandbox.organization import make_sandbox
from app.sandbox.show import tell
from tests.conftest import CheckedClient

FOLDER = Path(__file__).parents[2] / "openapi" / "sync-vectors"
CLOCK = "2026-11-21T10:00:00Z"
#: Ids that devices make up; `MADE_UP.format(n)`.
MADE_UP = "0193501e-0000-7000-8000-{:012d}"
OURS = re.compile(r"^0193501e-0000-7000-8000-")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SHA256 = re.compile(r"\b[0-9a-f]{64}\b")
DIGEST = re.compile(r"^\d+:[0-9a-f]{16}$")
#: Opaque words, by the name of their field.
OPAQUE = {"cursor": "cursor", "token": "token", "refresh_token": "refresh-token"}
KEPT_HEADERS = ("sync-protocol", "cache-control", "retry-after")

#: method, path, body, headers, by → status, headers and JSON of the answer
Send = Callable[[str, str, Any, Mapping[str, str], str], tuple[int, Mapping[str, str], Any]]
Held = dict[tuple[str, str], str]


@dataclass
class Names:
    """Raw → name, and back; `kept` are hashes that devices made up."""

    names: dict[str, str] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)

    def of(self, raw: str, template: str) -> str:
        if raw not in self.names:
            count = sum(1 for known in self.names.values() if known.startswith(template.partition("{")[0]))
            self.names[raw] = template.format(count + 1)
            self.raw[self.names[raw]] = raw
        return self.names[raw]

    def named(self, value: Any, name: str = "", digests: Mapping[str, str] | None = None) -> Any:
        """The value with everything that the server made up replaced."""
        if isinstance(value, dict):
            return {self.named(key): self.named(one, key, digests) for key, one in value.items()}
        if isinstance(value, list):
            return [self.named(one, name, digests) for one in value]
        if not isinstance(value, str):
            return value
        if name == "path":
            for raw in sorted(self.names, key=len, reverse=True):
                value = value.replace(raw, self.names[raw])
            return value
        if name in OPAQUE:
            return self.of(value, OPAQUE[name] + "-{}")
        if DIGEST.match(value):
            return (digests or {}).get(value, value)
        text = UUID.sub(lambda m: m[0] if OURS.match(m[0]) else self.of(m[0], "00000000-0000-7000-8000-{:012d}"), value)
        return SHA256.sub(lambda m: m[0] if m[0] in self.kept else self.of(m[0], "5ha256-{:057d}"), text)

    def unnamed(self, value: Any) -> Any:
        """The value with the names replaced by what this server made up."""
        text = json.dumps(value)
        for name in sorted(self.raw, key=len, reverse=True):
            text = text.replace(name, self.raw[name])
        return json.loads(text)


@dataclass
class Player:
    """Plays exchanges; every phone's replica is kept by the rules of the contract. `held`: who → (kind, id) → rev."""

    send: Send
    names: Names = field(default_factory=Names)
    held: dict[str, Held] = field(default_factory=dict)
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    made: int = 0
    seq: int = 0
    last: Any = None

    def exchange(
        self, method: str, path: str, body: Any = None, *, by: str = "Ana", about: str = "", **headers: str
    ) -> Any:
        """Send it, record it in the words of the recording; the raw JSON of the answer."""
        said = {"method": method, "path": path, "headers": headers, "body": body}
        self.names.kept |= set(SHA256.findall(json.dumps(body))) - self.names.names.keys()
        before = self._replica(by)
        status, got, answer = self.send(method, path, body, headers, by)
        if path.startswith("/v1/sync"):
            self._apply(by, status, answer)
        response = {
            "status": status,
            "headers": {name: got[name] for name in KEPT_HEADERS if name in got},
            "body": self.named(answer, by),
        }
        recorded = {"by": by, "about": about, "request": self.names.named(said), "response": response}
        if path.startswith("/v1/sync"):
            recorded |= {"replica_before": before, "replica_after": self._replica(by)}
        self.exchanges.append(recorded)
        self.last = answer
        return answer

    def named(self, answer: Any, by: str) -> Any:
        """A digest is checked and said anew over the names: it is one of what the server holds for this technician."""
        digest = answer.get("digest") if isinstance(answer, dict) else None
        if digest is None:
            return self.names.named(answer)
        _, _, expected = self.send("GET", "/v1/sandbox/expected", None, {}, by)
        held = [(one["kind"], one["id"], one["rev"]) for one in expected["replica"]]
        assert digest == digest_of(held)
        renamed = digest_of((kind, self.names.named(id_), rev) for kind, id_, rev in held)
        return self.names.named(answer, digests={digest: renamed})

    def _apply(self, by: str, status: int, page: Any) -> None:
        held = self.held.setdefault(by, {})
        if status == 403 and page["code"] == "device_revoked":
            held.clear()
        for change in (page or {}).get("changes") or () if status == 200 else ():
            key = change["kind"], change["id"]
            if change["op"] == "put":
                held[key] = change["rev"]
            else:
                held.pop(key, None)

    def _replica(self, by: str) -> list[list[str]]:
        held = self.held.get(by, {})
        return sorted([kind, self.names.named(id_), rev] for (kind, id_), rev in held.items())

    # Short ways to say what a script wants.

    def id(self) -> str:
        self.made += 1
        return MADE_UP.format(self.made)

    def operation(self, type_: str, target: Any = None, **more: Any) -> dict[str, Any]:
        self.seq += 1
        args = {name.rstrip("_"): value for name, value in more.pop("args", {}).items()}
        said = {"op_id": self.id(), "seq": self.seq, "type": type_, "v": 1, "target": target, "occurred_at": CLOCK}
        return {**said, **({"args": args} if args else {}), **more}

    def push(
        self, *operations: dict[str, Any], cursor: Any = None, by: str = "Ana", about: str = "", **headers: str
    ) -> Any:
        body = {"sent_at": CLOCK, "cursor": cursor or self.cursor(by), "limit": 500, "operations": list(operations)}
        return self.exchange("POST", "/v1/sync", body, by=by, about=about, **headers)["results"]

    def pull(self, *, by: str = "Ana", about: str = "", cursor: Any = "last", **params: Any) -> Any:
        wanted = {"cursor": self.cursor(by) if cursor == "last" else cursor, **params}
        query = "&".join(f"{name}={value}" for name, value in wanted.items() if value is not None)
        return self.exchange("GET", "/v1/sync/changes" + (f"?{query}" if query else ""), by=by, about=about)

    def begin(self, *, by: str = "Ana") -> "Player":
        """Everything in one page."""
        self.pull(by=by, cursor=None, limit=500, about="A new device gets everything.")
        return self

    def cursor(self, by: str) -> str | None:
        """The last one that this phone was given."""
        for one in reversed(self.exchanges):
            body = one["response"]["body"]
            if one["by"] == by and isinstance(body, dict) and body.get("cursor"):
                return self.names.raw[body["cursor"]]
        return None

    def play(self, scenario: str, **more: str) -> Any:
        query = "&".join(f"{name}={value}" for name, value in more.items())
        path = f"/v1/sandbox/scenario/{scenario}" + (f"?{query}" if query else "")
        return self.exchange("POST", path, about="Meanwhile, in the office.")["ids"]

    def reconcile(self, *, by: str = "Ana", about: str = "") -> Any:
        have: dict[str, dict[str, str]] = {}
        for (kind, id_), rev in self.held[by].items():
            have.setdefault(kind, {})[id_] = rev
        return self.exchange("POST", "/v1/sync/reconcile", {"have": have, "limit": 200}, by=by, about=about)

    def jobs(self, by: str = "Ana") -> list[str]:
        """The jobs that came last, in the order in which they came."""
        found = []
        for one in self.exchanges:
            body = one["response"]["body"]
            if one["by"] == by and isinstance(body, dict):
                found += [c["id"] for c in body.get("changes") or () if c["kind"] == "job" and c["op"] == "put"]
        return [self.names.raw[id_] for id_ in dict.fromkeys(found)]


def fresh_sandbox(runtime: Runtime, api: CheckedClient) -> Send:
    """A sandbox of its own, as it is now, and a way to send to it."""
    people = tell(runtime, make_sandbox(runtime, at=clock.now(), domain=f"{uuid4().hex}.example"))["people"]

    def send(method: str, path: str, body: Any, headers: Mapping[str, str], by: str) -> tuple[int, Any, Any]:
        given = {"Authorization": f"Bearer {people[by]['token']}", **headers}
        answer = api.request(method, path, json=body, headers=given)
        return answer.status_code, answer.headers, answer.json() if answer.content else None

    return send


def play_again(recording: Mapping[str, Any], player: Player) -> list[dict[str, Any]]:
    """What a server answers now to what was asked then, in the words of the recording."""
    for one in recording["exchanges"]:
        asked = player.names.unnamed(one["request"])
        if one.get("forgets"):
            kind, id_ = player.names.unnamed(one["forgets"])
            player.held[one["by"]].pop((kind, id_))
        player.exchange(
            asked["method"], asked["path"], asked["body"], by=one["by"], about=one["about"], **asked["headers"]
        )
        if one.get("forgets"):
            player.exchanges[-1]["forgets"] = one["forgets"]
    return player.exchanges


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def write(name: str, about: str, exchanges: list[dict[str, Any]]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    recording = {"name": name, "about": about, "clock": CLOCK, "exchanges": exchanges}
    (FOLDER / f"{name}.json").write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n")
