"""`/v1/organization`, technicians with their times, teams, partners."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import Session, col, select

from app.identity.models import Organization, Shift, Team, Technician
from tests.conftest import CheckedClient, Somebody
from tests.statements import statements


def made(api: CheckedClient, by: Somebody, path: str, **body: Any) -> dict[str, Any]:
    answer = api.post(path, json=body, headers=by.headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def edit(api: CheckedClient, by: Somebody, path: str, **body: Any) -> Any:
    """A PATCH of what is there now."""
    tag = api.get(path, headers=by.headers).headers["etag"]
    return api.patch(path, json=body, headers={**by.headers, "If-Match": tag})


def test_the_settings_that_are_named_change_and_the_others_stay(api: CheckedClient, ada: Somebody, db: Session) -> None:
    edit(api, ada, "/v1/organization", settings={"surveys": {"delay_minutes": 30, "link_days": 7}})

    answer = edit(
        api,
        ada,
        "/v1/organization",
        time_zone="Europe/Vienna",
        settings={"surveys": {"link_days": None, "cooldown_days": 3}, "on_time": {"grace_minutes": 20}},
    )

    assert answer.status_code == 200
    assert answer.json()["time_zone"] == "Europe/Vienna"
    kept = db.exec(select(Organization.settings)).all()
    assert {"surveys": {"delay_minutes": 30, "cooldown_days": 3}, "on_time": {"grace_minutes": 20}} in kept


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"settings": {"color": "red"}}, "/body/settings/color"),
        ({"settings": {"surveys": {"sample_percent": 101}}}, "/body/settings/surveys/sample_percent"),
        ({"settings": {"surveys": {"earliest_hour": 22}}}, "/body/settings/surveys"),
        ({"settings": None}, "/body/settings"),
        ({"time_zone": "Mars/Olympus"}, "/body/time_zone"),
        ({"currency": "euro"}, "/body/currency"),
        ({"id": str(uuid4())}, "/body/id"),
    ],
)
def test_an_organization_takes_only_settings_that_mean_something(
    api: CheckedClient, ada: Somebody, body: dict[str, Any], pointer: str
) -> None:
    answer = edit(api, ada, "/v1/organization", **body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_an_edit_of_the_organization_means_what_was_read(api: CheckedClient, ada: Somebody) -> None:
    stale = api.get("/v1/organization", headers=ada.headers).headers["etag"]
    edit(api, ada, "/v1/organization", name="Nord & Co")

    answer = api.patch("/v1/organization", json={"name": "Nord"}, headers={**ada.headers, "If-Match": stale})
    unsaid = api.patch("/v1/organization", json={"name": "Nord"}, headers=ada.headers)

    assert (answer.status_code, answer.json()["current"]["name"]) == (412, "Nord & Co")
    assert unsaid.status_code == 428


def test_overheads_are_for_those_who_see_costs_and_settings_for_the_office(
    api: CheckedClient, ada: Somebody, dana: Somebody, fay: Somebody, ana: Somebody
) -> None:
    edit(api, ada, "/v1/organization", settings={"overhead_per_work_order_minor": 900})

    def seen(by: Somebody) -> Any:
        return api.get("/v1/organization", headers=by.headers).json()["settings"]

    assert seen(fay)["overhead_per_work_order_minor"] == 900
    assert seen(dana)["overhead_per_work_order_minor"] is None
    assert seen(ana) is None


def test_a_technicians_rate_is_for_those_who_see_costs(
    api: CheckedClient, max_: Somebody, dana: Somebody, db: Session
) -> None:
    team = made(api, max_, "/v1/teams", name="North", territory="n")
    technician = made(
        api, max_, "/v1/technicians", name="Ana", team_id=team["id"], skills=["gas"], hourly_rate_minor=6000
    )

    assert technician["currency"] == "EUR"
    seen = api.get(f"/v1/technicians/{technician['id']}", headers=dana.headers).json()
    assert (seen["name"], seen["hourly_rate_minor"]) == ("Ana", None)
    listed = api.get(f"/v1/technicians?team_id={team['id']}&active=true", headers=dana.headers).json()
    assert listed["items"] == [seen]
    assert db.exec(select(Technician.hourly_rate_minor)).all() == [6000]


def test_a_technician_is_edited_as_it_was_read(api: CheckedClient, max_: Somebody) -> None:
    technician = made(api, max_, "/v1/technicians", name="Ana")
    path = f"/v1/technicians/{technician['id']}"
    assert api.patch(path, json={"active": False}, headers=max_.headers).status_code == 428

    answer = edit(api, max_, path, active=False, home_territory="south")

    assert answer.json() == {**technician, "active": False, "home_territory": "south"}
    known = {**max_.headers, "If-None-Match": answer.headers["etag"]}
    assert api.get(path, headers=known).status_code == 304


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        ("/v1/technicians", "team_id", "no-such-team"),
        ("/v1/technicians", "partner_id", "no-such-partner"),
        ("/v1/teams", "partner_id", "no-such-partner"),
    ],
)
def test_staff_cannot_be_put_under_what_another_organization_has(
    api: CheckedClient, max_: Somebody, stranger: Somebody, path: str, field: str, code: str
) -> None:
    theirs = made(api, stranger, f"/v1/{field.removesuffix('_id')}s", name="Theirs")

    answer = api.post(path, json={"name": "Ours", field: theirs["id"]}, headers=max_.headers)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_an_external_ref_is_one_teams_and_one_technicians(api: CheckedClient, max_: Somebody) -> None:
    for path in ("/v1/teams", "/v1/technicians"):
        made(api, max_, path, name="First", external_ref="X")
        second = made(api, max_, path, name="Second")
        again = api.post(path, json={"name": "Third", "external_ref": "X"}, headers=max_.headers)
        assert (again.status_code, again.json()["code"]) == (409, "external-ref-taken")
    answer = edit(api, max_, f"/v1/technicians/{second['id']}", external_ref="X")
    assert (answer.status_code, answer.json()["code"]) == (409, "external-ref-taken")


def test_a_week_is_replaced_as_a_whole(api: CheckedClient, dana: Somebody, ana: Somebody, db: Session) -> None:
    assert ana.technician is not None
    path = f"/v1/technicians/{ana.technician.id}/shifts"
    days = [{"weekday": day, "starts": "08:00", "ends": "16:30", "unpaid_break_minutes": 30} for day in range(5, 0, -1)]
    api.put(path, json={"items": days}, headers=dana.headers)

    night = [{"weekday": 5, "starts": "22:00", "ends": "06:00", "valid_from": "2026-03-01"}]
    answer = api.put(path, json={"items": night}, headers=dana.headers)

    assert answer.status_code == 200
    assert answer.json() == api.get(path, headers=dana.headers).json()
    assert [(s.weekday, str(s.starts)) for s in db.exec(select(Shift)).all()] == [(5, "22:00:00")]


@pytest.mark.parametrize(
    "shift",
    [
        {"weekday": 0, "starts": "08:00", "ends": "16:00"},
        {"weekday": 8, "starts": "08:00", "ends": "16:00"},
        {"weekday": 1, "starts": "08:00", "ends": "08:00"},
        {"weekday": 1, "starts": "08:00Z", "ends": "16:00"},
        {"weekday": 1, "starts": "25:00", "ends": "16:00"},
        {"weekday": 1, "starts": "08:00", "ends": "16:00", "unpaid_break_minutes": -1},
        {"weekday": 1, "starts": "08:00", "ends": "16:00", "valid_from": "2026-03-02", "valid_until": "2026-03-01"},
        {"weekday": 9223372036854775808, "starts": "08:00", "ends": "16:00"},
    ],
)
def test_a_shift_that_cannot_be_is_refused(
    api: CheckedClient, dana: Somebody, ana: Somebody, shift: dict[str, Any]
) -> None:
    assert ana.technician is not None
    answer = api.put(f"/v1/technicians/{ana.technician.id}/shifts", json={"items": [shift]}, headers=dana.headers)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/body/items/0")


def test_absences_are_found_by_technician_and_by_time(
    api: CheckedClient, dana: Somebody, ana: Somebody, ben: Somebody
) -> None:
    assert ana.technician is not None
    assert ben.technician is not None
    march = {"starts_at": "2026-03-02T00:00:00+01:00", "ends_at": "2026-03-07T00:00:00+01:00"}
    april = {"starts_at": "2026-04-01T00:00:00Z", "ends_at": "2026-04-02T00:00:00Z"}
    made(api, dana, "/v1/absences", technician_id=str(ana.technician.id), **march)
    made(api, dana, "/v1/absences", technician_id=str(ana.technician.id), reason="sick", **april)
    made(api, dana, "/v1/absences", technician_id=str(ben.technician.id), **april)

    def reasons(query: str) -> list[str]:
        return [one["reason"] for one in api.get(f"/v1/absences?{query}", headers=dana.headers).json()["items"]]

    assert reasons(f"technician_id={ana.technician.id}") == ["sick", "leave"]
    assert reasons("ends_after=2026-03-06T23:00:00Z") == ["leave", "sick"]
    assert reasons("starts_before=2026-03-02T00:00:00Z") == ["leave"]
    assert api.get("/v1/absences?ends_after=2026-03-06T23:00:00", headers=dana.headers).status_code == 422


def test_an_absence_is_of_ones_own_technician_and_ends_after_it_began(
    api: CheckedClient, dana: Somebody, ana: Somebody, stranger: Somebody
) -> None:
    assert ana.technician is not None
    times = {"starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-03T00:00:00Z"}
    theirs = made(api, stranger, "/v1/technicians", name="Theirs")

    foreign = api.post("/v1/absences", json={"technician_id": theirs["id"], **times}, headers=dana.headers)
    backwards = {"technician_id": str(ana.technician.id), "starts_at": times["ends_at"], "ends_at": times["starts_at"]}
    refused = api.post("/v1/absences", json=backwards, headers=dana.headers)

    assert (foreign.status_code, foreign.json()["code"]) == (422, "no-such-technician")
    assert refused.status_code == 422


def test_a_team_is_changed_and_a_partner_added(api: CheckedClient, max_: Somebody, db: Session) -> None:
    partner = made(api, max_, "/v1/partners", name="Acme")
    team = made(api, max_, "/v1/teams", name="North")

    changed = api.patch(
        f"/v1/teams/{team['id']}", json={"is_contractor": True, "partner_id": partner["id"]}, headers=max_.headers
    )

    assert changed.json() == {**team, "is_contractor": True, "partner_id": partner["id"]}
    assert db.exec(select(col(Team.partner_id))).all() == [UUID(partner["id"])]
    assert api.get("/v1/partners?q=ac", headers=max_.headers).json()["items"] == [partner]


@pytest.mark.parametrize("kind", ["technicians", "teams", "partners", "absences", "people", "api-clients"])
def test_a_list_costs_two_statements(api: CheckedClient, ada: Somebody, ana: Somebody, kind: str) -> None:
    with statements() as sent:
        assert api.get(f"/v1/{kind}", headers=ada.headers).status_code == 200

    assert len(sent) == 2, sent
