"""Numbers, times, codes and other people's texts, as a reader of the report wants them."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from app.reports.texts import LANGUAGES
from app.reports.wording import Texts

#: As long as a note may be; what is longer is cut, and says so.
LONGEST = 10_000
EMPTY_LINES = re.compile(r"\n\s*\n\s*\n")


@dataclass(frozen=True, slots=True)
class Words:
    """One language at one site. Every text that comes out is plain: no markup, no control characters."""

    language: str
    zone: ZoneInfo

    @property
    def texts(self) -> Texts:
        return LANGUAGES[self.language]

    def date(self, day: date) -> str:
        month = self.texts.months[day.month - 1]
        return self.texts.date.format(day=day.day, month=month, month_number=day.month, year=day.year)

    def time(self, of_day: time) -> str:
        return self.texts.time.format(hour=of_day.hour, minute=of_day.minute)

    def day(self, at: datetime) -> str:
        return self.date(at.astimezone(self.zone).date())

    def moment(self, at: datetime | None) -> str:
        """Empty for none."""
        if at is None:
            return ""
        here = at.astimezone(self.zone)
        return self.texts.moment.format(date=self.date(here.date()), time=self.time(here.time()))

    def number(self, value: float | Decimal) -> str:
        """As it was given, with the language's separators: 1234.50 is `1,234.5`, or `1.234,5`."""
        if not math.isfinite(value):
            return str(value)
        whole, _, fraction = f"{Decimal(str(value)):,f}".partition(".")
        fraction = fraction.rstrip("0")
        whole = whole.replace(",", self.texts.thousands)
        return f"{whole}{self.texts.decimal_point}{fraction}" if fraction else whole

    def duration(self, seconds: float) -> str:
        """In hours and minutes, to the nearest minute."""
        hours, minutes = divmod(round(seconds / 60), 60)
        said = [self.texts.hours.format(hours=hours)] if hours else []
        if minutes or not hours:
            said.append(self.texts.minutes.format(minutes=minutes))
        return " ".join(said)

    def code(self, code: str, known: Mapping[str, str] | None = None) -> str:
        """What a code means: a word that we have, else the code as a word of its own."""
        found = (known or {}).get(code) or self.texts.code_words.get(code)
        return found or plain(code.replace("_", " ").strip()).capitalize()

    def text(self, given: Any) -> str:
        """Somebody's text, fit to be shown: cut when it is too long."""
        cleaned = EMPTY_LINES.sub("\n\n", plain(str(given or "")).strip())
        return cleaned if len(cleaned) <= LONGEST else f"{cleaned[:LONGEST]}… {self.texts.shortened}"

    def line(self, given: Any) -> str:
        return " ".join(self.text(given).split())


#: Not printable by Python's book, but part of how words and emoji are written.
JOINERS = frozenset("\u200b\u200c\u200d\u200e\u200f\u00ad\u00a0\u202f\u2009")


def plain(text: str) -> str:
    """Without control characters (line breaks stay), and so without those that turn the reading direction around."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(one for one in unified if one == "\n" or one.isprintable() or one in JOINERS)
