"""The message that carries a report alone, when nobody is asked how it went."""

from sqlmodel import Session

from app.messages.letters import Letter, Parts, as_html, as_text
from app.messages.models import CustomerMessage
from app.messages.queries import Recipient
from app.reports.queries import report_link, report_of, title_of
from app.reports.texts import LANGUAGES, language_of
from app.reports.words import Words


def report_letter(db: Session, message: CustomerMessage, recipient: Recipient) -> Parts | None:
    """The link to the report, in the recipient's language; None when the link has expired meanwhile."""
    report = report_of(db, message.organization_id, message.work_order_id)
    link = report_link(db, message.organization_id, message.work_order_id)
    if report is None or link is None:
        return None
    language = language_of(message.language)
    words, texts = Words(language, recipient.zone), LANGUAGES[language]
    company = words.line(recipient.company)
    work = f"{words.line(title_of(db, message.organization_id, message.work_order_id))} ({recipient.number})"
    letter = Letter(
        title=texts.title,
        greeting=texts.greeting.format(name=words.line(recipient.name)),
        lines=(texts.mail_says.format(work=work),),
        button=(texts.button, link),
        or_open=texts.or_open,
        after=(texts.until.format(day=words.day(report.expires_at)),),
    )
    return Parts(
        subject=texts.subject.format(work=work),
        text=as_text(letter, company=company),
        html=as_html(letter, company=company, language=language),
        sms=texts.sms.format(company=company, work=recipient.number, link=link),
    )
