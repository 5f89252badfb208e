"""`GET /metrics`: figures for whoever watches, behind a token of their own."""

import pytest
from pydantic import SecretStr
from sqlmodel import Session

from app.kit.database import rows
from app.kit.runtime import Runtime
from app.sync.upkeep import audit
from tests.conftest import CheckedClient, Somebody
from tests.scene import Scene
from tests.sync.phone import Phone


@pytest.fixture
def watcher(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(runtime.settings, "metrics_token", SecretStr("let me look"))
    return {"Authorization": "Bearer let me look"}


def test_a_feed_that_was_changed_by_hand_shows_until_it_is_put_right(
    api: CheckedClient, scene: Scene, ana: Somebody, runtime: Runtime, db: Session, watcher: dict[str, str]
) -> None:
    scene.dispatched(ana)
    Phone(api, ana).pull()
    audit(runtime, repair=True)
    assert "firstfix_sync_feed_drift 0\n" in api.get("/metrics", headers=watcher).text

    rows(db, "UPDATE feed_entries SET document = '{}' WHERE kind = 'job'")
    db.commit()
    audit(runtime)
    assert "firstfix_sync_feed_drift 1\n" in api.get("/metrics", headers=watcher).text

    audit(runtime, repair=True)
    assert "firstfix_sync_feed_drift 0\n" in api.get("/metrics", headers=watcher).text


def test_without_the_token_there_is_nothing_to_see(api: CheckedClient, ana: Somebody, watcher: dict[str, str]) -> None:
    assert api.get("/metrics", headers=ana.headers).status_code == 401
    assert api.get("/metrics").status_code == 401


def test_without_a_token_in_the_settings_there_are_no_metrics(api: CheckedClient, ana: Somebody) -> None:
    assert api.get("/metrics", headers=ana.headers).status_code == 404
