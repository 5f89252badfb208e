"""How late is late is for the organization to say."""

from datetime import timedelta

import time_machine

from app.kit import clock
from tests.conftest import Somebody
from tests.scene import Scene


def test_the_grace_of_the_organization_is_the_default_of_the_question(scene: Scene, ana: Somebody) -> None:
    with time_machine.travel(clock.now(), tick=False) as now:
        start, end = clock.now() + timedelta(minutes=30), clock.now() + timedelta(minutes=60)
        window = {"window_start": start.isoformat(), "window_end": end.isoformat()}
        visit = scene.dispatched(ana, **window)
        now.shift(timedelta(minutes=65))
        scene.report(visit["id"], "arrive", ana)
        now.shift(timedelta(minutes=10))
        scene.report(visit["id"], "complete", ana)
        now.shift(timedelta(days=1))
        usual = scene.get("/v1/kpis/on_time_arrival")
        organization = scene.api.get("/v1/organization", headers=scene.boss.headers)
        changed = scene.api.patch(
            "/v1/organization",
            json={"settings": {"on_time": {"grace_minutes": 0}}},
            headers={**scene.boss.headers, "If-Match": organization.headers["etag"]},
        )
        assert changed.status_code == 200, changed.text

        strict = scene.get("/v1/kpis/on_time_arrival")

    assert (usual["numerator"], usual["denominator"]) == (1, 1)
    assert (strict["numerator"], strict["denominator"]) == (0, 1)
    assert strict["options"]["grace_minutes"] == 0
