"""Whoever has the code, and no account, can look at a certificate and check one; whoever guesses is slowed down."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import pytest

from app.certificates import verifying
from app.certificates.codes import ALPHABET, new_code, read_code, tag_of
from app.identity.models import Organization
from app.kit.runtime import Runtime
from tests.certificates.conftest import Intruder, Work
from tests.conftest import CheckedClient


@pytest.fixture(autouse=True)
def _nobody_was_slowed_down(intruder: Intruder) -> Iterator[None]:
    """All tests come from one address."""
    intruder.run("DELETE FROM slow_downs")
    yield
    intruder.run("DELETE FROM slow_downs")


def page_of(closed: Work, language: str = "en") -> Any:
    code = closed.certificate()["code"]
    return closed.api.get(f"/certificates/{code}", headers={"Accept-Language": language})


def test_the_page_says_what_was_done_and_that_it_is_as_it_was(closed: Work) -> None:
    answer = page_of(closed)

    assert answer.status_code == 200
    text = re.sub(r"<[^>]+>", " ", answer.text)
    for words in ("Nord Service", "Verified", "proven", "photos: 1, signatures: 1, refused signatures: 1", "1 of 1"):
        assert words in text, words
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert "<svg" in answer.text


def test_the_page_speaks_german(closed: Work) -> None:
    answer = page_of(closed, "de-AT,de;q=0.9")

    assert answer.headers["content-language"] == "de"
    assert "Geprüft" in answer.text


def test_the_page_tells_nothing_about_people(closed: Work) -> None:
    text = page_of(closed).text

    for word in ("Cleo", "Ana", "Sam", "Oven is cold", "Bakery", "in a hurry", str(closed.id)):
        assert word not in text, word


def test_the_page_says_what_was_changed(closed: Work, intruder: Intruder) -> None:
    intruder.run("UPDATE task_results SET done = NOT done WHERE organization_id = %s", closed.job.organization_id)

    answer = page_of(closed)

    assert answer.status_code == 200
    assert "Not as it was sealed" in answer.text
    assert "an answer of the checklist: changed" in answer.text
    assert "Verified" not in answer.text


@pytest.mark.parametrize(
    "document", [b"{", b"[]", b"{}", b'{"work_order": 1}', b'{"position": 99999999999999999}', b"\xff"]
)
def test_the_page_survives_a_document_that_is_none(closed: Work, intruder: Intruder, document: bytes) -> None:
    code = closed.certificate()["code"]
    intruder.run("UPDATE certificates SET document = %s WHERE code = %s", document, code)

    answer = closed.api.get(f"/certificates/{code}")

    assert answer.status_code == 200
    assert "Not as it was sealed" in answer.text
    assert closed.get(f"/v1/work-orders/{closed.id}/certificate")["verification"]["valid"] is False


def test_codes_may_be_typed_as_people_do(closed: Work) -> None:
    code = closed.certificate()["code"]
    typed = code.replace("-", " ").lower().replace("1", "l").replace("0", "o")

    assert closed.api.get(f"/certificates/{typed}").status_code == 200


def test_an_amendments_code_leads_to_the_certificate(closed: Work) -> None:
    body = {"id": str(uuid4()), "text": "Secret words", "reason": "mistyped"}
    closed.send(f"/v1/work-orders/{closed.id}/amendments", body, by=closed.sam)
    shown = closed.certificate()

    answer = closed.api.get(f"/certificates/{shown['amendments'][0]['code']}")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/certificates/{shown['code']}")
    page = closed.api.get(answer.headers["location"]).text
    assert "Amendment 1 of" in page
    assert "Secret words" not in page


def test_the_public_keys_are_beside_the_page(closed: Work) -> None:
    shown = closed.certificate()

    keys = closed.api.get(f"/certificates/{shown['code']}/keys").json()["keys"]

    assert [key["kid"] for key in keys] == [shown["key_id"]]
    assert keys[0]["x"] == shown["key"]["x"]


def test_an_unknown_code_is_a_page_and_guessing_is_slowed_down(api: CheckedClient, organization: Organization) -> None:
    answers = [api.get(f"/certificates/{new_code(organization.id)}") for _ in range(12)]

    assert answers[0].status_code == 404
    assert "There is no such certificate" in answers[0].text
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["code"] == "too-many-codes"
    assert api.post("/v1/certificates/verify", json={"code": "AAAA"}).status_code == 429


def test_somebody_who_was_slowed_down_is_not_told_that_a_code_is_right(closed: Work) -> None:
    code = closed.certificate()["code"]
    for _ in range(8):
        closed.api.get("/certificates/nonsense")

    assert closed.api.get(f"/certificates/{code}").status_code == 429


def test_only_so_many_certificates_are_checked_at_once(closed: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    code = closed.certificate()["code"]
    monkeypatch.setattr(verifying, "WAIT_SECONDS", 0)

    with ExitStack() as others:
        for _ in range(verifying.AT_ONCE):
            others.enter_context(verifying._places)
        asked = (
            closed.api.get(f"/certificates/{code}"),
            closed.api.post("/v1/certificates/verify", json={"code": code}),
        )

    assert [(answer.status_code, answer.json()["code"]) for answer in asked] == [(503, "unavailable")] * 2
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in asked)
    assert page_of(closed).status_code == 200


def test_a_code_is_sixty_bits_by_chance_and_a_tag(organization: Organization) -> None:
    codes = {new_code(organization.id) for _ in range(500)}

    assert len(codes) == 500
    assert {code[:4] for code in codes} == {tag_of(organization.id)}
    assert all(re.fullmatch(rf"([{ALPHABET}]{{4}}-){{3}}[{ALPHABET}]{{4}}", code) for code in codes)
    assert all(read_code(code) == code for code in codes)


def verified(closed: Work, body: Any, status: int = 200) -> Any:
    answer = closed.api.post("/v1/certificates/verify", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_code_a_document_or_its_bytes_can_be_checked(closed: Work) -> None:
    shown = closed.certificate()
    signed = {"signature": shown["signature"], "key_id": shown["key_id"]}

    for body in (
        {"code": shown["code"]},
        {"document": shown["document"]},
        {"document": shown["document"], **signed},
        {"document": shown["document_base64"], **signed},
    ):
        answer = verified(closed, body)
        assert (answer["valid"], answer["reasons"], answer["revision"]) == (True, [], 1)


def test_a_document_that_says_something_else_is_none_of_ours(closed: Work) -> None:
    shown = closed.certificate()
    forged = {**shown["document"], "work_order": {**shown["document"]["work_order"], "title": "Another title"}}

    answer = verified(closed, {"document": forged, "signature": shown["signature"]})

    assert (answer["valid"], answer["reasons"]) == (False, ["document_differs", "signature_invalid"])


def test_a_document_of_which_the_books_say_something_else_now_is_not_valid(closed: Work, intruder: Intruder) -> None:
    shown = closed.certificate()
    intruder.run("UPDATE evidence SET tag = 'before' WHERE work_order_id = %s AND kind = 'photo'", closed.id)

    answer = verified(closed, {"document": shown["document_base64"], "signature": shown["signature"]})

    assert (answer["valid"], answer["reasons"]) == (False, ["changed"])
    assert [(one["part"], one["what"]) for one in answer["differences"]] == [("evidence", "changed")]


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        ({"document": base64.b64encode(b"\xff\xfe").decode()}, ["document_unreadable"]),
        ({"document": "AAA"}, ["document_unreadable"]),
        ({"document": {"code": 5}}, ["document_unreadable"]),
        ({"document": base64.b64encode(json.dumps([1]).encode()).decode()}, ["document_unreadable"]),
    ],
)
def test_what_is_no_certificate_is_said_to_be_none(closed: Work, body: Any, reasons: list[str]) -> None:
    answer = verified(closed, body)

    assert (answer["valid"], answer["reasons"]) == (False, reasons)


@pytest.mark.parametrize("body", [{}, {"code": "A", "document": {}}, {"code": "A", "signature": "AAAA"}])
def test_either_a_code_or_a_document_is_asked_for(api: CheckedClient, body: Any) -> None:
    assert api.post("/v1/certificates/verify", json=body).status_code == 422


def test_an_unknown_key_is_said(closed: Work) -> None:
    shown = closed.certificate()

    answer = verified(closed, {"document": shown["document"], "signature": shown["signature"], "key_id": "nobody's"})

    assert answer["reasons"] == ["key_unknown"]


def test_certificates_of_two_organizations_are_kept_apart(
    closed: Work, runtime: Runtime, organization: Organization
) -> None:
    from app.identity import commands
    from app.kit import clock

    with runtime.transaction(None) as db:
        other = commands.create_organization(db, "Süd Service", at=clock.now())
    code = closed.certificate()["code"]
    moved = read_code(tag_of(other.id) + code[4:])

    assert closed.api.get(f"/certificates/{moved}").status_code == 404
