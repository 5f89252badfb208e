"""I11 and the way there, against the real application: ended at any step, cut at any request, a client converges.

Everything that was reported takes effect once, and the device holds what the server says it should.
"""

import base64
import hashlib
import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.devices import Handset
from tests.clients.network import LOST, Answer, Network, Request
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.sync.phone import Phone

TROUBLES = ["nothing", "a cursor that nobody can read", "no cursor any more"]
PDF = b"%PDF-1.7\n" + b"1 0 obj << >> endobj\n" * 60_000


@pytest.fixture
def open_client(
    handset: Handset, network: Network, server: str, api: CheckedClient, ana: Somebody, tmp_path: Path
) -> Callable[..., None]:
    """Opens a client of Ana's over the storage that it had before, or over new one."""
    network.lead_to(server)
    told = {"device_id": str(uuid4()), "platform": "test", "app_version": "1"}
    token = api.post("/v1/devices", json=told, headers=ana.headers).json()["token"]
    phones = itertools.count()

    def begin(*, fresh: bool = False, **more: Any) -> None:
        more |= {"file": str(tmp_path / f"{next(phones)}.db")} if fresh else {}
        handset.order("open", url=network.url, token=token, fresh=fresh, **more)

    return begin


def what_the_server_has(api: CheckedClient, who: Somebody) -> dict[str, str]:
    phone = Phone(api, who)
    phone.pull()
    return {f"{kind}|{id_}": rev for (kind, id_), (rev, _) in phone.held.items()}


def sync_to_the_end(handset: Handset) -> None:
    for _ in range(6):
        outcome = handset.order("sync")
        if outcome.get("state") == "synced" and not handset.order("outbox") and not handset.order("files"):
            return
    raise AssertionError((outcome, handset.order("outbox"), handset.order("files")))


def texts_of(scene: Scene, visit: dict[str, Any]) -> list[str]:
    page = scene.get(f"/v1/work-orders/{visit['work_order_id']}/notes")
    return [note["text"] for note in page["items"]]


def meet(handset: Handset, trouble: str) -> None:
    if trouble != "nothing":
        handset.order("haunt")
        handset.order("set", cursor="rubbish" if "read" in trouble else None)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_ended_at_any_step_it_converges_and_everything_is_done_once(
    handset: Handset,
    network: Network,
    open_client: Callable[..., None],
    scene: Scene,
    api: CheckedClient,
    ana: Somebody,
    trouble: str,
) -> None:
    visit, other = scene.dispatched(ana), scene.dispatched(ana)
    said = []
    for step in itertools.count(1):
        open_client(fresh=True)
        sync_to_the_end(handset)
        said += [f"{step} a", f"{step} b"]
        for text in said[-2:]:
            handset.order("enqueue", given=["note.add", visit["id"], {"text": text}])
        scene.post(f"/v1/visits/{other['id']}/notes", a_note(f"office {step}"), status=201)
        meet(handset, trouble)
        open_client(die_at=step)
        died = handset.order("sync").get("died")

        open_client()
        sync_to_the_end(handset)

        assert handset.order("held") == what_the_server_has(api, ana), (step, died)
        if died is None:
            break
    assert step > 8
    assert sorted(texts_of(scene, visit)) == sorted(said)
    assert has_compared(network) is ("read" in trouble), "what a death leaves behind needs no repair"


def has_compared(network: Network) -> bool:
    return "POST /v1/sync/reconcile" in network.paths


