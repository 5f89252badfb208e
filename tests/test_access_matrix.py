"""Every operation × every role × what is another organization's × what is another technician's or partner's.

An operation that is not in `tests/access_calls.py` fails the test: say there how it is called, and it is walked.
Row-level security is off here, so what answers is the first wall alone: the question "for whom" in each query. The
second wall has a test of its own.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from app.domain.roles import Role, Scope
from app.identity.policy import POLICY, PUBLIC
from app.kit.ids import uuid7
from app.kit.runtime import Runtime
from tests.access_calls import CALLS, WITHOUT_TOKEN, New, NewUpload, Now, Ref
from tests.access_world import Headers, World, make_world
from tests.conftest import CheckedClient
from tests.field import a_picture, just_now
from tests.sync.stories import ABOUT_A_VISIT

KINDS = {"client_id": "api_client", "location_id": "location", "to_location_id": "location_to"}
#: What must be closed to be asked for.
CLOSED = {
    ("get_closure_certificate", "closure_id"): "closed_closure",
    ("get_work_order_certificate", "work_order_id"): "closed_work_order",
    ("amend_work_order", "work_order_id"): "closed_work_order",
}
WORDS = {"collection": "job", "key": "backlog", "name": "stock-negative"}
Operations = Mapping[str, tuple[str, str, Mapping[str, Any]]]


def kind_of(parameter: str, operation: str) -> str:
    if (operation, parameter) == ("remove_crew_member", "technician_id"):
        return "mate"
    return CLOSED.get((operation, parameter)) or KINDS.get(parameter, parameter.removesuffix("_id"))


@pytest.fixture(scope="module")
def operations(api: CheckedClient) -> Operations:
    """From operation to its method, path and description in the OpenAPI document."""
    document = api.contract.document
    return {
        described["operationId"]: (method, path, described)
        for path, item in document["paths"].items()
        for method, described in item.items()
    }


@pytest.fixture(scope="module", autouse=True)
def _first_wall_alone(dsn: str) -> Iterator[None]:
    with psycopg.connect(dsn, autocommit=True, options="-c lock_timeout=10s") as connection:
        walled = connection.execute("SELECT tablename FROM pg_policies WHERE schemaname = 'public'").fetchall()

        def turn(what: LiteralString) -> None:
            for (table,) in walled:
                alter = sql.SQL("ALTER TABLE {} " + what + " ROW LEVEL SECURITY")
                connection.execute(alter.format(sql.Identifier(table)))

        turn("DISABLE")
        try:
            yield
        finally:
            turn("ENABLE")


@pytest.fixture(scope="module")
def ours(runtime: Runtime, api: CheckedClient) -> World:
    return make_world(runtime, api, "Nord Service")


@pytest.fixture(scope="module")
def theirs(runtime: Runtime, api: CheckedClient) -> World:
    return make_world(runtime, api, "Süd Service")


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """The body with its references and new things put in."""
    if isinstance(value, Ref):
        return ids[value.kind]
    if value is New:
        return str(uuid7())
    if value is NewUpload:
        return f"attachment_id {b64encode(str(uuid7()).encode()).decode()}"
    if value is Now:
        return just_now(minutes=1)
    if isinstance(value, Mapping):
        return {key: filled(one, ids) for key, one in value.items()}
    return [filled(one, ids) for one in value] if isinstance(value, list) else value


Send = Callable[..., Any]


@pytest.fixture
def send(api: CheckedClient, operations: Operations) -> Send:
    """Calls an operation: path and body are about the things of these worlds. An edit means the newest version."""

    def call(
        name: str,
        headers: Headers,
        *,
        path: Mapping[str, str],
        body: Mapping[str, str],
        query: Mapping[str, Any] = MappingProxyType({}),
    ) -> Any:
        method, template, _ = operations[name]
        how = CALLS[name]
        for parameter in names_in(template):
            value = WORDS.get(parameter) or path[kind_of(parameter, name)]
            template = template.replace(f"{{{parameter}}}", value)
        more: dict[str, Any] = {"params": {**how.query, **query}, "headers": {**headers, "If-Match": '"0"'}}
        if how.body is not None:
            more["json"] = filled(how.body, body)
        if how.form is not None:
            more |= {"data": filled(how.form, body), "files": {"file": ("a.jpg", a_picture("blue"), "image/jpeg")}}
        if how.csv is not None:
            more |= {"content": how.csv, "headers": {**headers, "Content-Type": "text/csv"}}
        if how.content is not None:
            more["content"] = how.content
        more["headers"] |= filled(how.headers, body)
        answer = api.request(method.upper(), template, **more)
        if answer.status_code != 412:
            return answer
        more["headers"]["If-Match"] = answer.headers["etag"]
        return api.request(method.upper(), template, **more)

    return call


def names_in(template: str) -> list[str]:
    return [part[1:-1] for part in template.split("/") if part.startswith("{")]


def refused(answer: Any) -> tuple[int, str]:
    """The status and the code, which devices are told with `_`; to HEAD there is none, and the status has to do."""
    codes = {401: "not-signed-in", 403: "not-allowed", 404: "not-found"}
    no_body = answer.request.method == "HEAD"
    return answer.status_code, codes.get(answer.status_code, "") if no_body else answer.json()["code"].replace("_", "-")


@pytest.fixture
def unharmed(dsn: str, theirs: World) -> Iterator[None]:
    """What the other organization has is the same before and after, to the last column of every table."""
    before = everything_of(dsn, theirs)
    yield
    assert everything_of(dsn, theirs) == before


def everything_of(dsn: str, world: World) -> list[Any]:
    with psycopg.connect(dsn) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public' "
            "AND column_name = 'organization_id' ORDER BY 1"
        ).fetchall()
        one = "SELECT {}, count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t WHERE organization_id = {}"
        whole = sql.SQL(" UNION ALL ").join(
            sql.SQL(one).format(sql.Literal(table), sql.Identifier(table), sql.Literal(world.organization_id))
            for (table,) in tables
        )
        return connection.execute(whole).fetchall()


def paths_of(operations: Operations, name: str) -> list[str]:
    return [kind_of(one, name) for one in names_in(operations[name][1]) if one not in WORDS]


def test_every_operation_is_known_here(operations: Operations) -> None:
    assert set(operations) == set(CALLS) | set(WITHOUT_TOKEN)
    assert set(operations) - set(CALLS) == set(operations) & PUBLIC
    assert set(CALLS) <= set(POLICY)


def test_without_a_token_only_what_needs_none_is_answered(operations: Operations, send: Send, ours: World) -> None:
    for name in CALLS:
        assert operations[name][2]["security"] == [{"bearer": []}], name
        answer = send(name, {}, path=ours.ids, body=ours.ids)
        assert refused(answer) == (401, "not-signed-in"), name
    for name in WITHOUT_TOKEN:
        assert operations[name][2]["security"] == [], name


@pytest.mark.parametrize("name", CALLS)
def test_a_role_without_a_row_is_refused(send: Send, ours: World, theirs: World, name: str) -> None:
    for role in set(Role) - set(POLICY[name]):
        for world in (ours, theirs):
            answer = send(name, ours.callers[role], path=world.ids, body=world.ids)
            assert refused(answer) == (403, "not-allowed"), role


@pytest.mark.parametrize("name", CALLS)
def test_what_another_organization_has_is_not_there(
    send: Send, operations: Operations, ours: World, theirs: World, unharmed: None, name: str
) -> None:
    kinds = paths_of(operations, name)
    for role in POLICY[name]:
        if not kinds:
            if operations[name][0] == "get":
                answer = send(name, ours.callers[role], path=ours.ids, body=ours.ids)
                assert answer.status_code == 200, answer.text
                assert not [kind for kind, one in theirs.ids.items() if one in answer.text], role
            continue
        for foreign in kinds:
            mixed = {**ours.ids, foreign: theirs.ids[foreign]}
            for path in (mixed, {**mixed, foreign: str(uuid4())}):
                answer = send(name, ours.callers[role], path=path, body=ours.ids)
                expected = 200 if foreign in CALLS[name].may_name_nobody else 404
                assert answer.status_code == expected, (role, foreign, answer.text)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_another_technicians_or_partners_is_not_there(
    send: Send, operations: Operations, ours: World, name: str
) -> None:
    for role, scope in POLICY[name].items():
        if scope is Scope.ALL:
            continue
        answer = send(name, ours.callers[role], path=ours.ids, body=ours.ids)
        if paths_of(operations, name) and not CALLS[name].everybodys:
            assert refused(answer) == (404, "not-found"), (role, answer.text)
        elif operations[name][0] == "get":
            assert answer.status_code == 200, answer.text
            assert not [one for one in ours.anas() if one in answer.text], role


def references(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Where a body refers to something, and to what kind of thing."""
    if isinstance(value, Ref):
        yield path, value.kind
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from references(one, (*path, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from references(one, (*path, place))


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if list(references(call.body))])
def test_a_body_cannot_refer_to_what_another_organization_has(
    send: Send, ours: World, theirs: World, unharmed: None, name: str
) -> None:
    for _, kind in references(CALLS[name].body):
        answer = send(name, ours.callers[Role.ADMIN], path=ours.ids, body={**ours.ids, kind: theirs.ids[kind]})
        assert answer.status_code in (404, 409, 422), (kind, answer.text)


