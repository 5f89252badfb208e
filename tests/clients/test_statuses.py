"""I10 and I21: nothing that a network or a server can answer takes an unanswered report out of the outbox."""

import itertools
from typing import Any

import pytest

from tests.clients.devices import Handset
from tests.clients.network import LOST, Answer, Network, Request, accepting, ours, problem, stranger

JOB = "0193501d-0000-7000-8000-000000000001"
#: Everything that HTTP knows and some that it does not.
STATUSES = [
    200, 201, 202, 204, 206, 226, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410,
    411, 412, 413, 415, 418, 422, 423, 425, 426, 428, 429, 431, 451, 460, 499, 500, 501, 502, 503, 504, 507, 511, 599,
]  # fmt: skip
#: Those whose code may matter.
MEANT = [200, 400, 401, 403, 409, 410, 413, 426, 503]
CODES = [
    "device_revoked", "app_too_old", "token_expired", "malformed", "too_large", "epoch_changed", "cursor_expired",
    "rep_changed", "something new",
]  # fmt: skip
#: The reasons for a reset, and what the server asks for.
RESETS = [
    *((code, "reconcile") for code in (
        "epoch_changed", "cursor_expired", "cursor_ahead", "cursor_foreign", "cursor_unreadable"
    )),
    ("rep_changed", "bootstrap"),
]  # fmt: skip


def a_page(*changes: dict[str, Any], cursor: str = "c1", **more: Any) -> dict[str, Any]:
    return {"changes": list(changes), "cursor": cursor, "has_more": False, **more}


def a_job(id_: str = JOB, rev: str = "1.1", **more: Any) -> dict[str, Any]:
    data = {"id": id_, "no": "WO-1", "version": 3, "status": "dispatched", "summary": "Boiler is cold", **more}
    return {"kind": "job", "id": id_, "op": "put", "rev": rev, "data": data}


def applied(request: Request) -> list[dict[str, Any]]:
    return [{"op_id": op["op_id"], "status": "applied"} for op in request.operations]


def with_a_job(handset: Handset, network: Network, **options: Any) -> None:
    """A device that has synced once, holds one job, and is certain that it holds what it should."""
    network.behaviour = lambda request: (
        ours(200, {"results": [], **a_page(a_job())}) if request.path == "/v1/sync" else ours(204)
    )
    handset.order("open", url=network.url, fresh=True, **options)
    assert handset.order("sync")["state"] == "synced"
    network.seen.clear()


def report_three(handset: Handset) -> list[str]:
    return [handset.order("enqueue", given=["note.add", JOB, {"text": f"note {n}"}]) for n in range(3)]


def unanswered(handset: Handset) -> list[str]:
    return [op["op_id"] for op in handset.order("outbox")]


@pytest.mark.parametrize("is_ours", [True, False], ids=["with the marker", "without the marker"])
def test_no_status_removes_a_report_without_a_final_answer(handset: Handset, network: Network, is_ours: bool) -> None:
    for status, code in [*itertools.product(STATUSES, CODES[:1]), *itertools.product(MEANT, CODES)]:
        with_a_job(handset, network)
        reported = report_three(handset)
        facts = {"recovery": "bootstrap" if code == "rep_changed" else "reconcile"} if status == 410 else {}
        answer = problem(status, code, **facts)
        network.behaviour = lambda _, a=answer: a if is_ours else Answer(a.status, {"Retry-After": "1"}, a.body)

        for _ in range(4):
            assert handset.order("sync")["state"] != "synced", (status, code)

        assert unanswered(handset) == reported, (status, code)
        assert handset.order("attention") == [], (status, code)

    network.behaviour = accepting
    handset.order("signed_in")
    assert handset.order("sync")["state"] == "synced"
    assert unanswered(handset) == []


@pytest.mark.parametrize("how", ["lost", "cut", "no json", "no results", "an array"])
def test_half_an_answer_is_no_answer(handset: Handset, network: Network, how: str) -> None:
    with_a_job(handset, network)
    reported = report_three(handset)
    before = handset.order("dump")

    def behave(request: Request) -> Answer:
        whole = accepting(request)
        return {
            "lost": LOST,
            "cut": Answer(200, whole.headers, whole.body, cut=20),
            "no json": Answer(200, whole.headers, b"<html>"),
            "no results": ours(200, {}),
            "an array": ours(200, []),
        }[how]

    network.behaviour = behave

    assert handset.order("sync")["state"] == "offline"
    assert unanswered(handset) == reported
    assert handset.order("dump") == before


