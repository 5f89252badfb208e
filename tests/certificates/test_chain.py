"""One chain for each organization: without a gap whatever happens at once, and nobody takes a link out unseen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.certificates.chain import Found, Walk, walk
from app.certificates.keys import adopt_keys, rotate_key, thumbprint
from app.identity.models import Organization
from app.kit import clock
from app.kit.runtime import Runtime
from tests.certificates.conftest import Intruder
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, just_now, make_job
from tests.sync.phone import Phone

AT_ONCE = 40
Close = Callable[[Job], Any]


@pytest.fixture
def jobs(runtime: Runtime, organization: Organization, ana: Somebody) -> Callable[[int], list[Job]]:
    """Jobs of Ana's that close when she completes them."""

    def make(count: int) -> list[Job]:
        assert ana.technician is not None
        return [make_job(runtime, organization.id, ana.technician.id) for _ in range(count)]

    return make


@pytest.fixture
def complete(api: CheckedClient, ana: Somebody) -> Close:
    def send(job: Job) -> Any:
        body = {"id": str(uuid4()), "action": "complete", "occurred_at": just_now()}
        return api.post(f"/v1/visits/{job.visit_id}/status-updates", json=body, headers=ana.headers)

    return send


@pytest.fixture
def walked(runtime: Runtime, organization: Organization) -> Callable[[], tuple[list[Found], Walk]]:
    def do() -> tuple[list[Found], Walk]:
        so_far = Walk()
        return list(walk(runtime, so_far, only=organization.id)), so_far

    return do


@pytest.fixture
def chain(jobs: Callable[[int], list[Job]], complete: Close, organization: Organization) -> UUID:
    """The organization, with four links."""
    for job in jobs(4):
        assert complete(job).status_code == 201
    return organization.id


Walked = Callable[[], tuple[list[Found], Walk]]


def parts(found: list[Found]) -> set[str]:
    return {one.difference.part for one in found}


def test_a_whole_chain_has_nothing_to_tell_and_names_its_end(chain: UUID, walked: Walked, intruder: Intruder) -> None:
    found, so_far = walked()

    assert (found, so_far.links, so_far.total) == ([], 4, 4)
    [(sha256,)] = intruder.run("SELECT sha256 FROM certificates WHERE organization_id = %s AND position = 4", chain)
    assert so_far.ends == {chain: (4, sha256.hex())}


def test_forty_closings_at_once_make_a_chain_without_a_gap(
    jobs: Callable[[int], list[Job]], complete: Close, walked: Walked
) -> None:
    waiting, ready = jobs(AT_ONCE), Barrier(AT_ONCE)

    def at_once(job: Job) -> Any:
        ready.wait()
        return complete(job)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(at_once, waiting))

    assert {answer.status_code for answer in answers} == {201}
    found, so_far = walked()
    assert (found, so_far.links) == ([], AT_ONCE)


def test_a_phone_that_closes_several_at_once_gets_a_link_for_each(
    jobs: Callable[[int], list[Job]], api: CheckedClient, ana: Somebody, walked: Walked
) -> None:
    phone = Phone(api, ana).register()
    waiting = jobs(6)

    results = phone.push(*(phone.operation("visit.complete", job.visit_id) for job in waiting))

    assert [one["status"] for one in results] == ["applied"] * 6
    found, so_far = walked()
    assert (found, so_far.links) == ([], 6)
    assert {job.work_order().status for job in waiting} == {"closed"}


def test_phones_and_the_office_close_at_once_without_standing_in_each_others_way(
    jobs: Callable[[int], list[Job]], complete: Close, api: CheckedClient, ana: Somebody, walked: Walked
) -> None:
    waiting, ready = jobs(24), Barrier(8)
    phone = Phone(api, ana).register()
    batches = [waiting[0:5], waiting[5:10], waiting[10:15], waiting[15:20]]
    bodies = [
        {"sent_at": just_now(), "operations": [phone.operation("visit.complete", job.visit_id) for job in batch]}
        for batch in (*batches[:2], *(list(reversed(batch)) for batch in batches[2:]))
    ]

    def push(body: Any) -> list[str]:
        ready.wait()
        answer = api.post("/v1/sync", json=body, headers=ana.headers)
        return [one["status"] for one in answer.json()["results"]]

    def one(job: Job) -> list[str]:
        ready.wait()
        return ["applied"] if complete(job).status_code == 201 else []

    with ThreadPoolExecutor(8) as threads:
        pushed = [threads.submit(push, body) for body in bodies]
        single = [threads.submit(one, job) for job in waiting[20:]]
        statuses = [status for task in (*pushed, *single) for status in task.result()]

    assert statuses == ["applied"] * 24
    found, so_far = walked()
    assert (found, so_far.links) == ([], 24)


def test_a_link_that_was_taken_out_is_missed(chain: UUID, walked: Walked, intruder: Intruder) -> None:
    intruder.run("DELETE FROM certificates WHERE organization_id = %s AND position = 2", chain)

    found, _ = walked()

    assert "There is no link 2." in {one.difference.detail for one in found}
    assert {"chain", "certificates"} <= parts(found), "and its work order has no certificate"


