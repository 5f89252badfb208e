"""The words of the invitation, as e-mail or SMS, in the contact's language."""

from pathlib import Path
from typing import Any

from app.domain.surveys import Question, QuestionKind, questions_of
from app.kit.messages import Channel, Message
from app.kit.pages import rendered
from app.kit.sms import segments
from app.surveys.models import Survey
from app.surveys.queries import Facts
from app.surveys.texts import Texts, texts_in

TEMPLATES = Path(__file__).parent / "templates"
#: An SMS may take so many segments to carry the link to the service report too.
ROOM_SEGMENTS = 2


def question_words(question: Question, texts: Texts) -> dict[str, Any]:
    """A question as templates show it: `{key, kind, required, label, ends, steps: [{value, word}]}`."""
    label = getattr(texts, question.kind.value)
    shown = {"key": question.key, "kind": question.kind.value, "required": question.required, "label": label}
    if question.scale is None:
        return {**shown, "ends": None, "steps": []}
    low, high = question.scale
    ends = texts.scale[question.kind.value]
    words = texts.words.get(question.kind.value) or (ends[0], *[""] * (high - low - 1), ends[1])
    steps = [{"value": str(low + place), "word": word} for place, word in enumerate(words)]
    return {**shown, "ends": ends, "steps": steps}


def invitation(survey: Survey, facts: Facts, *, base_url: str, token: str, report: str | None = None) -> Message:
    """The message of this survey: the same in every word whenever it is made anew, for its key is the same too.

    Args:
        report: where the service report is, when the customer gets one.
    """
    link = f"{base_url}/s/{token}"
    _, texts = texts_in(survey.language)
    sms = facts.row["channel"] == Channel.SMS
    body = _text_message(facts, texts, link, report) if sms else _mail_text(facts, texts, link, report)
    status_url = f"{base_url}/v1/messages/twilio-status?organization={survey.organization_id}&survey={survey.id}"
    return Message(
        organization_id=survey.organization_id,
        idempotency_key=f"survey:{survey.id}",
        channel=Channel.SMS if sms else Channel.EMAIL,
        to=facts.row["address"],
        subject="" if sms else _one_line(texts.subject.format(work=facts.work)),
        text=body,
        html="" if sms else _mail_html(survey, facts, texts, link, report),
        unsubscribe_url="" if sms else f"{link}/unsubscribe",
        status_url=status_url if sms and base_url.startswith("https://") else "",
    )


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:200]


def _text_message(facts: Facts, texts: Texts, link: str, report: str | None) -> str:
    """With the report when there is room for it: two segments, or as many as it takes without."""
    asks = texts.sms.format(company=facts.row["company"], work=facts.row["number"], link=link)
    alone = f"{asks} {texts.stop}"
    if report is None:
        return alone
    both = f"{asks} {texts.sms_report.format(link=report)} {texts.stop}"
    return both if segments(both) <= max(segments(alone), ROOM_SEGMENTS) else alone


def _mail_text(facts: Facts, texts: Texts, link: str, report: str | None) -> str:
    also = (f"{texts.report}:", report, "") if report else ()
    return "\n".join(
        (
            texts.mail_greeting.format(name=facts.row["contact_name"]),
            "",
            texts.mail_why.format(work=facts.work),
            "",
            link,
            "",
            *also,
            facts.row["company"],
            "",
            f"{texts.unsubscribe}: {link}/unsubscribe",
        )
    )


def _mail_html(survey: Survey, facts: Facts, texts: Texts, link: str, report: str | None) -> str:
    language, _ = texts_in(survey.language)
    scored = [question for question in questions_of(survey.questions) if question.kind is QuestionKind.CSAT][:1]
    asked = question_words(scored[0], texts) if scored else {"label": "", "steps": [], "ends": ("", "")}
    return rendered(
        TEMPLATES,
        "mail.html",
        language=language,
        t=texts,
        company=facts.row["company"],
        name=facts.row["contact_name"],
        work=facts.work,
        link=link,
        report=report,
        unsubscribe_url=f"{link}/unsubscribe",
        question=asked["label"],
        steps=asked["steps"],
        ends=asked["ends"],
    )
