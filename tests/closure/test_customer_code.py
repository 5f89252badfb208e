"""The code that the customer tells: made once, told to the customer alone, tried so often and no more."""

import hashlib
import logging
import re
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlmodel import Session, select

from app.closure.codes import check_code, code_bundles, ensure_code
from app.closure.commands.customer_codes import check_online
from app.closure.models import CustomerCode
from app.customers.models import Contact
from app.kit import clock
from app.kit.outbox import OutboxMessage
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.main import build_runtime
from app.messages.models import CustomerMessage
from app.visits.models import Visit
from tests.closure.customers import Web, another, digits_in, letters_to, path_in
from tests.closure.test_submit_closure import a_closure
from tests.conftest import CheckedClient, Somebody
from tests.field import Job, just_now

Cleo = Callable[..., Contact]


def asking(**params: Any) -> dict[str, Any]:
    return {"id": "p", "rules": [{"id": "code", "kind": "customer_code", "params": params}]}


Make = Callable[..., Job]


@pytest.fixture
def coded(new_job: Callable[..., Job], cleo: Cleo, work_off: Callable[[], None]) -> Make:
    """Ana is at work where Cleo's code is needed, and Cleo has it."""

    def make(contact: dict[str, Any] | None = None, status: str = "in_progress", **params: Any) -> Job:
        job = new_job(policy=asking(**params), contact_id=cleo(**(contact or {})).id, status=status)
        work_off()
        return job

    return make


def code_of(db: Session, job: Job) -> CustomerCode:
    db.rollback()
    from app.kit.database import enter

    enter(db, job.organization_id)
    query = select(CustomerCode).where(CustomerCode.visit_id == job.visit_id).order_by(CustomerCode.id.desc())  # type: ignore[attr-defined]
    return db.exec(query.execution_options(populate_existing=True)).first()  # type: ignore[return-value]


def a_try(api: CheckedClient, job: Job, who: Somebody, digits: str) -> dict[str, Any]:
    answer = api.post(f"/v1/visits/{job.visit_id}/customer-code-checks", json={"code": digits}, headers=who.headers)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def says(text: str, digits: str) -> bool:
    """Whether the code stands there by itself, and not by chance inside some id or fraction of a second."""
    return re.search(rf"(?<![0-9a-f.]){digits}(?![0-9a-f])", text) is not None


def with_code(digits: str | None, **more: Any) -> dict[str, Any]:
    told = {"code": digits, "entered_at": just_now(minutes=6), "checked": "offline"} if digits else None
    return a_closure(customer_code=told, **more)


