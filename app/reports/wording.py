"""What every language of the report must say: no field has a default."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Texts:
    """`date`, `time` and `moment` are built from numbers and `months`; `*_words` say what a code means."""

    title: str
    months: tuple[str, ...]
    date: str
    time: str
    moment: str
    decimal_point: str
    thousands: str
    hours: str
    minutes: str
    yes: str
    no: str
    passed: str
    failed: str
    customer: str
    site: str
    asset: str
    model: str
    serial: str
    reference: str
    requested: str
    completed: str
    status: str
    status_words: Mapping[str, str]
    visit: str
    technicians: str
    arrived: str
    started: str
    ended: str
    on_site: str
    result: str
    outcome_words: Mapping[str, str]
    incomplete_words: Mapping[str, str]
    notes: str
    checklist: str
    check: str
    answer: str
    verdict: str
    parts: str
    part: str
    number: str
    quantity: str
    serials: str
    readings: str
    reading: str
    value: str
    tests: str
    photos: str
    photo: str
    pictures: tuple[str, str]
    signed_here: str
    tag_words: Mapping[str, str]
    taken: str
    more_photos: str
    signatures: str
    role_words: Mapping[str, str]
    refused: str
    confirmed: str
    confirmed_by_code: str
    left_out: str
    left_out_words: Mapping[str, str]
    follow_ups: str
    amendments: str
    certificate: str
    certificate_says: str
    code: str
    check_it: str
    made: str
    times_are: str
    page: str
    save_pdf: str
    in_other_language: str
    no_visits: str
    shortened: str
    rating: str
    code_words: Mapping[str, str]
    expired_title: str
    expired: str
    unknown_title: str
    unknown: str
    no_pdf_title: str
    no_pdf: str
    subject: str
    greeting: str
    mail_says: str
    button: str
    or_open: str
    until: str
    sms: str