@pytest.mark.parametrize("own", [True, False])
def test_an_operation_of_a_device_reaches_nothing_of_another_organization(
    api: CheckedClient, ours: World, theirs: World, unharmed: None, own: bool
) -> None:
    """As its target, which must be one's own, or in its arguments."""
    foreign = {
        "issue.resolve": {"issue_id": theirs.ids["issue"], "choice": "attach"},
        "asset.reading": {"asset_id": theirs.ids["asset"], "label": "meter", "value": 1, "unit": "kWh"},
        "asset.correct": {"asset_id": theirs.ids["asset"], "field": "name", "old": "Oven", "new": "Mine"},
        "part.use": {"part": "P-1", "qty": 1, "from": theirs.ids["location"]},
        "work_order.create": {"id": theirs.ids["work_order"], "title": "x", "work_type": "inspection",
                              "asset_id": theirs.ids["asset"]},
    }  # fmt: skip
    about = ABOUT_A_VISIT if not own else foreign
    operations = [
        {"op_id": str(uuid4()), "seq": n, "type": type_, "occurred_at": just_now(minutes=1), "args": args,
         "target": ours.ids["visit"] if own else theirs.ids["visit"]}
        for n, (type_, args) in enumerate(about.items())
    ]  # fmt: skip

    answer = api.post("/v1/sync", json={"sent_at": just_now(), "operations": operations}, headers=ours.ana)

    results = answer.json()["results"]
    assert {one["status"] for one in results} == {"rejected"}, results
    if not own:
        assert {one["code"] for one in results} == {"target_not_found"}


