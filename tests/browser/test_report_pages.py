"""The service report in a real Chromium: small and large screens, light and dark, printed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from sqlmodel import select

from app.kit import clock
from app.kit.runtime import Runtime
from app.kit.settings import Settings
from app.reports.models import ServiceReport
from tests.browser.browser import look, must_be_fine
from tests.reports.conftest import Play, Story, clock_stands, play  # noqa: F401
from tests.served import served

SIZES = (320, 390, 1280)


@pytest.fixture(scope="module")
def site(settings: Settings, dsn: str) -> Iterator[Runtime]:
    """The whole application on a port of this machine."""
    with served(settings, dsn) as runtime:
        yield runtime


def url(site: Runtime, story: Story, language: str) -> str:
    return f"{site.settings.base_url}{story.path}?lang={language}"


def in_every_view(address: str, folder: Path, name: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "url": address,
            "width": width,
            "scheme": scheme,
            "screenshot": str(folder / f"{name}-{width}-{scheme}.png"),
            **more,
        }
        for width in SIZES
        for scheme in ("light", "dark")
    ]


def test_the_report_is_fine_in_every_view_and_language(site: Runtime, play: Play, tmp_path: Path) -> None:  # noqa: F811
    story = play(photos=("before", "after", "serial", "damage"))

    visits = [
        visit
        for language in ("en", "de")
        for visit in in_every_view(url(site, story, language), tmp_path, f"report-{language}")
    ]

    for seen in look(*visits):
        must_be_fine(seen)
        assert seen["status"] == 200
        assert len([request for request in seen["requests"] if "/evidence/" in request]) == 5


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_printed_report_is_white_and_counts_its_pages(
    site: Runtime,
    play: Play,  # noqa: F811
    tmp_path: Path,
    paper: str,
) -> None:
    story = play(photos=("before", "after", "serial", "damage", "flue", "valve", "meter"))
    printed = tmp_path / "report.pdf"
    wish = {"url": url(site, story, "de"), "width": 1280, "scheme": "dark", "print": str(printed), "paper": paper}

    look(wish)

    pages = PdfReader(printed).pages
    texts = [page.extract_text() for page in pages]
    assert len(pages) == 3
    assert [f"Seite {number} / 3" in text for number, text in enumerate(texts, start=1)] == [True, True, True]
    assert ["Servicebericht WO-" in text.splitlines()[0] for text in texts[1:]] == [True, True]
    assert [text.count(story.work_order["number"]) for text in texts] == [1, 1, 1]
    assert sum(len(page.images) for page in pages) == 8
    assert "Als PDF speichern" not in texts[0]


def test_the_notices_are_fine_in_every_view(site: Runtime, play: Play, tmp_path: Path) -> None:  # noqa: F811
    story = play()
    with site.transaction(story.organization_id) as db:
        db.exec(select(ServiceReport).where(ServiceReport.work_order_id == story.id)).one().expires_at = clock.now()
    expired, unknown = url(site, story, "de"), f"{site.settings.base_url}/r/nobody"

    for seen in look(*in_every_view(expired, tmp_path, "expired"), *in_every_view(unknown, tmp_path, "unknown")):
        must_be_fine(seen)
        assert seen["status"] in (404, 410)


def test_hostile_texts_break_no_page(site: Runtime, play: Play, tmp_path: Path) -> None:  # noqa: F811
    long = "W" * 190
    story = play(title=long, note="<b>" * 300, part=long, signer=long, answers={"leak": "X" * 5000, "gas": False})

    for seen in look(*in_every_view(url(site, story, "en"), tmp_path, "hostile")):
        must_be_fine(seen)
