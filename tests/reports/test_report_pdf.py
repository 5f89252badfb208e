"""The report as a PDF: complete, the same each time, and within its limits."""

import sys
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from app.identity.models import Organization
from app.kit import clock
from app.kit.runtime import Runtime
from app.reports import pdf
from app.reports.pages import material_for, pictures_in
from app.reports.pdf import Limits, PdfFailed, laid_out, report_pdf
from tests.reports.conftest import SECRETS, Play, Story, Web
from tests.reports.test_service_report import ALL_IN_ENGLISH, ALL_IN_GERMAN

POINTS = {"EUR": (595, 842), "USD": (612, 792)}


def material(story: Story, language: str = "de") -> tuple[Any, dict[str, bytes]]:
    with story.runtime.transaction(story.organization_id) as db:
        found = material_for(db, story.organization_id, story.id, wished=language, at=clock.now())
    return found.content, pictures_in(story.runtime.objects, found)


def words_of(document: bytes) -> str:
    """All that it says, without spaces and separators: a PDF has no lines."""
    return bare("".join(page.extract_text() for page in PdfReader(BytesIO(document)).pages))


def bare(text: str) -> str:
    return "".join(one for one in text if not one.isspace() and one not in "·,✓✗")


@pytest.mark.parametrize(("language", "listed"), [("de", ALL_IN_GERMAN), ("en", ALL_IN_ENGLISH)])
def test_the_pdf_says_what_the_page_says(play: Play, language: str, listed: str) -> None:
    answer = play().report(format="pdf", lang=language)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    said = words_of(answer.content)
    assert [part for part in listed.replace("\n", "|").split("|") if bare(part) not in said] == []
    assert [secret for secret in SECRETS if bare(secret) in said] == []
    pages = PdfReader(BytesIO(answer.content)).pages
    assert sum(len(page.images) for page in pages) >= 4


def test_the_accept_header_decides_when_nothing_is_said(play: Play) -> None:
    story = play()
    path, office = f"/v1/work-orders/{story.id}/service-report", story.scene.office.headers
    kinds = {
        accepted: story.scene.api.get(path, headers={**office, "Accept": accepted}).headers["content-type"]
        for accepted in ("application/pdf", "text/html,application/pdf;q=0.5", "*/*")
    }

    assert [kind.partition(";")[0] for kind in kinds.values()] == ["application/pdf", "text/html", "text/html"]


def test_the_same_content_is_the_same_file(play: Play) -> None:
    content, pictures = material(play())

    assert report_pdf(content, pictures, at=clock.now()) == report_pdf(content, pictures, at=clock.now())


@pytest.mark.parametrize("currency", POINTS)
def test_the_paper_is_the_one_that_the_country_has(play: Play, currency: str) -> None:
    story = play()
    with story.runtime.transaction(story.organization_id) as db:
        db.get_one(Organization, story.organization_id).currency = currency

    content, pictures = material(story)

    box = PdfReader(BytesIO(report_pdf(content, pictures, at=clock.now()))).pages[0].mediabox
    assert (round(box.width), round(box.height)) == POINTS[currency]


def test_a_pdf_is_tagged_and_says_its_language_and_title(play: Play) -> None:
    content, pictures = material(play())

    document = PdfReader(BytesIO(report_pdf(content, pictures, at=clock.now())))

    assert document.metadata is not None
    assert document.metadata.title == f"Servicebericht {content['number']}"
    catalog = document.trailer["/Root"]
    assert catalog["/Lang"] == "de"
    assert catalog["/MarkInfo"]["/Marked"]


def test_german_letters_and_those_of_the_neighbours_are_in_the_fonts(play: Play) -> None:
    letters = "ÄÖÜäöüß ČŁŐØÅÉñçžšğı ΑΩ ЖЯ €–„“"

    assert bare(letters) in words_of(play(note=letters).report(format="pdf").content)


def test_a_picture_that_is_lost_leaves_the_rest_in_place(play: Play) -> None:
    content, pictures = material(play())

    said = words_of(report_pdf(content, {}, at=clock.now()))

    assert len(pictures) == 4
    assert "CleoMüller" in said


@pytest.mark.parametrize(
    "limits", [Limits(wall_seconds=0.01), Limits(memory_bytes=64 * 1024**2), Limits(output_bytes=1000)]
)
def test_what_costs_too_much_is_refused(play: Play, limits: Limits) -> None:
    content, pictures = material(play())

    with pytest.raises(PdfFailed):
        report_pdf(content, pictures, at=clock.now(), limits=limits)

    assert report_pdf(content, pictures, at=clock.now()).startswith(b"%PDF-")


def test_only_so_many_are_made_at_a_time(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    story = play()
    monkeypatch.setattr(pdf, "WAIT_SECONDS", 0)
    with pdf._PLACES, pdf._PLACES:
        answer = story.report(format="pdf")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert story.report(format="pdf").status_code == 200


class NoPlace:
    """All places are taken; and so many connections to the database were held by whoever asked for one."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime, self.held = runtime, list[int]()

    def acquire(self, *, timeout: float) -> bool:
        self.held.append(self.runtime.engine.pool.checkedout())  # type: ignore[attr-defined]
        return False


def test_nothing_of_the_database_is_held_while_a_pdf_is_made(
    play: Play, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = play()
    places = NoPlace(story.runtime)
    monkeypatch.setattr(pdf, "_PLACES", places)

    answers = (story.report(format="pdf"), web.get(f"{story.path}/report.pdf"))

    assert [answer.status_code for answer in answers] == [503, 503]
    assert places.held == [0, 0]


def test_without_typst_it_is_said_clearly(play: Play, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    story = play()
    monkeypatch.setitem(sys.modules, "typst", None)

    answer = story.report(format="pdf")
    page = web.get(f"{story.path}/report.pdf")

    assert (answer.status_code, answer.json()["code"]) == (501, "pdf-not-installed")
    assert (page.status_code, "Hier gibt es kein PDF" in page.text) == (501, False)
    assert "report.pdf" not in web.get(story.path).text


def test_each_page_can_be_looked_at(play: Play) -> None:
    content, pictures = material(play())

    pages = laid_out(content, pictures, at=clock.now(), as_png=True)

    assert [Image.open(BytesIO(page)).format for page in pages] == ["PNG", "PNG"]