@pytest.mark.parametrize("name", CALLS)
def test_a_filter_does_not_reach_into_another_organization(
    send: Send, operations: Operations, ours: World, theirs: World, name: str
) -> None:
    method, _, described = operations[name]
    filters = [one["name"] for one in described.get("parameters", []) if one["in"] == "query"]
    for parameter in filters:
        kind = kind_of(parameter, name)
        if method == "get" and kind in theirs.ids:
            role = next(role for role, scope in POLICY[name].items() if scope == max(POLICY[name].values()))
            answer = send(name, ours.callers[role], path=ours.ids, body=ours.ids, query={parameter: theirs.ids[kind]})
            assert answer.status_code == 200, answer.text
            assert answer.json().get("items", []) == [], parameter


@pytest.mark.parametrize("name", CALLS)
def test_whoever_may_is_let_in(send: Send, ours: World, name: str) -> None:
    """The other way round, so that the refusals above are about rights and not about a call that cannot work."""
    row = POLICY[name]
    if Role.TECHNICIAN in row:
        answer = send(name, ours.ana, path=ours.ids, body=ours.ids)
        assert answer.status_code in (200, 201, 204, 409), answer.text
    if row.get(Role.ADMIN) is Scope.ALL:
        answer = send(name, ours.callers[Role.ADMIN], path=ours.ids, body=ours.ids)
        assert answer.status_code in (200, 201, 204, 409), answer.text
