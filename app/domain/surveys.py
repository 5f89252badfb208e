"""Whom we ask after a job, when, and what: the rules of customer surveys."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Any

EDITABLE_FOR = timedelta(hours=24)


class SuppressedReason(StrEnum):
    """Why a survey that could have been sent was not."""

    COOLDOWN = "cooldown"
    OPTED_OUT = "opted_out"
    QUIET_EXPIRED = "quiet_expired"
    NO_CONTACT = "no_contact"
    SAMPLED_OUT = "sampled_out"
    TEST = "test"


class QuestionKind(StrEnum):
    CSAT = "csat"
    NPS = "nps"
    CES = "ces"
    CHOICE = "choice"
    TEXT = "text"


class Trigger(StrEnum):
    """What makes a survey: the work order is closed, or already when it is completed."""

    CLOSED = "closed"
    COMPLETED = "completed"


#: Lowest and highest score of each kind that has a scale.
SCALES: Mapping[QuestionKind, tuple[int, int]] = {
    QuestionKind.CSAT: (1, 5),
    QuestionKind.NPS: (0, 10),
    QuestionKind.CES: (1, 7),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a template; `key` names it among the others and in the form."""

    key: str
    kind: QuestionKind
    required: bool = False

    @property
    def scale(self) -> tuple[int, int] | None:
        return SCALES.get(self.kind)


TEMPLATE_VERSION = 1
TEMPLATE = (
    Question("csat", QuestionKind.CSAT, required=True),
    Question("nps", QuestionKind.NPS),
    Question("comment", QuestionKind.TEXT),
)


def snapshot(questions: tuple[Question, ...]) -> list[dict[str, Any]]:
    """The questions as they are kept with a survey: a list of `{key, kind, required, scale_min, scale_max}`."""
    kept = []
    for question in questions:
        low, high = question.scale or (None, None)
        kept.append(
            {
                "key": question.key,
                "kind": question.kind.value,
                "required": question.required,
                "scale_min": low,
                "scale_max": high,
            }
        )
    return kept


def questions_of(kept: list[dict[str, Any]]) -> tuple[Question, ...]:
    """The questions of a survey as they were when it was made."""
    return tuple(Question(one["key"], QuestionKind(one["kind"]), one["required"]) for one in kept)


@dataclass(frozen=True, slots=True)
class SurveyPolicy:
    """An organization's own rules. Messages go out between `earliest` and `latest` on the contact's clock."""

    trigger: Trigger = Trigger.CLOSED
    delay: timedelta = timedelta(0)
    cooldown: timedelta = timedelta(days=14)
    sample_percent: float = 100.0
    earliest: time = time(8)
    latest: time = time(21)
    send_within: timedelta = timedelta(days=3)
    link_lives: timedelta = timedelta(days=30)
    questions: tuple[Question, ...] = field(default=TEMPLATE)


def policy_from(settings: Mapping[str, Any]) -> SurveyPolicy:
    """The policy in an organization's settings: `trigger, delay_minutes, cooldown_days, sample_percent,
    earliest_hour, latest_hour, send_within_hours, link_days`, each with a default."""
    usual = SurveyPolicy()
    return SurveyPolicy(
        trigger=Trigger(settings.get("trigger", usual.trigger)),
        delay=timedelta(minutes=settings.get("delay_minutes", 0)),
        cooldown=timedelta(days=settings.get("cooldown_days", usual.cooldown.days)),
        sample_percent=settings.get("sample_percent", usual.sample_percent),
        earliest=time(settings.get("earliest_hour", usual.earliest.hour)),
        latest=_end_of_hours(settings.get("latest_hour", usual.latest.hour)),
        send_within=timedelta(hours=settings.get("send_within_hours", 72)),
        link_lives=timedelta(days=settings.get("link_days", usual.link_lives.days)),
    )


def _end_of_hours(hour: int) -> time:
    """24 is the midnight that ends the day."""
    return time.max if hour == 24 else time(hour)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known about a contact when a survey is made, and again when it is sent."""

    is_test: bool
    has_address: bool
    opted_out: bool
    last_asked_at: datetime | None
    sample_key: str


def why_not(known: Circumstances, policy: SurveyPolicy, *, at: datetime) -> SuppressedReason | None:
    """The first reason not to ask, or None."""
    if known.is_test:
        return SuppressedReason.TEST
    if known.opted_out:
        return SuppressedReason.OPTED_OUT
    if not known.has_address:
        return SuppressedReason.NO_CONTACT
    if not is_sampled(known.sample_key, policy.sample_percent):
        return SuppressedReason.SAMPLED_OUT
    if known.last_asked_at is not None and at - known.last_asked_at < policy.cooldown:
        return SuppressedReason.COOLDOWN
    return None


def is_sampled(key: str, percent: float) -> bool:
    """Whether this one is asked: the same answer for the same key for ever, so nobody can choose it."""
    place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % 10_000
    return place < percent * 100


def sending_time(at: datetime, zone: tzinfo, policy: SurveyPolicy) -> datetime:
    """`at`, or the next moment that is not in the quiet hours of the contact's zone (UTC in, UTC out)."""
    local = at.astimezone(zone)
    if policy.earliest <= local.time() < policy.latest:
        return at
    day = local.date() if local.time() < policy.earliest else local.date() + timedelta(days=1)
    return datetime.combine(day, policy.earliest, zone).astimezone(at.tzinfo)


def is_editable(answered_at: datetime | None, *, at: datetime) -> bool:
    """An answer may be given once and changed for a day."""
    return answered_at is None or at - answered_at <= EDITABLE_FOR


def score_within(question: Question, text: str) -> int | None:
    """The score that a form or a link says, or None when it is none of this question's scale."""
    if question.scale is None or not (text.isascii() and text.isdigit() and len(text) <= 2):
        return None
    low, high = question.scale
    score = int(text)
    return score if low <= score <= high else None


def postal_district(postal_code: str | None) -> str | None:
    """The part of a postcode that names a district: before the space, else the first three characters."""
    code = (postal_code or "").strip().upper()
    if not code:
        return None
    outward, space, _ = code.partition(" ")
    return outward if space else code[:3]


def window_accuracy_minutes(
    arrived_at: datetime | None, window_start: datetime | None, window_end: datetime | None
) -> int | None:
    """0 inside the promised window, minutes late above, minutes early below zero; None without window or arrival."""
    if arrived_at is None or window_start is None or window_end is None:
        return None
    if arrived_at > window_end:
        return int((arrived_at - window_end).total_seconds() // 60)
    if arrived_at < window_start:
        return -int((window_start - arrived_at).total_seconds() // 60)
    return 0
