"""Numbers, times and codes as a reader of each language writes them; and a word for every code that we make."""

from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from app.domain.closure_policy import RuleKind
from app.domain.lifecycle import IncompleteReason, Outcome, WorkOrderStatus
from app.reports import content
from app.reports.pages import INSIDE_EDGE_PX, smaller
from app.reports.texts import LANGUAGES, language_of
from app.reports.words import LONGEST, Words
from tests.reports.conftest import Play, a_photo

AT = datetime(2026, 3, 5, 23, 7, tzinfo=UTC)
WRITTEN: list[tuple[str, str, tuple[Any, ...], str]] = [
    ("en", "moment", (AT,), "6 March 2026, 00:07"),
    ("de", "moment", (AT,), "06.03.2026, 00:07 Uhr"),
    ("en", "moment", (None,), ""),
    ("en", "number", (1234567.5,), "1,234,567.5"),
    ("de", "number", (1234567.5,), "1.234.567,5"),
    ("de", "number", (Decimal("1.50"),), "1,5"),
    ("de", "number", (Decimal("100"),), "100"),
    ("en", "number", (1e21,), "1,000,000,000,000,000,000,000"),
    ("en", "number", (-0.001,), "-0.001"),
    ("en", "number", (float("inf"),), "inf"),
    ("en", "duration", (3540,), "59 min"),
    ("en", "duration", (3600,), "1 h"),
    ("de", "duration", (5129,), "1 Std. 25 Min."),
    ("en", "duration", (0,), "0 min"),
    ("en", "code", ("valve_replaced",), "Valve replaced"),
    ("de", "code", ("fixed",), "Behoben"),
    ("en", "text", (" a\r\n\r\n\r\n\r\nb\x00\u202e ",), "a\n\nb"),
    ("en", "text", (None,), ""),
    ("en", "line", ("a\n b\tc",), "a b c"),
]


@pytest.mark.parametrize(("language", "what", "given", "written"), WRITTEN)
def test_it_is_written_as_its_readers_write(language: str, what: str, given: tuple[Any, ...], written: str) -> None:
    words = Words(language, ZoneInfo("Europe/Berlin"))

    assert getattr(words, what)(*given) == written


def test_what_is_longer_than_any_note_is_cut_and_says_so() -> None:
    words = Words("en", ZoneInfo("UTC"))

    assert words.text("a" * (LONGEST + 1)) == "a" * LONGEST + "… [shortened]"
    assert words.text("a" * LONGEST) == "a" * LONGEST


@pytest.mark.parametrize("texts", LANGUAGES.values(), ids=LANGUAGES)
def test_every_code_that_we_make_has_a_word(texts: Any) -> None:
    assert set(texts.left_out_words) == {*RuleKind, "evidence"} - {RuleKind.SUPERVISOR_REVIEW}
    assert set(texts.status_words) == set(WorkOrderStatus)
    assert set(texts.outcome_words) == set(Outcome)
    assert set(texts.incomplete_words) == set(IncompleteReason)
    assert set(texts.role_words) == {"customer", "technician", "witness"}
    assert len(texts.months) == 12


def test_the_first_language_that_is_offered_counts() -> None:
    assert [language_of("xx", "de-AT"), language_of("", None), language_of("EN-us", "de")] == ["de", "en", "en"]


def test_of_very_many_photos_the_report_shows_the_first_and_counts_the_rest(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "MOST_PHOTOS", 2)

    story = play(photos=("before", "after", "serial", "damage"))

    assert "2 weitere Fotos liegen beim Auftrag." in story.text()
    assert story.report().text.count("<img ") == 3


def test_pictures_inside_a_page_have_as_many_pixels_as_a_screen() -> None:
    large, small = a_photo("LARGE", "red", size=(2560, 1920)), a_photo("SMALL", "red", size=(640, 480))

    with Image.open(BytesIO(smaller(large))) as picture:
        assert (picture.format, max(picture.size)) == ("JPEG", INSIDE_EDGE_PX)
    assert smaller(small) == small
