"""What the two clients send, and what they make of what they get: pages, removals, time, and what is shown."""

import re
from typing import Any

import pytest

from app.domain.replica import digest_of
from tests.clients.devices import Handset
from tests.clients.network import Answer, Network, Request, accepting, ours, problem
from tests.clients.test_statuses import JOB, a_job, a_page, applied, unanswered, with_a_job


def pages(*given: dict[str, Any]) -> Any:
    """A server that hands out these pages one after the other, whatever it is asked."""
    left = list(given)

    def behave(request: Request) -> Answer:
        if not left:
            return accepting(request)
        return ours(200, {"results": applied(request) if request.path == "/v1/sync" else [], **left.pop(0)})

    return behave


def shown(handset: Handset, id_: str = JOB) -> dict[str, Any]:
    found: dict[str, Any] = next(view for view in handset.order("jobs") if view["id"] == id_)
    return found


def test_an_operation_is_the_same_at_each_attempt_but_for_its_age(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    handset.order("clock", now=1_800_000_000_000, monotonic=5_000)
    handset.order("enqueue", given=["visit.start", JOB], depends_on=["0193501d-0000-7000-8000-00000000000a"])
    network.behaviour = lambda _: problem(503, "busy")
    handset.order("clock", now=1_800_000_100_000, monotonic=8_000)
    handset.order("sync")
    handset.order("clock", now=1_700_000_000_000, monotonic=9_000)
    handset.order("sync")
    handset.order("open", url=network.url)
    handset.order("sync")
    handset.order("clock", now=None, monotonic=None)

    sent = [one.json for one in network.seen]
    assert [one["sent_at"] for one in sent] == [
        "2027-01-15T08:01:40.000Z", "2023-11-14T22:13:20.000Z", "2023-11-14T22:13:20.000Z",
    ]  # fmt: skip
    operations = [one["operations"][0] for one in sent]
    assert [op.pop("age_ms") for op in operations] == [3_000, 4_000, None], "after a restart nobody knows"
    assert operations[0] == operations[1] == operations[2]
    op_id = operations[0].pop("op_id")
    assert re.fullmatch(r"01a3[0-9a-f]{4}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", op_id)
    assert operations[0] == {
        "seq": 1,
        "type": "visit.start",
        "target": JOB,
        "base_version": 3,
        "occurred_at": "2027-01-15T08:00:00.000Z",
        "depends_on": ["0193501d-0000-7000-8000-00000000000a"],
    }


def test_long_bodies_are_packed_and_short_ones_are_not(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    network.behaviour = accepting
    handset.order("sync")
    for _ in range(5):
        handset.order("enqueue", given=["note.add", JOB, {"text": "The pump is loud. " * 10}])
    handset.order("sync")

    assert ["content-encoding" in one.headers for one in network.seen] == [False, True]


def test_batches_keep_to_the_limits_and_the_order(handset: Handset, network: Network) -> None:
    with_a_job(handset, network, limits={"max_ops": 3, "max_body_bytes": 4_000})
    network.behaviour = accepting
    reported = [handset.order("enqueue", given=["note.add", JOB, {"text": "a"}]) for _ in range(7)]
    reported += [handset.order("enqueue", given=["note.add", JOB, {"text": "x" * 1_500}]) for _ in range(3)]
    handset.order("sync")

    batches = [[op["op_id"] for op in one.operations] for one in network.seen if one.operations]
    assert [len(batch) for batch in batches] == [3, 3, 2, 1, 1]
    assert [op_id for batch in batches for op_id in batch] == reported
    assert [op["seq"] for one in network.seen for op in one.operations] == list(range(1, 11))


def test_what_was_deferred_never_holds_up_what_is_new(handset: Handset, network: Network) -> None:
    with_a_job(handset, network, limits={"max_ops": 2})
    stuck = [handset.order("enqueue", given=["note.add", JOB, {"text": "later"}]) for _ in range(4)]

    def behave(request: Request) -> Answer:
        said = [
            {"op_id": op["op_id"], "status": "deferred" if op["args"]["text"] == "later" else "applied"}
            for op in request.operations
        ]
        return ours(200, {"results": said, **a_page()})

    network.behaviour = behave
    handset.order("sync")
    assert len([one for one in network.seen if one.operations]) == 2, "each was sent once"
    new = handset.order("enqueue", given=["note.add", JOB, {"text": "now"}])
    network.seen.clear()
    handset.order("sync")

    assert new in [op["op_id"] for op in network.seen[0].operations]
    assert unanswered(handset) == stuck


def test_a_bootstrap_sweeps_what_is_older_only_after_its_last_page(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    handset.order("set", cursor=None)
    network.behaviour = pages(
        a_page(a_job("a"), cursor="p1", has_more=True, phase="bootstrap"),
        a_page(a_job("b"), cursor="p2", has_more=True, phase="bootstrap"),
    )
    # The third request answers 204 in this exchange: the pages end there for now.
    handset.order("sync")
    assert sorted(handset.order("held")) == [f"job|{JOB}", "job|a", "job|b"]

    network.behaviour = pages(a_page(a_job("c"), cursor="p3", phase="bootstrap"))
    handset.order("sync")
    assert sorted(handset.order("held")) == ["job|a", "job|b", "job|c"]


def test_what_is_unknown_is_ignored(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    network.behaviour = pages(
        a_page(
            {"kind": "weather", "id": "1", "op": "put", "rev": "1.2", "data": {"rain": True}},
            {"kind": "job", "id": JOB, "op": "twist", "rev": "1.3"},
            {"kind": "job", "id": "never seen", "op": "remove", "reason": "invented"},
            a_job(rev="1.4", colour="green"),
        )
    )
    assert handset.order("sync")["state"] == "synced"

    assert [view["id"] for view in handset.order("jobs")] == [JOB]
    assert handset.order("held") == {f"job|{JOB}": "1.4", "weather|1": "1.2"}


def test_a_removed_job_with_an_unanswered_report_stays_as_a_locked_stub(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    handset.order("enqueue", given=["note.add", JOB, {"text": "The key is at the neighbour's"}])
    removal = {"kind": "job", "id": JOB, "op": "remove", "reason": "reassigned"}
    network.behaviour = lambda request: (
        ours(200, {"results": [], **a_page(removal)}) if request.path == "/v1/sync" else ours(204)
    )
    handset.order("sync")
    view = shown(handset)
    assert view["locked"]
    assert view["doc"] == {"id": JOB, "no": "WO-1", "status": "dispatched", "summary": "Boiler is cold"}

    network.behaviour = accepting
    handset.order("sync")
    assert handset.order("jobs") == []


def test_waiting_reports_show_on_top_of_every_page(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    tasks = [{"id": "t1", "label": "Isolate", "done": False}]
    network.behaviour = pages(a_page(a_job(rev="1.2", tasks=tasks, allowed=["visit.accept", "note.add"])))
    handset.order("sync")
    network.behaviour = lambda _: problem(503, "busy")
    for what in (
        ["visit.depart", JOB], ["visit.arrive", JOB], ["visit.start", JOB], ["visit.pause", JOB, {"reason": "break"}],
        ["visit.resume", JOB], ["note.add", JOB, {"text": "Done soon"}], ["part.use", JOB, {"part": "P-1", "qty": 2}],
        ["task.set", JOB, {"task_id": "t1", "done": True}], ["a.new.kind", JOB, {"x": 1}],
    ):  # fmt: skip
        handset.order("enqueue", given=what)

    doc = shown(handset)["doc"]
    assert doc["status"] == "in_progress"
    assert doc["allowed"] == ["visit.pause", "visit.complete", "visit.end_incomplete", "note.add"]
    assert doc["notes"][0]["text"] == "Done soon"
    assert doc["parts_used"][0]["part"] == "P-1"
    assert doc["tasks"][0]["done"] is True
    assert handset.order("dump")["replica"][0]["doc"]["status"] == "dispatched", "what is kept is the server's"

    page = a_page(a_job(rev="1.3", status="accepted", tasks=tasks, notes=[{"text": "Of the office"}]))
    network.behaviour = lambda request: ours(200, {"results": [], **page}) if request.path == "/v1/sync" else ours(204)
    handset.order("sync")
    doc = shown(handset)["doc"]
    assert doc["status"] == "in_progress"
    assert [note["text"] for note in doc["notes"]] == ["Done soon", "Of the office"]


def test_a_rejected_report_can_be_edited_and_sent_again_under_a_new_id(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    first = handset.order("enqueue", given=["note.add", JOB, {"text": ""}])
    network.behaviour = lambda request: ours(
        200,
        {"results": [{**one, "status": "rejected", "code": "invalid_args"} for one in applied(request)], **a_page()},
    )
    handset.order("sync")
    assert shown(handset)["attention"][0]["result"]["code"] == "invalid_args"

    second = handset.order("resend", given=[first, {"text": "Better"}])
    assert second != first
    assert handset.order("attention") == []
    network.behaviour = accepting
    handset.order("sync")
    sent = network.seen[-1].operations[0]
    assert (sent["op_id"], sent["args"]) == (second, {"text": "Better"})


def test_a_report_without_an_answer_is_sent_again_under_its_own_id_and_body(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    only = handset.order("enqueue", given=["note.add", JOB, {"text": "too long"}])
    network.behaviour = lambda request: problem(413, "too_large") if request.operations else accepting(request)
    handset.order("sync")
    before = network.seen[0].operations[0]
    assert handset.order("attention")[0]["result"] == {"op_id": only, "status": "unanswered", "code": "too_large"}

    assert handset.order("resend", given=[only]) == only
    network.behaviour = accepting
    handset.order("sync")
    after = network.seen[-1].operations[0]
    assert {**before, "age_ms": 0} == {**after, "age_ms": 0}


def test_the_digest_is_asked_for_at_the_start_and_once_a_day(handset: Handset, network: Network) -> None:
    handset.order("clock", now=1_800_000_000_000)
    with_a_job(handset, network)
    for day in (0, 0.5, 1.1):
        handset.order("clock", now=1_800_000_000_000 + day * 86_400_000)
        handset.order("sync")
    handset.order("open", url=network.url)
    handset.order("sync")
    handset.order("clock", now=None)

    asked = [position for position, one in enumerate(network.seen) if "digest=1" in one.path]
    assert asked == [3, 5], "a sync is a push; after the third and the fourth the digest was asked for"


@pytest.mark.parametrize("fits", [True, False])
def test_another_digest_than_the_server_s_leads_to_a_reconcile(handset: Handset, network: Network, fits: bool) -> None:
    with_a_job(handset, network)
    digest = digest_of([("job", JOB, "1.1" if fits else "1.2")])
    handset.order("open", url=network.url)
    network.behaviour = lambda request: (
        ours(200, a_page(digest=digest)) if "digest=1" in request.path else
        ours(200, a_page(a_job("new"), cursor="c9")) if request.path.endswith("/reconcile") else accepting(request)
    )  # fmt: skip
    handset.order("sync")

    assert ("POST /v1/sync/reconcile" in network.paths) is not fits
    assert ("job|new" in handset.order("held")) is not fits


def test_a_reconcile_in_parts_keeps_the_old_cursor_until_the_end(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    parts = [
        {"changes": [a_job("a")], "cursor": None, "has_more": True},
        {"changes": [a_job("b")], "cursor": "c2", "has_more": False},
    ]
    asked: list[Any] = []

    def behave(request: Request) -> Answer:
        if request.path.endswith("/reconcile"):
            asked.append(request.json["have"])
            return ours(200, parts[len(asked) - 1])
        return ours(200, {"results": [], "reset": {"code": "cursor_expired", "recovery": "reconcile"}})

    network.behaviour = behave
    handset.order("sync")

    assert asked == [{"job": {JOB: "1.1"}}, {"job": {JOB: "1.1", "a": "1.1"}}]
    assert handset.order("dump")["meta"][0]["cursor"] == "c2"


def test_more_than_5000_things_are_fetched_anew_and_not_compared(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    many = [{"kind": "stock", "id": f"P-{n}", "op": "put", "rev": "1.2", "data": {"qty": 1}} for n in range(5_001)]
    network.behaviour = pages(a_page(*many))
    handset.order("sync")

    def behave(request: Request) -> Answer:
        if request.path == "/v1/sync":
            return ours(200, {"results": [], "reset": {"code": "cursor_expired", "recovery": "reconcile"}})
        return ours(200, a_page(a_job("a"), cursor="c2", phase="bootstrap"))

    network.behaviour = behave
    network.seen.clear()
    handset.order("sync")

    assert network.paths == ["POST /v1/sync", "GET /v1/sync/changes"]
    assert handset.order("held") == {"job|a": "1.1"}


def test_a_quarrel_about_the_cursor_ends_for_this_time(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    network.behaviour = lambda request: (
        problem(410, "cursor_ahead", recovery="bootstrap") if request.method == "GET" else
        ours(200, {"results": [], "reset": {"code": "rep_changed", "recovery": "bootstrap"}})
    )  # fmt: skip

    assert handset.order("sync")["state"] == "offline"
    assert len(network.seen) < 10
