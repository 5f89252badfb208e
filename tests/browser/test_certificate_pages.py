"""The page of a certificate in a real Chromium: small screens, light and dark, English and German, checked by axe."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.certificates.texts import LANGUAGES
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from tests.browser.browser import VIEWS, look, must_be_fine
from tests.certificates.conftest import Intruder, Work, closed, intruder, proven, work  # noqa: F401
from tests.served import served


@pytest.fixture(scope="module")
def site(settings: Settings, dsn: str) -> Iterator[Runtime]:
    """The whole application on a port of this machine."""
    with served(settings, dsn) as runtime:
        yield runtime


@pytest.fixture
def views(site: Runtime, closed: Work, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:  # noqa: F811
    """The page of the closed work as every screen shows it."""

    def see(name: str, code: str | None = None) -> list[dict[str, Any]]:
        address = f"{site.settings.base_url}/certificates/{code or closed.certificate()['code']}"
        return look(
            *(
                {
                    "url": address,
                    "width": width,
                    "scheme": scheme,
                    "locale": language,
                    "headers": {"Accept-Language": language},
                    "screenshot": str(tmp_path / f"{name}-{language}-{width}-{scheme}.png"),
                }
                for language in LANGUAGES
                for width, scheme in VIEWS
            )
        )

    return see


def test_a_certificate_is_fine_in_every_view_and_language(
    views: Callable[..., list[dict[str, Any]]],
    closed: Work,  # noqa: F811
) -> None:
    body = {"id": "0193501e-7a11-7c3e-9b1d-0c2f6a5d9e77", "text": "Another pump", "reason": "mistyped"}
    closed.send(f"/v1/work-orders/{closed.id}/amendments", body, by=closed.sam)

    for seen in views("certificate"):
        must_be_fine(seen)
        assert seen["status"] == 200
        assert seen["heading"].startswith(("Work order", "Auftrag"))


def test_what_was_changed_is_fine_in_every_view_and_language(
    views: Callable[..., list[dict[str, Any]]],
    closed: Work,  # noqa: F811
    intruder: Intruder,  # noqa: F811
) -> None:
    intruder.run("UPDATE task_results SET done = NOT done WHERE organization_id = %s", closed.job.organization_id)
    intruder.run("UPDATE evidence SET tag = tag || 'x' WHERE organization_id = %s", closed.job.organization_id)

    for seen in views("changed"):
        must_be_fine(seen)
        assert seen["status"] == 200


def test_a_code_of_nothing_is_fine_in_every_view_and_language(
    views: Callable[..., list[dict[str, Any]]],
    intruder: Intruder,  # noqa: F811
) -> None:
    intruder.run("DELETE FROM slow_downs")

    for seen in views("unknown", "AAAA-AAAA-AAAA-AAAA")[:4]:
        must_be_fine(seen)
        assert seen["status"] == 404
