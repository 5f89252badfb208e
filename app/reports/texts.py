"""What the report says of its own, by language."""

from collections.abc import Mapping

from app.kit.pages import language_among
from app.reports.english import EN
from app.reports.german import DE
from app.reports.wording import Texts

LANGUAGES: Mapping[str, Texts] = {"en": EN, "de": DE}


def language_of(*wished: str | None) -> str:
    """The first of these that is offered (`de-AT` is: it is `de`), else English."""
    return language_among(LANGUAGES, *wished)
