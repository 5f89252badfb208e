"""The customer is asked whether the work is done: opening the link tells nothing, and silence is no yes."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from app.closure.commands.confirming import note_silence
from app.closure.confirmation_tasks import note_silences
from app.closure.models import CustomerConfirmation
from app.customers.models import Contact
from app.kit import clock
from app.kit.database import enter
from app.kit.runtime import Runtime
from app.work_orders.ledger import events_of
from tests.closure.customers import Web, everything_of, letters_to, path_in
from tests.closure.test_submit_closure import a_closure, a_promise
from tests.conftest import CheckedClient, Somebody
from tests.field import Job

Cleo = Callable[..., Contact]


def asking(**params: Any) -> dict[str, Any]:
    return {"id": "p", "rules": [{"id": "customer", "kind": "customer_confirm", "params": params}]}


Make = Callable[..., Job]


@pytest.fixture
def web(api: CheckedClient) -> Web:
    return Web(api)


@pytest.fixture
def submit(api: CheckedClient, ana: Somebody, work_off: Callable[[], None]) -> Callable[..., dict[str, Any]]:
    """Ana says that the work is done, and the customer is asked."""

    def run(job: Job, **more: Any) -> dict[str, Any]:
        body = a_closure(resolution_code="pump_replaced", **more)
        answer = api.post(f"/v1/visits/{job.visit_id}/closure", json=body, headers=ana.headers)
        assert answer.status_code == 201, answer.text
        work_off()
        shown: dict[str, Any] = answer.json()
        return shown

    return run


@pytest.fixture
def asked(new_job: Callable[..., Job], cleo: Cleo, submit: Callable[..., dict[str, Any]]) -> Make:
    """Ana has said that the work is done, and Cleo has the link."""

    def make(contact: dict[str, Any] | None = None, policy: dict[str, Any] | None = None, **params: Any) -> Job:
        whom = cleo(time_zone=a_zone_at_midday(), **(contact or {}))
        job = new_job(policy=policy or asking(**params), contact_id=whom.id)
        assert submit(job)["verdict"] == "awaiting_evidence"
        return job

    return make


def a_zone_at_midday() -> str:
    """Where nobody sleeps now (these names count west of Greenwich as positive)."""
    return f"Etc/GMT{clock.now().hour - 12:+d}"


def confirmations(db: Session, job: Job) -> list[CustomerConfirmation]:
    db.rollback()
    enter(db, job.organization_id)
    query = select(CustomerConfirmation).where(CustomerConfirmation.visit_id == job.visit_id)
    ordered = query.order_by(CustomerConfirmation.id)  # type: ignore[arg-type]
    return list(db.exec(ordered.execution_options(populate_existing=True)).all())


def link_of(db: Session, job: Job) -> str:
    return path_in(next(one for one in reversed(letters_to(db, job)) if "/confirm/" in one.text))


def nonce_of(page: str) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', page)
    assert found
    return found[1]


def reply(web: Web, link: str, answer: str, comment: str = "") -> Any:
    nonce = nonce_of(web.get(link).text)
    return web.post(link, {"nonce": nonce, "answer": answer, "comment": comment})


def verdict_of(api: CheckedClient, job: Job, who: Somebody) -> dict[str, Any]:
    answer = api.get(f"/v1/visits/{job.visit_id}/closure", headers=who.headers)
    shown: dict[str, Any] = answer.json()["submissions"][0]
    return shown


def silence(job: Job, db: Session, **passed: float) -> None:
    [*_, newest] = confirmations(db, job)
    with job.runtime.transaction(job.organization_id) as writing:
        note_silence(writing, job.organization_id, newest.id, at=clock.now() + timedelta(**passed))


def test_the_link_says_what_was_done_and_asks(asked: Make, web: Web, db: Session) -> None:
    job = asked()

    page = web.get(link_of(db, job))

    assert page.status_code == 200
    for words in ("Is the work done?", "Nord Service", "Oven is cold", ">Ana<", "pump replaced", "Yes, it is done"):
        assert words in page.text, words
    assert job.work_order().number.replace("-", "\N{NON-BREAKING HYPHEN}") in page.text
    assert "<script" not in page.text
    assert "checked" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


def test_the_question_comes_in_the_customers_language(asked: Make, web: Web, db: Session) -> None:
    job = asked({"language": "de-AT"})

    [letter] = letters_to(db, job)
    page = web.get(link_of(db, job))

    assert letter.subject.startswith("Ist die Arbeit erledigt?")
    assert "List-Unsubscribe" not in letter.headers
    assert 'lang="de"' in page.text
    assert "Ja, sie ist erledigt" in page.text


def test_only_the_hash_of_the_link_is_kept_and_staff_see_no_link(
    asked: Make, api: CheckedClient, dana: Somebody, ana: Somebody, db: Session
) -> None:
    job = asked()
    token = link_of(db, job).removeprefix("/confirm/")

    listed = api.get(f"/v1/work-orders/{job.work_order_id}/messages", headers=dana.headers)
    shown = api.get(f"/v1/visits/{job.visit_id}/closure", headers=ana.headers)

    assert [(one["kind"], one["state"]) for one in listed.json()["items"]] == [("customer_confirmation", "sent")]
    assert token not in listed.text + shown.text
    kept = everything_of(db, job.organization_id, "customer_confirmations", "customer_messages", "events")
    assert [row for row in kept if token in row] == []


def test_a_thousand_visits_of_mail_scanners_record_nothing(asked: Make, web: Web, db: Session) -> None:
    job = asked()
    link = link_of(db, job)
    tables = ("customer_confirmations", "closure_submissions", "customer_messages", "events", "visits", "work_orders")
    before = everything_of(db, job.organization_id, *tables)

    for _ in range(250):
        assert web.get(link).status_code == 200
        assert web.head(link).status_code == 200
        assert web.get(f"{link}?answer=yes&nonce=1").status_code == 200
        assert web.head(f"{link}?answer=no").status_code == 200

    assert everything_of(db, job.organization_id, *tables) == before


def test_a_yes_proves_the_work_and_closes_it_as_the_policy_says(
    asked: Make, web: Web, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    job = asked()
    link = link_of(db, job)

    answer = reply(web, link, "yes", "Thank you")

    assert (answer.status_code, answer.headers["location"]) == (303, link)
    assert verdict_of(api, job, ana)["verdict"] == "verified"
    assert job.work_order().status == "closed"
    [row] = confirmations(db, job)
    assert (row.answer, row.comment) == ("yes", "Thank you")
    with job.runtime.transaction(job.organization_id) as reading:
        events = events_of(reading, job.organization_id, job.work_order_id)
    [said] = [event for event in events if event.type == "closure.confirmed"]
    assert (said.data["method"], said.data["answer"]) == ("link", "yes")
    after = web.get(link)
    assert after.status_code == 200
    assert "Thank you!" in after.text


def test_a_no_closes_and_reopens_nothing_and_goes_to_review(
    asked: Make, web: Web, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    job = asked()

    reply(web, link_of(db, job), "no", "<b>Still cold</b>")

    shown = verdict_of(api, job, ana)
    assert shown["verdict"] == "pending_review"
    assert "customer_disagreed" in str(shown["findings"])
    assert job.work_order().status == "completed"
    [told] = api.get(f"/v1/visits/{job.visit_id}/closure", headers=ana.headers).json()["confirmations"]
    assert (told["answer"], told["comment"], told["submission_id"]) == ("no", "<b>Still cold</b>", shown["id"])
    page = web.get(link_of(db, job))
    assert "&lt;b&gt;Still cold&lt;/b&gt;" in page.text
    assert "something is not right" in page.text


def test_the_first_answer_is_the_answer(asked: Make, web: Web, db: Session) -> None:
    job = asked()
    link = link_of(db, job)
    nonce = nonce_of(web.get(link).text)

    with ThreadPoolExecutor(6) as pool:
        words = ["yes", "no"] * 3
        answers = list(pool.map(lambda word: web.post(link, {"nonce": nonce, "answer": word}).status_code, words))
    [row] = confirmations(db, job)
    web.post(link, {"nonce": nonce, "answer": "no" if row.answer == "yes" else "yes"})

    assert answers.count(303) == 1
    assert confirmations(db, job)[0].answer == row.answer
    with job.runtime.transaction(job.organization_id) as reading:
        types = [event.type for event in events_of(reading, job.organization_id, job.work_order_id)]
    assert types.count("closure.confirmed") == 1


@pytest.mark.parametrize(
    ("form", "status"),
    [({"answer": "yes"}, 409), ({"answer": "yes", "nonce": "x"}, 409), ({"answer": "perhaps"}, 422), ({}, 422)],
)
def test_what_was_not_filled_in_here_is_no_answer(
    asked: Make, web: Web, db: Session, form: dict[str, str], status: int
) -> None:
    job = asked()
    link = link_of(db, job)
    nonce = {} if status == 409 else {"nonce": nonce_of(web.get(link).text)}

    assert web.post(link, {**nonce, **form}).status_code == status
    assert confirmations(db, job)[0].answer is None


def test_the_nonce_of_another_question_is_not_taken(asked: Make, web: Web, db: Session) -> None:
    mine, other = asked(), asked()
    links = [path_in(one) for one in letters_to(db, mine)]
    nonce = nonce_of(web.get(links[0]).text)

    assert web.post(links[1], {"nonce": nonce, "answer": "yes"}).status_code == 409
    assert confirmations(db, other)[0].answer is None


def test_silence_is_not_a_yes(asked: Make, api: CheckedClient, ana: Somebody, db: Session) -> None:
    job = asked(hours=2)

    silence(job, db, hours=1)
    assert verdict_of(api, job, ana)["verdict"] == "awaiting_evidence"
    silence(job, db, hours=2, minutes=1)

    shown = verdict_of(api, job, ana)
    assert shown["verdict"] == "pending_review"
    assert "customer_not_answered" in str(shown["findings"])
    assert confirmations(db, job)[0].answer == "not_answered"
    assert job.work_order().status == "completed"


def test_silence_is_a_yes_where_the_policy_says_so(asked: Make, api: CheckedClient, ana: Somebody, db: Session) -> None:
    job = asked(hours=2, silence="accept")

    silence(job, db, hours=3)

    assert verdict_of(api, job, ana)["verdict"] == "verified"
    assert job.work_order().status == "closed"


def test_the_sweep_finds_who_was_silent(
    asked: Make, runtime: Runtime, db: Session, api: CheckedClient, ana: Somebody
) -> None:
    late, waiting = asked(hours=0.01), asked()
    with runtime.transaction(late.organization_id) as writing:
        row = writing.get_one(CustomerConfirmation, (late.organization_id, confirmations(db, late)[0].id))
        row.due_at = clock.now() - timedelta(seconds=1)

    note_silences(runtime)
    note_silences(runtime)

    assert confirmations(db, late)[0].answer == "not_answered"
    assert confirmations(db, waiting)[0].answer is None
    assert verdict_of(api, late, ana)["verdict"] == "pending_review"


def test_a_late_yes_counts_as_long_as_nobody_has_decided(
    asked: Make, web: Web, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    job = asked(hours=2)
    silence(job, db, hours=3)

    assert reply(web, link_of(db, job), "yes").status_code == 303

    assert verdict_of(api, job, ana)["verdict"] == "verified"
    assert job.work_order().status == "closed"
    types = job.events()
    assert types.count("closure.submitted") == types.count("visit.completed") == 1


def test_after_the_decision_nobody_is_asked_any_more(
    asked: Make, web: Web, api: CheckedClient, sam: Somebody, db: Session
) -> None:
    job = asked(hours=2)
    link = link_of(db, job)
    nonce = nonce_of(web.get(link).text)
    silence(job, db, hours=3)
    order = api.get(f"/v1/work-orders/{job.work_order_id}", headers=sam.headers)
    headers = {**sam.headers, "If-Match": order.headers["etag"]}
    decided = api.post(f"/v1/work-orders/{job.work_order_id}/reviews", json={"decision": "approve"}, headers=headers)
    assert decided.status_code == 201, decided.text

    page, late = web.get(link), web.post(link, {"nonce": nonce, "answer": "no"})

    assert (page.status_code, late.status_code) == (410, 410)
    assert "This question is closed" in page.text
    assert confirmations(db, job)[0].answer == "not_answered"


def test_one_link_a_visit_while_the_question_is_open(
    asked: Make, submit: Callable[..., dict[str, Any]], web: Web, api: CheckedClient, ana: Somebody, db: Session
) -> None:
    job = asked()
    link = link_of(db, job)

    second = submit(job)
    reply(web, link, "yes")

    assert len(letters_to(db, job)) == 1
    assert [str(row.submission_id) for row in confirmations(db, job)] == [second["id"]]
    assert verdict_of(api, job, ana)["verdict"] == "verified"


def test_a_yes_waits_for_the_photos(
    new_job: Callable[..., Job],
    cleo: Cleo,
    submit: Callable[..., dict[str, Any]],
    web: Web,
    api: CheckedClient,
    ana: Somebody,
    db: Session,
) -> None:
    rules = [*asking()["rules"], {"id": "after", "kind": "photo", "params": {"tag": "after"}}]
    job = new_job(policy={"id": "p", "rules": rules}, contact_id=cleo(time_zone=a_zone_at_midday()).id)
    submit(job, evidence=[a_promise("photo", "after")])

    reply(web, link_of(db, job), "yes")

    assert verdict_of(api, job, ana)["verdict"] == "awaiting_evidence"
    assert job.work_order().status == "completed"


def test_links_that_are_none_lead_to_nothing(asked: Make, web: Web, db: Session) -> None:
    link = link_of(db, asked())

    for path in ("/confirm/y_nothing", f"{link}x", "/confirm/" + link.split("/")[-1].replace("y_", "s_")):
        assert web.get(path).status_code == 404, path
        assert web.post(path, {"answer": "yes"}).status_code == 404
