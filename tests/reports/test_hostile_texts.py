"""Whatever people write, the report shows it as text: no markup runs, and no line is lost."""

from html.parser import HTMLParser
from io import BytesIO

import pytest
from PIL import Image
from pypdf import PdfReader

from app.customers.models import Asset, Customer, Site
from app.identity.models import Organization
from app.kit import clock
from app.reports.pages import material_for, pictures_in
from app.reports.pdf import laid_out
from app.reports.words import plain
from tests.reports.conftest import Play, Story, readable

HTML = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><!--</style></td></main>"
TYPST = '#import "@preview/x:1.0.0" #read("data.json") #panic("no") $x^2$ [a] *b* _c_ `d` \\ @e <f> = g // h /* i'
TURNED = "invoice\u202efdp.exe\u2066\u2069"
EMOJI = "Привет 👩‍🔧 中文 مرحبا ŁódźŐ"
HOSTILE = {"html": HTML, "typst": TYPST, "turned": TURNED, "emoji": EMOJI, "css": "*/ } @page { content: '\\3c' }"}


class Tags(HTMLParser):
    """What a parser takes for elements, and for their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


def everywhere(play: Play, text: str) -> Story:
    """A job in which every field that anybody types says this."""
    line = " ".join(text.split())[:190]
    story = play(
        title=line,
        note=text,
        part=line,
        signer=line,
        answers={"leak": text, "gas": False, "next": line},
        closure={
            "readings": [{"label": line, "value": 1, "unit": line[:20]}],
            "tests": [{"name": line, "value": text}],
            "refused_signatures": [{"role": "witness", "reason": text[:1900]}],
        },
    )
    with story.runtime.transaction(story.organization_id) as db:
        o = story.organization_id
        db.get_one(Organization, o).name = line
        for kind, id in (
            (Customer, story.scene.customer_id),
            (Site, story.scene.site_id),
            (Asset, story.scene.asset_id),
        ):
            db.get_one(kind, (o, id)).name = line
    return story


def pdf_of(story: Story, *, as_png: bool = False) -> list[bytes]:
    with story.runtime.transaction(story.organization_id) as db:
        at = clock.now()
        found = material_for(db, story.organization_id, story.id, wished="en", at=at)
    return laid_out(found.content, pictures_in(story.runtime.objects, found), at=at, as_png=as_png)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_people_write_stays_text(play: Play, text: str) -> None:
    story = everywhere(play, text)
    calm = play()

    html = story.report(lang="en").text
    pages = PdfReader(BytesIO(pdf_of(story)[0])).pages

    seen, usual = Tags(html), Tags(calm.report(lang="en").text)
    assert seen.found - usual.found == {"div"} - usual.found
    assert seen.attributes <= usual.attributes
    shown = plain(text).split()[0]
    assert readable(html).count(shown) >= 11
    assert "".join(shown.split()) in "".join("".join(page.extract_text() for page in pages).split()).replace(
        "\u200b", ""
    )


def test_texts_cannot_turn_the_reading_direction_around(play: Play) -> None:
    html = everywhere(play, TURNED).report(lang="en").text

    assert "invoicefdp.exe" in html
    assert "\u202e" not in html


@pytest.mark.parametrize("long", ["W" * 9_000, "word " * 1_800, "\n" * 9_000, "界" * 9_000, "\u0301" * 9_000])
def test_a_text_without_end_stays_inside_the_page(play: Play, long: str) -> None:
    story = play(note=f"Anfang {long} Ende")

    text = story.text(lang="en")
    pages = pdf_of(story, as_png=True)

    assert ("Anfang" in text, "Ende" in text) == (True, True)
    assert 2 <= len(pages) <= 12
    for page in pages:
        with Image.open(BytesIO(page)) as picture:
            margin = picture.convert("L").crop((picture.width - 40, 0, picture.width, picture.height))
            assert margin.getextrema() == (255, 255)