@pytest.mark.parametrize(
    "answer",
    [
        stranger(200),
        Answer(204),
        stranger(302, b"", Location="/login"),
        stranger(200, b'{"results": [], "changes": [], "cursor": "evil", "has_more": false}'),
        stranger(410, b'{"code": "rep_changed", "recovery": "bootstrap"}'),
        stranger(403, b'{"code": "device_revoked"}'),
        stranger(413, b'{"code": "too_large"}'),
        stranger(511),
    ],
    ids=["200", "204", "302", "200 that looks right", "410", "403", "413", "511"],
)
def test_a_captive_portal_changes_nothing_on_the_device(handset: Handset, network: Network, answer: Answer) -> None:
    with_a_job(handset, network)
    report_three(handset)
    before = handset.order("dump")
    network.behaviour = lambda _: answer

    for _ in range(4):
        outcome = handset.order("sync")
        assert outcome["state"] == "offline"
        assert outcome["refreshed"] == 0

    assert handset.order("dump") == before
    assert {one.path for one in network.seen} == {"/v1/sync"}, "a redirect was followed"


@pytest.mark.parametrize(("code", "recovery"), RESETS)
@pytest.mark.parametrize("where", ["push", "pull"])
def test_no_reset_touches_the_outbox(handset: Handset, network: Network, code: str, recovery: str, where: str) -> None:
    with_a_job(handset, network)
    reported = report_three(handset)

    def behave(request: Request) -> Answer:
        if request.path == "/v1/sync/reconcile":
            assert request.json["have"] == {"job": {JOB: "1.1"}}
            return ours(200, a_page({"kind": "job", "id": JOB, "op": "remove", "reason": "reconcile"}, cursor="c2"))
        if request.path == "/v1/sync":
            more = (
                {"reset": {"code": code, "recovery": recovery}}
                if where == "push"
                else a_page(cursor="c", has_more=True)
            )
            return ours(200, {"results": [], **more})
        if "cursor=" in request.path:
            return problem(410, code, recovery=recovery)
        return ours(200, a_page(a_job("other"), cursor="c2"))

    network.behaviour = behave

    assert handset.order("sync")["state"] == "synced"
    assert unanswered(handset) == reported
    job = handset.order("dump")["replica"]
    assert [one["locked"] for one in job if one["id"] == JOB] == [True], "its stub waits for the answers"
    assert handset.order("dump")["meta"][0]["cursor"] == "c2"

    network.behaviour = accepting
    handset.order("sync")
    assert unanswered(handset) == []
    assert JOB not in [view["id"] for view in handset.order("jobs")]


