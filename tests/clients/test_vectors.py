"""The recorded exchanges of `openapi/sync-vectors`, given to both clients: what they hold then is what was recorded."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.clients.devices import Handset
from tests.clients.network import Answer, Network, Request, ours
from tests.sync.vector_scripts import SCRIPTS
from tests.sync.vectors import read

Exchange = dict[str, Any]
#: Played by a test of its own: a client asks for a digest when it begins, and not when a recording does.
OF_DIGESTS = "digest-mismatch"


def kind_of(path: str) -> str:
    return path.partition("?")[0].rpartition("/")[2]


def rounds(name: str) -> Iterator[list[Exchange]]:
    """Ana's exchanges, by what is one sync for a client: with the pages and the comparing that follow from it."""
    mine = [one for one in read(name)["exchanges"] if one["by"] == "Ana" and "replica_after" in one]
    current: list[Exchange] = []
    for one in mine:
        body = (current[-1]["response"]["body"] or {}) if current else {}
        if current and not body.get("has_more") and kind_of(one["request"]["path"]) != "reconcile":
            yield current
            current = []
        current.append(one)
    yield current


@dataclass
class Theatre:
    """The server as it was recorded. `ids`: an operation's id in the recording → the client's own."""

    ids: dict[str, str] = field(default_factory=dict)
    left: deque[Exchange] = field(default_factory=deque)
    cursor: str = ""
    wrong: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        if "digest=1" in request.path or not self.left:
            empty = {"results": [], "changes": [], "cursor": self.cursor, "has_more": False}
            return ours(200, empty) if request.method == "POST" else ours(204)
        one = self.left.popleft()
        asked, response = one["request"], one["response"]
        if kind_of(asked["path"]) == "reconcile" and request.json["have"] != asked["body"]["have"]:
            self.wrong.append(f"it has {request.json['have']}")
        body = self._in_its_words(response["body"])
        self.cursor = (body or {}).get("cursor") or self.cursor
        if request.path == "/v1/sync" and kind_of(asked["path"]) == "changes":
            return self._as_a_push(response["status"], body)
        return ours(response["status"], body)

    def _as_a_push(self, status: int, body: Any) -> Answer:
        """Clients pull by a push of nothing: what a pull was answered, in an answer to that."""
        if status == 200:
            return ours(200, {"results": [], **body})
        if status == 204:
            return ours(200, {"results": [], "changes": [], "cursor": self.cursor, "has_more": False})
        if status == 410:
            return ours(200, {"results": [], "reset": {"code": body["code"], "recovery": body["recovery"]}})
        return ours(status, body)

    def _in_its_words(self, body: Any) -> Any:
        text = json.dumps(body)
        for recorded, own in self.ids.items():
            text = text.replace(recorded, own)
        return json.loads(text)


def report(handset: Handset, theatre: Theatre, operations: list[dict[str, Any]]) -> None:
    for operation in operations:
        if operation["op_id"] not in theatre.ids:
            needed = [theatre.ids.get(one, one) for one in operation.get("depends_on", ())]
            said = [operation["type"], operation["target"], operation.get("args")]
            theatre.ids[operation["op_id"]] = handset.order("enqueue", given=said, depends_on=needed)


def held(handset: Handset) -> list[list[str]]:
    return sorted([*key.partition("|")[::2], rev] for key, rev in handset.order("held").items())


@pytest.mark.parametrize("name", sorted(SCRIPTS.keys() - {OF_DIGESTS}))
def test_a_client_ends_up_with_what_was_recorded(handset: Handset, network: Network, name: str) -> None:
    theatre = Theatre()
    network.behaviour = theatre.answer
    handset.order("open", url=network.url, fresh=True)
    answers: dict[str, str] = {}

    for exchanges in rounds(name):
        first, last = exchanges[0], exchanges[-1]
        if last["response"]["status"] == 410:
            continue
        theatre.left.extend(exchanges)
        report(handset, theatre, (first["request"]["body"] or {}).get("operations", []))
        handset.order("sync")
        for result in (first["response"]["body"] or {}).get("results", ()):
            if result.get("code") != "op_id_reused":
                answers[theatre.ids[result["op_id"]]] = result["status"]

        assert not theatre.left, f"it did not ask: {last['about']}"
        assert theatre.wrong == []
        assert held(handset) == sorted(last["replica_after"]), last["about"]
        outbox = {one["op_id"] for one in handset.order("outbox")}
        assert outbox == {op_id for op_id, status in answers.items() if status == "deferred"}
        attention = {one["op"]["op_id"] for one in handset.order("attention")}
        assert attention == {op_id for op_id, status in answers.items() if status == "rejected"}


def test_a_client_whose_digest_does_not_fit_compares_notes(handset: Handset, network: Network) -> None:
    bootstrap, _, digest, difference = read(OF_DIGESTS)["exchanges"]
    kind, id_ = digest["forgets"]
    page = bootstrap["response"]["body"]
    page["changes"] = [one for one in page["changes"] if (one["kind"], one["id"]) != (kind, id_)]
    compared: list[Any] = []

    def answer(request: Request) -> Answer:
        if kind_of(request.path) == "reconcile":
            compared.append(request.json["have"])
            return ours(200, difference["response"]["body"])
        if request.method == "GET":
            return ours(200, digest["response"]["body"])
        return ours(200, {"results": [], **page})

    network.behaviour = answer
    handset.order("open", url=network.url, fresh=True)
    handset.order("sync")

    assert compared == [difference["request"]["body"]["have"]]
    assert held(handset) == sorted(difference["replica_after"])