def test_taking_out_the_last_link_leaves_closed_work_without_one(
    chain: UUID, walked: Walked, intruder: Intruder
) -> None:
    intruder.run("DELETE FROM certificates WHERE organization_id = %s AND position = 4", chain)

    found, _ = walked()

    assert [(one.difference.part, one.difference.what) for one in found] == [("certificates", "missing")]


def test_links_that_changed_places_are_found(chain: UUID, walked: Walked, intruder: Intruder) -> None:
    swap = "UPDATE certificates SET position = %s WHERE organization_id = %s AND position = %s"
    for after, before in ((99, 2), (2, 3), (3, 99)):
        intruder.run(swap, after, chain, before)

    found, _ = walked()

    assert {"certificate", "chain"} <= parts(found)


def test_a_forged_link_is_found(chain: UUID, walked: Walked, intruder: Intruder) -> None:
    intruder.run(
        "INSERT INTO certificates SELECT (jsonb_populate_record(NULL::certificates, to_jsonb(c) || jsonb_build_object("
        "'id', gen_random_uuid(), 'position', 5, 'revision', 2, 'code', 'A', 'previous_sha256', c.sha256))).* "
        "FROM certificates c WHERE organization_id = %s AND position = 4",
        chain,
    )

    found, _ = walked()

    assert parts(found) == {"certificate"}


def test_a_link_signed_with_somebodys_own_key_is_found(chain: UUID, walked: Walked, intruder: Intruder) -> None:
    """They hold the database but not the program's secret: the signature is right, the key is not ours."""
    theirs = Ed25519PrivateKey.generate()
    public = theirs.public_key().public_bytes_raw()
    [(document,)] = intruder.run("SELECT document FROM certificates WHERE organization_id = %s AND position = 4", chain)
    [(ours,)] = intruder.run("SELECT key_id FROM signing_keys WHERE organization_id = %s", chain)
    forged = bytes(document).replace(ours.encode(), thumbprint(public).encode())
    intruder.run(
        "INSERT INTO signing_keys SELECT (jsonb_populate_record(NULL::signing_keys, to_jsonb(k) || jsonb_build_object("
        "'id', gen_random_uuid(), 'key_id', %s::text, 'public_key', %s::bytea))).* FROM signing_keys k "
        "WHERE organization_id = %s",
        thumbprint(public),
        public,
        chain,
    )
    intruder.run(
        "UPDATE certificates SET document = %s, sha256 = sha256(%s), signature = %s, key_id = %s "
        "WHERE organization_id = %s AND position = 4",
        forged,
        forged,
        theirs.sign(forged),
        thumbprint(public),
        chain,
    )

    found, _ = walked()

    assert parts(found) == {"key"}


def test_what_an_old_key_signed_stays_valid(
    chain: UUID, jobs: Callable[[int], list[Job]], complete: Close, runtime: Runtime, walked: Walked, intruder: Intruder
) -> None:
    with runtime.transaction(chain) as db:
        rotate_key(db, chain, at=clock.now() + timedelta(seconds=1))
    assert complete(jobs(1)[0]).status_code == 201

    found, so_far = walked()

    assert (found, so_far.links) == ([], 5)
    used = intruder.run("SELECT key_id FROM certificates WHERE organization_id = %s ORDER BY position", chain)
    assert len(set(used)) == 2
    assert used[3] != used[4]
    [(kept,)] = intruder.run(
        "SELECT length(sealed_seed) FROM signing_keys WHERE organization_id = %s AND retired_at IS NOT NULL", chain
    )
    assert kept == 12 + 16, "a nonce and a seal: the seed is gone"


NEW_SECRET = "another secret that is long enough for anybody"


def test_a_seed_under_an_earlier_secret_signs_on_when_that_is_listed(
    chain: UUID,
    jobs: Callable[[int], list[Job]],
    complete: Close,
    runtime: Runtime,
    walked: Walked,
    intruder: Intruder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "previous_secrets", (runtime.secret,))
    monkeypatch.setattr(runtime, "secret", NEW_SECRET)
    assert complete(jobs(1)[0]).status_code == 201

    assert len(intruder.run("SELECT DISTINCT key_id FROM certificates WHERE organization_id = %s", chain)) == 1
    assert walked()[0] == []


def test_after_the_secret_was_lost_a_new_key_signs_and_the_old_one_is_believed_when_somebody_says_so(
    chain: UUID,
    jobs: Callable[[int], list[Job]],
    complete: Close,
    runtime: Runtime,
    walked: Walked,
    intruder: Intruder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runtime, "secret", NEW_SECRET)
    assert complete(jobs(1)[0]).status_code == 201

    assert len(intruder.run("SELECT DISTINCT key_id FROM certificates WHERE organization_id = %s", chain)) == 2
    found, _ = walked()
    assert [one.difference.part for one in found] == ["key"] * 4

    with runtime.transaction(chain) as db:
        assert adopt_keys(db, chain, at=clock.now()) == 1

    assert walked()[0] == []