def test_only_a_final_answer_ends_a_report(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    answers = ["applied", "noted", "rejected", "quarantined", "deferred", "invented", None]
    reported = [handset.order("enqueue", given=["note.add", JOB, {"text": str(one)}]) for one in answers]
    told = dict(zip(reported, answers, strict=True))

    def behave(request: Request) -> Answer:
        results = [{"op_id": op["op_id"], "status": told[op["op_id"]]} for op in request.operations]
        strangers = [{"op_id": JOB, "status": "applied"}]
        return ours(200, {"results": [one for one in results if one["status"]] + strangers, **a_page()})

    network.behaviour = behave
    handset.order("sync")

    assert [told[op_id] for op_id in unanswered(handset)] == ["deferred", "invented", None]
    rejected = handset.order("attention")
    assert [one["op"]["args"] for one in rejected] == [{"text": "rejected"}]


@pytest.mark.parametrize("status", [400, 413, 422, 500])
@pytest.mark.parametrize("bad", [0, 3, 6])
def test_a_poison_report_is_put_aside_with_its_text_and_holds_up_no_other(
    handset: Handset, network: Network, status: int, bad: int
) -> None:
    with_a_job(handset, network)
    reported = [handset.order("enqueue", given=["note.add", JOB, {"text": f"note {n}"}]) for n in range(7)]
    taken: list[str] = []

    def behave(request: Request) -> Answer:
        ids = [op["op_id"] for op in request.operations]
        if reported[bad] in ids:
            return problem(status, "too_large")
        taken.extend(ids)
        return accepting(request)

    network.behaviour = behave
    for _ in range(20):
        handset.order("sync")

    assert sorted(taken) == sorted(set(reported) - {reported[bad]})
    assert unanswered(handset) == []
    assert [one["op"]["args"]["text"] for one in handset.order("attention")] == [f"note {bad}"]
    attempts = [one for one in network.seen if [op["op_id"] for op in one.operations] == [reported[bad]]]
    assert len(attempts) == (3 if status == 500 else 1)


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_server_that_takes_nothing_at_all_makes_no_report_a_poison(
    handset: Handset, network: Network, status: int
) -> None:
    with_a_job(handset, network)
    reported = report_three(handset)
    network.behaviour = lambda _: problem(status, "malformed")

    for _ in range(20):
        assert handset.order("sync")["state"] == "refused"

    assert unanswered(handset) == reported
    assert handset.order("attention") == []


def test_an_expired_token_is_renewed_once_and_the_same_reports_are_sent(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    reported = report_three(handset)
    network.behaviour = lambda request: (
        accepting(request) if request.headers["authorization"] == "Bearer new" else problem(401, "token_expired")
    )
    handset.order("open", url=network.url, refresh_to="new")

    assert handset.order("sync") == {"state": "synced", "wait_ms": 60_000, "refreshed": 1}
    assert [[op["op_id"] for op in one.operations] for one in network.seen[:2]] == [reported, reported]


def test_a_revoked_device_deletes_customer_data_and_still_posts_its_outbox(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    report_three(handset)
    network.behaviour = lambda _: problem(403, "device_revoked")
    assert handset.order("sync")["state"] == "revoked"
    assert handset.order("dump")["replica"] == []
    assert len(unanswered(handset)) == 3

    network.seen.clear()
    network.behaviour = lambda request: ours(
        200, {"results": [{**one, "status": "quarantined"} for one in applied(request)], **a_page(a_job())}
    )
    assert handset.order("sync")["state"] == "revoked"
    assert handset.order("sync")["state"] == "revoked"

    assert network.paths == ["POST /v1/sync"], "it pulled, or asked again with nothing to hand in"
    assert handset.order("dump")["replica"] == [], "what came with it was kept"
    assert unanswered(handset) == []


def test_a_device_learns_that_it_is_revoked_when_a_push_brings_nothing_down(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    report_three(handset)
    network.behaviour = lambda request: (
        ours(200, {"results": applied(request)}) if request.path == "/v1/sync" else problem(403, "device_revoked")
    )

    assert handset.order("sync")["state"] == "revoked"
    assert handset.order("dump")["replica"] == []


def test_an_old_app_keeps_everything_and_says_so(handset: Handset, network: Network) -> None:
    with_a_job(handset, network)
    report_three(handset)
    before = handset.order("dump")
    network.behaviour = lambda _: problem(426, "app_too_old")

    assert handset.order("sync")["state"] == "update_required"
    assert handset.order("dump") == before


@pytest.mark.parametrize("answer", [LOST, stranger(200), problem(503, "busy"), problem(429, "slow_down")])
def test_waits_double_from_2_s_to_15_min_under_full_jitter(handset: Handset, network: Network, answer: Answer) -> None:
    with_a_job(handset, network, random=0.5)
    network.behaviour = lambda _: answer

    waits = [handset.order("sync")["wait_ms"] for _ in range(12)]

    assert waits == [min(450_000, 1_000 * 2**n) for n in range(12)]


def test_the_server_says_how_long_to_wait_at_least(handset: Handset, network: Network) -> None:
    with_a_job(handset, network, random=0.5)
    network.behaviour = lambda _: Answer(503, {"Sync-Protocol": "1", "Retry-After": "30"})

    assert handset.order("sync")["wait_ms"] == 31_000
