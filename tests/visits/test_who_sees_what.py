"""What each of the cast is shown of a job."""

from datetime import timedelta

import time_machine

from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene

PRICES = ("minor", "cost", "rate", "price", "currency")


def test_the_contact_is_shown_until_a_day_after_the_end(scene: Scene, api: CheckedClient, ana: Somebody) -> None:
    with time_machine.travel(scene.at, tick=False) as now:
        visit_id = scene.dispatched(ana)["id"]
        scene.report(visit_id, "arrive", ana)
        now.shift(timedelta(hours=1))
        scene.report(visit_id, "complete", ana)
        shown = []
        for hours in (23, 2):
            now.shift(timedelta(hours=hours))
            shown.append(api.get(f"/v1/me/jobs/{visit_id}", headers=ana.headers).json()["contact"])

    assert shown[0]["name"] == "Cleo"
    assert shown[1] is None


def test_the_contact_goes_with_the_visit(scene: Scene, api: CheckedClient, ana: Somebody, ben: Somebody) -> None:
    visit_id = scene.dispatched(ana)["id"]
    assert ben.technician is not None
    body = {"technician_id": str(ben.technician.id), "reason_code": "ill", "force_reason": "now"}
    scene.plan(visit_id, "reassignment", body)

    assert api.get(f"/v1/me/jobs/{visit_id}", headers=ana.headers).status_code == 404
    assert api.get(f"/v1/me/jobs/{visit_id}", headers=ben.headers).json()["contact"] is None
    scene.plan(visit_id, "dispatch")
    assert api.get(f"/v1/me/jobs/{visit_id}", headers=ben.headers).json()["contact"]["name"] == "Cleo"


def test_nobody_in_the_field_is_shown_money(
    scene: Scene, api: CheckedClient, ana: Somebody, pia: Somebody, tom: Somebody
) -> None:
    order = scene.work_order(nte_minor=50_000, currency="EUR")
    hers = scene.dispatched(ana)["id"]
    toms = scene.dispatched(tom, order)["id"]
    scene.report(toms, "arrive", tom)
    seen = [
        (ana, "/v1/me/jobs"),
        (ana, f"/v1/visits/{hers}/time-entries"),
        (tom, f"/v1/me/jobs/{toms}"),
        (pia, f"/v1/visits/{toms}"),
        (pia, f"/v1/visits/{toms}/time-entries"),
        (pia, f"/v1/work-orders/{order['id']}"),
    ]

    for who, path in seen:
        answer = api.get(path, headers=who.headers)
        assert answer.status_code == 200
        assert not [name for name in names_in(answer.json()) if any(word in name for word in PRICES)], path


def names_in(document: object) -> list[str]:
    if isinstance(document, list):
        return [name for one in document for name in names_in(one)]
    if isinstance(document, dict):
        return [*document, *(name for one in document.values() for name in names_in(one))]
    return []


def test_internal_notes_stay_in_the_office(scene: Scene, api: CheckedClient, ana: Somebody) -> None:
    visit = scene.dispatched(ana)
    for internal in (True, False):
        body = {
            "id": f"00000000-0000-4000-8000-00000000000{int(internal)}",
            "occurred_at": scene.at.isoformat(),
            "text": "never pays" if internal else "ring twice",
            "internal": internal,
        }
        scene.post(f"/v1/visits/{visit['id']}/notes", body, status=201)

    path = f"/v1/work-orders/{visit['work_order_id']}/notes"
    assert len(scene.get(path)["items"]) == 2
    assert [one["text"] for one in scene.get(path, by=ana)["items"]] == ["ring twice"]
    [job] = api.get("/v1/me/jobs", headers=ana.headers).json()["items"]
    assert [one["text"] for one in job["notes"]] == ["ring twice"]
