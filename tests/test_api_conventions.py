"""Every row of the conventions, against the running application and its document."""

import re
from typing import Any

import pytest

from app.kit.problems import MEDIA_TYPE
from app.system import problem_kinds
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture(scope="module")
def document(api: CheckedClient) -> dict[str, Any]:
    return dict(api.contract.document)


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, item[method]) for path, item in document["paths"].items() for method in METHODS if method in item
    ]


def test_paths_are_plural_nouns_in_kebab_case_without_a_slash_at_the_end(document: dict[str, Any]) -> None:
    singular = {"me", "stock", "setup", "totals", "organization", "people", "evidence", "sync", "sandbox"}
    for path, _, _ in operations(document):
        if not path.startswith("/v1/"):
            continue
        assert not path.endswith("/")
        names = [part for part in path.split("/")[2:] if not part.startswith("{")]
        assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names), path
        assert names[0].endswith("s") or names[0] in singular, path


def test_operation_ids_are_unique_and_every_operation_tells_what_it_does(document: dict[str, Any]) -> None:
    found = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(found) == len(set(found))
    assert all(re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", name) for name in found)
    assert all(operation.get("description") for _, _, operation in operations(document))


def test_every_output_field_is_required(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.endswith(("Out", "Page")) and schema.get("type") == "object":
            assert set(schema.get("required", [])) == set(schema["properties"]), name


def test_unknown_input_fields_are_refused_everywhere(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if name.endswith(("In", "Patch", "Changes")) and schema.get("type") == "object":
            assert schema.get("additionalProperties") is False, name


def test_times_end_in_at_and_quantities_name_their_unit(document: dict[str, Any]) -> None:
    spoken = {
        "scheduled_start",
        "scheduled_end",
        "window_start",
        "window_end",
        "first_window_start",
        "first_window_end",
    }
    for name, schema in document["components"]["schemas"].items():
        for field, shape in schema.get("properties", {}).items():
            if '"format": "date-time"' in str(shape).replace("'", '"') and name.endswith("Out"):
                known = {
                    "from",
                    "to",
                    "at",
                    "as_of",
                    "as_of_watermark",
                    "watermark",
                    "previous_from",
                    "previous_to",
                    "value",
                }
                assert field.endswith(("_at", "_until", "_from", "_to")) or field in spoken | known, (name, field)


def test_every_operation_names_the_problems_that_it_may_answer(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        answers = operation["responses"]
        assert "503" in answers, path
        if operation["security"]:
            assert {"401", "403"} <= set(answers), path
        for status, described in answers.items():
            if int(status) >= 400 and "content" in described and path.startswith("/v1/"):
                assert MEDIA_TYPE in described["content"], (path, method, status)


def test_a_problem_has_a_type_that_can_be_looked_up(api: CheckedClient, ana: Somebody) -> None:
    problem = api.get("/v1/work-orders/nonsense", headers=ana.headers).json()
    assert set(problem) >= {"type", "title", "status", "detail", "instance", "code"}

    explained = api.get(problem["type"])

    assert (explained.status_code, explained.json()["code"]) == (200, problem["code"])
    codes = [kind.code for kind in problem_kinds()]
    assert len(codes) == len(set(codes))


def test_a_request_that_is_not_well_formed_says_where(api: CheckedClient, scene: Scene) -> None:
    body = {"title": "x", "work_type_id": "no", "colour": "red", "requested_at": "2026-01-01T00:00:00"}

    answer = api.post("/v1/work-orders", json=body, headers=scene.office.headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "not-well-formed")
    pointers = {error["pointer"] for error in answer.json()["errors"]}
    assert pointers == {"/body/work_type_id", "/body/colour", "/body/requested_at"}


def test_no_bytes_at_all_make_the_server_fail(api: CheckedClient, scene: Scene) -> None:
    kind = str(scene.work_type_id)
    bodies = [
        b"",
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        b'{"title": "\\ud800", "work_type_id": "' + kind.encode() + b'"}',
        b'{"title": "a\\u0000b", "work_type_id": "' + kind.encode() + b'"}',
        b'{"title": "x", "work_type_id": "' + kind.encode() + b'", "priority": 1e999}',
        b'{"title": "x", "work_type_id": "' + kind.encode() + b'", "nte_minor": 9223372036854775808}',
        b'{"title": "x", "work_type_id": "' + kind.encode() + b'", "nte_minor": NaN}',
        b"null",
        b"{}" * 1000,
    ]
    for body in bodies:
        headers = {**scene.office.headers, "Content-Type": "application/json"}
        answer = api.post("/v1/work-orders", content=body, headers=headers)
        assert answer.status_code in (400, 422), (body[:40], answer.status_code)
    assert scene.get("/v1/work-orders")["items"] == []


def test_a_body_over_its_limit_is_refused_before_it_is_read(api: CheckedClient, scene: Scene) -> None:
    answer = api.post("/v1/work-orders", content=b"x" * 1_000_001, headers=scene.office.headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


def test_an_answer_carries_its_request_id_and_is_not_kept_by_others(api: CheckedClient, ana: Somebody) -> None:
    answer = api.get("/v1/me", headers={**ana.headers, "X-Request-ID": "mine-1"})

    assert answer.headers["x-request-id"] == "mine-1"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    odd = api.get("/v1/me", headers={**ana.headers, "X-Request-ID": "two\twords"})
    assert odd.headers["x-request-id"] != "two\twords"


def test_without_a_token_there_is_a_challenge_and_nothing_else(api: CheckedClient) -> None:
    for token in ("", "Bearer", "Bearer nonsense", "Basic abc", "Bearer ffa_" + "A" * 54, "Bearer \u00e9"):
        answer = api.get("/v1/me", headers={"Authorization": token.encode("latin-1")} if token else {})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_large_answers_are_compressed(api: CheckedClient) -> None:
    assert api.get("/openapi.json", headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"


def test_the_documentation_comes_from_here_alone(api: CheckedClient) -> None:
    page = api.get("/docs")

    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not re.search(r"(?:src|href)=\"https?:", page.text)
    for name in re.findall(r"\"(/docs/[^\"]+)\"", page.text):
        assert api.get(name).status_code == 200