def submitted(api: CheckedClient, job: Job, who: Somebody, body: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(f"/v1/visits/{job.visit_id}/closure", json=body, headers=who.headers)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def test_the_customer_gets_the_code_when_somebody_is_sent(coded: Make, db: Session) -> None:
    job = coded()

    [letter] = letters_to(db, job)
    code = code_of(db, job)
    assert (letter.channel, letter.to) == ("sms", "+49301234567")
    assert f"is {digits_in(letter)}" in letter.text
    assert code.hash == hashlib.scrypt(digits_in(letter).encode(), salt=code.salt, n=16_384, r=8, p=1, dklen=32)
    assert code.expires_at - code.created_at == timedelta(hours=168)


def test_the_code_comes_by_e_mail_in_the_customers_language(coded: Make, db: Session) -> None:
    job = coded({"language": "de"}, channel="email")

    [letter] = letters_to(db, job)
    assert letter.channel == "email"
    assert letter.subject.startswith("Ihr Code für WO")
    assert "Nennen Sie unserem Techniker diesen Code" in letter.text
    assert f'<p class="figure">{digits_in(letter)}</p>' in letter.html
    assert '<html lang="de"' in letter.html


def test_a_customer_without_a_phone_gets_it_by_e_mail(coded: Make, db: Session) -> None:
    [letter] = letters_to(db, coded({"phone": None}))

    assert letter.to == "cleo@example.org"


def test_whose_policy_asks_for_no_code_gets_none(new_job: Callable[..., Job], db: Session, cleo: Cleo) -> None:
    job = new_job(contact_id=cleo().id)

    assert code_of(db, job) is None


def test_a_code_that_is_good_is_not_replaced(coded: Make, runtime: Runtime, db: Session) -> None:
    job = coded()
    before = code_of(db, job).id

    with runtime.transaction(job.organization_id) as writing:
        ensure_code(writing, job.organization_id, job.visit_id, at=clock.now())
    assert code_of(db, job).id == before
    with runtime.transaction(job.organization_id) as writing:
        ensure_code(writing, job.organization_id, job.visit_id, at=clock.now() + timedelta(days=8))

    assert code_of(db, job).id != before


def test_the_right_code_is_right_once(coded: Make, api: CheckedClient, ana: Somebody, db: Session) -> None:
    job = coded()
    digits = digits_in(letters_to(db, job)[0])

    first, again = a_try(api, job, ana, digits), a_try(api, job, ana, digits)

    assert (first["state"], first["accepted"], first["checked"]) == ("ok", True, "online")
    assert (again["state"], again["accepted"]) == ("used", True)
    assert digits not in str(first) + str(again)


def test_guessing_is_stopped(coded: Make, api: CheckedClient, ana: Somebody, db: Session) -> None:
    job = coded()
    digits = digits_in(letters_to(db, job)[0])

    seen = [a_try(api, job, ana, another(digits, step)) for step in range(1, 7)]

    assert [one["state"] for one in seen] == ["wrong"] * 4 + ["locked"] * 2
    assert [one["attempts_left"] for one in seen] == [4, 3, 2, 1, 0, 0]
    assert a_try(api, job, ana, digits)["state"] == "locked"
    assert code_of(db, job).used_at is None


def test_the_same_wrong_code_counts_once(coded: Make, api: CheckedClient, ana: Somebody, db: Session) -> None:
    job = coded()
    wrong = another(digits_in(letters_to(db, job)[0]))

    assert {a_try(api, job, ana, wrong)["attempts_left"] for _ in range(7)} == {4}


def test_a_code_dies_with_its_time(coded: Make, api: CheckedClient, ana: Somebody, db: Session) -> None:
    job = coded(ttl_hours=1)
    digits = digits_in_code(job, db)

    assert a_try(api, job, ana, digits)["state"] == "expired"


def digits_in_code(job: Job, db: Session) -> str:
    from app.closure.codes import digits_of

    code = code_of(db, job)
    db.info["runtime"] = job.runtime
    digits = digits_of(db, code)
    assert digits is not None
    return digits


def test_of_many_tries_at_once_only_so_many_are_judged(
    coded: Make, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    job = coded()
    digits = digits_in(letters_to(db, job)[0])
    guesses = [another(digits, step) for step in range(1, 24)] + [digits]

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda one: a_try(api, job, ana, one)["state"], guesses))

    assert seen.count("wrong") + seen.count("ok") <= 5
    assert len(code_of(db, job).tried) <= 5


def guess(settings: dict[str, Any], dsn: str, organization: str, visit: str, guesses: list[str]) -> list[str]:
    """What another process is told, try by try."""
    runtime = build_runtime(Settings(**settings), dsn)
    seen = []
    for digits in guesses:
        with runtime.transaction(UUID(organization)) as db:
            found = db.get_one(Visit, (UUID(organization), UUID(visit)))
            seen.append(check_online(db, found, digits, at=clock.now()).state.value)
    runtime.engine.dispose()
    return seen


