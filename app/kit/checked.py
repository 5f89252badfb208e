"""Text that means something outside: time zones, languages, telephone numbers. Read leniently, kept in one form."""

import re
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

import phonenumbers
from pydantic import AfterValidator, StringConstraints

from app.kit.schemas import Code, Line

LANGUAGE = re.compile(r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?", re.IGNORECASE)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("is not a time zone of the IANA database, as Europe/Berlin is")
    return value


def _language(value: str) -> str:
    """`de`, `zh-Hant`, `pt-BR`: in the letters of BCP 47, whatever letters were sent."""
    found = LANGUAGE.fullmatch(value)
    if found is None:
        raise ValueError("is not a short language tag (BCP 47), as de or pt-BR is")
    language, script, region = found.groups()
    return "-".join(filter(None, (language.lower(), script and script.title(), region and region.upper())))


def _phone(value: str) -> str:
    international = "+" + value[2:] if value.startswith("00") else value
    try:
        number = phonenumbers.parse(international, None)
    except phonenumbers.NumberParseException:
        raise ValueError("is not a telephone number with its country, as +49 30 901820 is") from None
    if number.extension or not phonenumbers.is_possible_number(number):
        raise ValueError("is not a telephone number that can be called")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


TimeZone = Annotated[Code, AfterValidator(_zone)]
Language = Annotated[str, StringConstraints(min_length=2, max_length=12), AfterValidator(_language)]
Phone = Annotated[Line, StringConstraints(max_length=40), AfterValidator(_phone)]
"""E.164, whichever way it was written."""
