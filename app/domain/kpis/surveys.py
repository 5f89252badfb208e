"""What customers said: satisfaction, recommendation, and how many said anything."""

from datetime import datetime
from typing import NamedTuple

from app.domain.kpis.verdicts import Verdict, excluded, no, weighed, yes

#: From here upwards, as a share of the scale, an answer is positive: 4 of 1–5, 8 of 1–10, 3 of 1–3.
POSITIVE_SHARE = 0.75


class Answer(NamedTuple):
    """One answer to one question; `score` is None for a comment without a rating."""

    left_out: str | None
    score: float | None
    scale_min: float | None
    scale_max: float | None
    replaced: bool = False


class Invitation(NamedTuple):
    """One survey of one work order; `failed` says how it did not arrive, as `bounced`."""

    left_out: str | None
    suppressed_reason: str | None
    failed: str | None
    sent_at: datetime | None
    answered_at: datetime | None


def is_positive(score: float, scale_min: float, scale_max: float) -> bool:
    """Whether a rating is in the top of its scale.

    Raises:
        ZeroDivisionError: the scale has one step only.
    """
    return (score - scale_min) / (scale_max - scale_min) >= POSITIVE_SHARE


def judge_csat(answer: Answer) -> Verdict:
    """K4: a rating in the top boxes of its scale, of all ratings; its value is the score."""
    if reason := _left_out(answer):
        return excluded(reason)
    score, low, high = float(answer.score or 0), float(answer.scale_min or 0), float(answer.scale_max or 5)
    word = f"{score:g}"
    return yes(word, score) if is_positive(score, low, high) else no(word, score)


def judge_nps(answer: Answer) -> Verdict:
    """K10: a promoter (9–10) adds one, a detractor (0–6) takes one, the others only count."""
    if reason := _left_out(answer):
        return excluded(reason)
    score = float(answer.score or 0)
    if score >= 9:
        return Verdict(amount=1, value=score, category="promoters")
    if score <= 6:
        return Verdict(amount=-1, value=score, category="detractors")
    return Verdict(amount=0, value=score, category="passives")


def _left_out(answer: Answer) -> str | None:
    if answer.left_out is not None:
        return answer.left_out
    if answer.score is None:
        return "no_rating"
    return "earlier_answer" if answer.replaced else None


def judge_response(invitation: Invitation) -> Verdict:
    """K4r: answered, of those that reached the customer (without a receipt: that were sent)."""
    if invitation.left_out is not None:
        return excluded(invitation.left_out)
    if invitation.suppressed_reason is not None:
        return excluded(f"suppressed_{invitation.suppressed_reason}")
    if invitation.failed is not None:
        return excluded(invitation.failed)
    if invitation.sent_at is None:
        return excluded("not_sent")
    return yes("answered") if invitation.answered_at is not None else no("silent")


def judge_closed_response(closed: bool, answers: int, *, left_out: str | None = None) -> Verdict:
    """The closed-work variant: answers for each closed work order, invited or not."""
    if left_out is not None:
        return excluded(left_out)
    return weighed(amount=answers, weight=1 if closed else 0, category="answered" if answers else "silent")