def test_two_processes_share_the_tries(coded: Make, settings: Settings, dsn: str, db: Session) -> None:
    job = coded(attempts=8)
    digits = digits_in(letters_to(db, job)[0])
    told = {
        "data_dir": str(settings.data_dir),
        "run_worker": False,
        "public_url": "http://testserver",
        "secret_key": settings.secret_key.get_secret_value(),  # type: ignore[union-attr]
    }
    mine = [[another(digits, step) for step in range(first, 60, 2)] for first in (1, 2)]

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        where = (dsn, str(job.organization_id), str(job.visit_id))
        running = [pool.submit(guess, told, *where, guesses) for guesses in mine]
        seen = [state for one in running for state in one.result(timeout=120)]

    assert seen.count("wrong") == 7
    assert set(seen) == {"wrong", "locked"}
    assert len(code_of(db, job).tried) == 8


def test_a_new_code_makes_the_old_one_worthless(
    coded: Make, api: CheckedClient, ana: Somebody, db: Session, work_off: Callable[[], None]
) -> None:
    job = coded()
    old = digits_in(letters_to(db, job)[0])

    answer = api.post(f"/v1/visits/{job.visit_id}/customer-codes", headers=ana.headers)
    work_off()

    assert answer.status_code == 201
    new = digits_in(letters_to(db, job)[1])
    assert new not in answer.text
    assert a_try(api, job, ana, old)["state"] == "wrong"
    assert a_try(api, job, ana, new)["state"] == "ok"
    late = api.post(f"/v1/visits/{job.visit_id}/customer-codes", headers=ana.headers)
    assert (late.status_code, late.json()["code"]) == (409, "customer-code-used")


def test_new_codes_come_to_an_end(coded: Make, api: CheckedClient, dana: Somebody) -> None:
    job = coded()
    path = f"/v1/visits/{job.visit_id}/customer-codes"

    seen = [api.post(path, headers=dana.headers).status_code for _ in range(10)]

    assert seen == [201] * 9 + [429]


def test_a_technician_asks_for_a_new_code_only_while_there(
    coded: Make, api: CheckedClient, ana: Somebody, dana: Somebody
) -> None:
    job = coded(status="dispatched")
    path = f"/v1/visits/{job.visit_id}/customer-codes"

    early = api.post(path, headers=ana.headers)

    assert (early.status_code, early.json()["code"]) == (409, "not-on-site")
    assert api.post(path, headers=dana.headers).status_code == 201


def test_the_office_reads_the_code_out_and_technicians_never(
    coded: Make, api: CheckedClient, ana: Somebody, dana: Somebody, sam: Somebody, max_: Somebody, db: Session
) -> None:
    job = coded()
    path = f"/v1/visits/{job.visit_id}/customer-code"

    for who in (dana, sam):
        told = api.get(path, headers=who.headers)
        assert told.json()["code"] == digits_in(letters_to(db, job)[0])
        assert told.headers["cache-control"] == "no-store"
    for who in (ana, max_):
        assert api.get(path, headers=who.headers).status_code == 403


def test_who_dispatches_and_drives_does_not_read_the_code(
    coded: Make, api: CheckedClient, runtime: Runtime, ana: Somebody
) -> None:
    from app.identity.models import Person

    job = coded()
    with runtime.transaction(job.organization_id) as writing:
        writing.get_one(Person, (job.organization_id, ana.id)).roles = ["technician", "dispatcher"]

    answer = api.get(f"/v1/visits/{job.visit_id}/customer-code", headers=ana.headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "code-is-the-customers")