def a_note(text: str) -> dict[str, Any]:
    return {"id": str(uuid4()), "text": text, "occurred_at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("how", ["the request is lost", "the answer is lost", "the answer is cut"])
def test_cut_at_any_request_it_converges_and_everything_is_done_once(
    handset: Handset,
    network: Network,
    open_client: Callable[..., None],
    scene: Scene,
    api: CheckedClient,
    ana: Somebody,
    trouble: str,
    how: str,
) -> None:
    visit = scene.dispatched(ana)
    said = []
    whole = network.behaviour
    for nth in itertools.count(1):
        open_client(fresh=True)
        sync_to_the_end(handset)
        said.append(f"note {nth}")
        handset.order("enqueue", given=["note.add", visit["id"], {"text": said[-1]}])
        meet(handset, trouble)
        open_client()
        network.seen.clear()
        network.behaviour = cutting(network, whole, nth, how)
        outcome = handset.order("sync")
        network.behaviour = whole
        sync_to_the_end(handset)

        assert handset.order("held") == what_the_server_has(api, ana), (nth, outcome)
        assert has_compared(network) is ("read" in trouble)
        if outcome["state"] == "synced":
            break
        assert outcome["state"] == "offline"
    assert nth > 2
    assert sorted(texts_of(scene, visit)) == sorted(said)


def cutting(network: Network, whole: Callable[[Request], Answer], nth: int, how: str) -> Callable[[Request], Answer]:
    """Spoils the n-th request."""

    def behave(request: Request) -> Answer:
        if len(network.seen) != nth:
            return whole(request)
        if how == "the request is lost":
            return LOST
        answer = whole(request)
        if how == "the answer is lost" or not answer.body:
            return LOST
        return Answer(answer.status, answer.headers, answer.body, cut=len(answer.body) // 2)

    return behave


def test_a_file_is_stored_once_whatever_breaks(
    handset: Handset, network: Network, open_client: Callable[..., None], scene: Scene, ana: Somebody
) -> None:
    visit = scene.dispatched(ana)
    whole = network.behaviour
    open_client(fresh=True)
    sync_to_the_end(handset)
    for nth in itertools.count(1):
        data = PDF + str(nth).encode()
        id_ = handset.order(
            "attach", visit=visit["id"], content=base64.b64encode(data).decode(), role="report", mime="application/pdf"
        )
        network.seen.clear()
        network.behaviour = cutting(network, whole, nth, "the answer is lost" if nth % 2 else "the request is lost")
        outcome = handset.order("sync")
        network.behaviour = whole
        sync_to_the_end(handset)

        kept = scene.get(f"/v1/attachments/{id_}", by=ana)
        assert (kept["state"], kept["sha256"]) == ("stored", hashlib.sha256(data).hexdigest())
        bodies = sum(len(one.body) for one in network.seen if one.method == "PATCH")
        assert bodies <= len(data) + 262_144, "more than one chunk was wasted by one cut"
        if outcome["state"] == "synced":
            break
    assert nth > 6
    assert handset.order("files") == []


def test_a_small_file_goes_in_one_piece_and_a_known_one_not_at_all(
    handset: Handset,
    network: Network,
    open_client: Callable[..., None],
    scene: Scene,
    ana: Somebody,
    work_off: Callable[[], None],
) -> None:
    visit = scene.dispatched(ana)
    content = base64.b64encode(PDF[:1_000]).decode()
    open_client(fresh=True)
    sync_to_the_end(handset)
    for role in ("report", "manual"):
        handset.order("attach", visit=visit["id"], content=content, role=role, mime="application/pdf")
        sync_to_the_end(handset)
        work_off()
    handset.order("sync")

    assert [path.partition(" ")[0] for path in network.paths if "attachments" in path] == ["PUT"]
    assert [one["state"] for one in handset.order("jobs")[0]["doc"]["attachments"]] == ["stored", "stored"]


def test_a_job_is_done_without_network_and_arrives_whole(
    handset: Handset,
    network: Network,
    open_client: Callable[..., None],
    scene: Scene,
    api: CheckedClient,
    ana: Somebody,
) -> None:
    visit = scene.dispatched(ana)
    whole = network.behaviour
    open_client(fresh=True)
    sync_to_the_end(handset)
    network.behaviour = lambda _: LOST
    for type_ in ("visit.accept", "visit.depart", "visit.arrive", "visit.start"):
        assert type_ in handset.order("jobs")[0]["doc"]["allowed"]
        handset.order("enqueue", given=[type_, visit["id"]])
        assert handset.order("sync")["state"] == "offline"
    assert handset.order("jobs")[0]["doc"]["status"] == "in_progress"

    network.behaviour = whole
    sync_to_the_end(handset)

    assert scene.get(f"/v1/visits/{visit['id']}")["status"] == "in_progress"
    assert handset.order("jobs")[0]["waiting"] == []
    assert handset.order("held") == what_the_server_has(api, ana)


def test_a_hint_brings_new_work_at_once(
    handset: Handset, open_client: Callable[..., None], scene: Scene, ana: Somebody
) -> None:
    open_client(fresh=True)
    sync_to_the_end(handset)
    handset.order("start")
    visit = scene.dispatched(ana)

    patience = time.monotonic() + 20
    while not handset.order("jobs") and time.monotonic() < patience:
        time.sleep(0.05)
    handset.order("stop")

    assert [view["id"] for view in handset.order("jobs")] == [visit["id"]]