def test_the_technician_sees_the_code_nowhere(
    coded: Make,
    api: CheckedClient,
    ana: Somebody,
    db: Session,
    work_off: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    job = coded()
    digits = digits_in(letters_to(db, job)[0])
    visit = f"/v1/visits/{job.visit_id}"

    answers = [
        api.get(path, headers=ana.headers)
        for path in (
            "/v1/my/jobs", f"/v1/my/jobs/{job.visit_id}", f"{visit}/closure", f"{visit}/summary", "/v1/sync",
            f"/v1/work-orders/{job.work_order_id}/messages", f"{visit}/customer-code",
        )
    ]  # fmt: skip
    answers.append(api.post(f"{visit}/customer-code-checks", json={"code": digits}, headers=ana.headers))
    work_off()

    assert [str(one.request.url) for one in answers if says(one.text, digits)] == []
    assert not says(caplog.text, digits)
    out, err = capfd.readouterr()
    assert not says(out + err, digits)


def test_a_code_that_was_entered_offline_is_checked_again(
    coded: Make, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    job = coded()
    digits = digits_in(letters_to(db, job)[0])

    first = submitted(api, job, ana, with_code(another(digits)))
    then = submitted(api, job, ana, with_code(digits))

    assert (first["verdict"], then["verdict"]) == ("unmet", "verified")
    code = code_of(db, job)
    assert (code.checked, len(code.tried)) == ("offline", 1)


def test_where_the_server_must_have_checked_what_was_entered_offline_is_not_enough(
    coded: Make, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    offline, online = coded(online_required=True), coded(online_required=True)

    a_try(api, online, ana, digits_in_code(online, db))

    assert submitted(api, offline, ana, with_code(digits_in_code(offline, db)))["verdict"] == "unmet"
    assert submitted(api, online, ana, with_code(None))["verdict"] == "verified"


def test_wrong_codes_in_submissions_are_counted_though_the_submission_is_refused(
    coded: Make, runtime: Runtime, db: Session
) -> None:
    """Nobody gets tries for nothing by making the rest of a request fail; and a batch that is begun anew costs none."""
    job = coded()
    digits = digits_in(letters_to(db, job)[0])

    def refused(given: str) -> Any:
        with runtime.session() as trying:
            from app.kit.database import enter

            enter(trying, job.organization_id)
            said = check_code(trying, job.organization_id, job.visit_id, given, effective_at=clock.now())
            trying.rollback()
            return said

    assert refused(another(digits)) == refused(another(digits)) == {"state": "wrong", "how": "offline"}
    assert len(code_of(db, job).tried) == 1
    assert refused(digits) == {"state": "ok", "how": "offline"}
    assert code_of(db, job).used_at is None, "a submission that is refused has not used it"
    for step in range(2, 6):
        refused(another(digits, step))
    assert refused(digits) == {"state": "locked", "how": "offline"}


def test_what_was_told_before_a_new_code_was_sent_still_counts(
    coded: Make, api: CheckedClient, ana: Somebody, dana: Somebody, db: Session
) -> None:
    job = coded()
    digits = digits_in(letters_to(db, job)[0])
    api.post(f"/v1/visits/{job.visit_id}/customer-codes", headers=dana.headers)

    assert submitted(api, job, ana, with_code(digits))["verdict"] == "verified"


def test_devices_get_what_they_check_by_unless_the_server_must(coded: Make, db: Session) -> None:
    job, strict = coded(), coded(online_required=True)
    digits = digits_in_code(job, db)

    bundles = code_bundles(db, job.organization_id, [job.visit_id, strict.visit_id])

    assert set(bundles) == {job.visit_id}
    bundle = bundles[job.visit_id]
    sizes = {"n": bundle["n"], "r": bundle["r"], "p": bundle["p"], "dklen": 32}
    assert hashlib.scrypt(digits.encode(), salt=b64decode(bundle["salt"]), **sizes) == b64decode(bundle["hash"])


def test_the_code_is_nowhere_in_the_database_but_in_what_was_sent(coded: Make, db: Session, dsn: str) -> None:
    job = coded()
    digits = digits_in(letters_to(db, job)[0])

    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name = 'organization_id'"
        ).fetchall()
        holding = []
        for (table,) in tables:
            query = sql.SQL("SELECT string_agg(t::text, ' ') FROM {} t WHERE organization_id = %s")
            whole = connection.execute(query.format(sql.Identifier(table)), [job.organization_id]).fetchone()
            holding += [table] if says(str(whole), digits) else []
    assert holding == ["outbox_messages"]


def test_a_code_that_is_shown_comes_as_a_link_to_a_page(
    coded: Make, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    job = coded(channel="shown")
    [letter] = letters_to(db, job)
    digits = digits_in_code(job, db)
    web = Web(api)

    page = web.get(path_in(letter))

    assert digits not in letter.text
    assert (page.status_code, digits in page.text) == (200, True)
    assert "<script" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert web.get("/code/k_nothing").status_code == 404
    assert a_try(api, job, ana, digits)["state"] == "ok"
    after = web.get(path_in(letter))
    assert (after.status_code, digits in after.text) == (200, False)


def test_a_page_shows_no_code_that_is_replaced(coded: Make, api: CheckedClient, dana: Somebody, db: Session) -> None:
    job = coded(channel="shown")
    path = path_in(letters_to(db, job)[0])
    digits = digits_in_code(job, db)

    api.post(f"/v1/visits/{job.visit_id}/customer-codes", headers=dana.headers)

    page = Web(api).get(path)
    assert (page.status_code, digits in page.text) == (410, False)


def test_who_wants_no_messages_gets_none_and_the_office_sees_why(
    new_job: Callable[..., Job],
    cleo: Cleo,
    api: CheckedClient,
    dana: Somebody,
    runtime: Runtime,
    work_off: Callable[[], None],
    db: Session,
) -> None:
    from app.customers.models import ContactConsent

    contact = cleo()
    with runtime.transaction(contact.organization_id) as writing:
        writing.add(
            ContactConsent(
                organization_id=contact.organization_id,
                contact_id=contact.id,
                channel="sms",
                state="withdrawn",
                source="STOP",
                at=clock.now() - timedelta(days=1),
            )
        )
    job = new_job(policy=asking(), contact_id=contact.id)
    work_off()

    assert letters_to(db, job) == []
    listed = api.get(f"/v1/work-orders/{job.work_order_id}/messages", headers=dana.headers).json()["items"]
    assert [(one["kind"], one["state"], one["last_error"]) for one in listed] == [
        ("customer_code", "suppressed", "opted_out")
    ]


def test_a_code_is_still_sent_when_the_secret_was_changed_meanwhile(
    new_job: Callable[..., Job],
    cleo: Cleo,
    runtime: Runtime,
    db: Session,
) -> None:
    from dataclasses import replace

    from app.messages.sending import send_one

    job = new_job(policy=asking(), contact_id=cleo().id)
    digits = digits_in_code(job, db)
    newer = replace(
        runtime, secret="another secret, made this morning, long enough", previous_secrets=(runtime.secret,)
    )
    message = db.exec(select(CustomerMessage).where(CustomerMessage.visit_id == job.visit_id)).one()

    send_one(newer, organization_id=str(job.organization_id), message_id=str(message.id))

    sent = db.exec(select(OutboxMessage).where(OutboxMessage.organization_id == job.organization_id)).one()
    assert digits_in(sent) == digits


def test_what_is_sent_too_early_does_not_use_up_the_code_that_the_server_must_check(
    coded: Make, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    job = coded(online_required=True)
    digits = digits_in_code(job, db)

    assert submitted(api, job, ana, with_code(digits))["verdict"] == "unmet"

    assert (a_try(api, job, ana, digits)["state"], code_of(db, job).checked) == ("ok", "online")
    assert submitted(api, job, ana, with_code(digits))["verdict"] == "verified"


def test_who_asks_for_new_codes_many_times_at_once_gets_no_more_of_them(
    coded: Make, api: CheckedClient, ana: Somebody
) -> None:
    """Each new code comes with new tries."""
    job = coded()
    path = f"/v1/visits/{job.visit_id}/customer-codes"

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: api.post(path, headers=ana.headers).status_code, range(24)))

    assert sorted(seen) == [201] * 9 + [429] * 15
