"""The messages to customers that closure composes: their code, and the question whether the work is done."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session

from app.closure import codes
from app.closure.codes import SHOWN
from app.closure.customer_texts import CustomerTexts, texts_in
from app.closure.models import CustomerCode, CustomerConfirmation
from app.kit.database import rows
from app.kit.runtime import runtime_of
from app.kit.tokens import CODE, CONFIRM, derived_again
from app.messages.letters import Letter, Parts, as_html, as_text
from app.messages.models import CustomerMessage
from app.messages.queries import Recipient


def day_and_time(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def compose_code(db: Session, message: CustomerMessage, to: Recipient) -> Parts | None:
    """The code, or the link to the page that shows it; nothing when it is no longer good."""
    code = db.get_one(CustomerCode, (message.organization_id, message.subject_id))
    newest = codes.current_code(db, message.organization_id, code.visit_id)
    over = message.due_at is not None and code.expires_at <= message.due_at
    if newest is None or newest.id != code.id or code.used_at is not None or over:
        return None
    return _with_link(db, message, code, to) if code.channel == SHOWN else _with_digits(db, message, code, to)


def _with_digits(db: Session, message: CustomerMessage, code: CustomerCode, to: Recipient) -> Parts | None:
    digits = codes.digits_of(db, code)
    if digits is None:
        return None
    language, t = texts_in(message.language)
    letter = Letter(
        title=t.code_title,
        greeting=t.greeting.format(name=to.name),
        lines=(t.code_why.format(number=to.number), t.code_when),
        figure=digits,
        after=(t.code_until.format(until=day_and_time(code.expires_at, to.zone)),),
    )
    sms = t.code_sms.format(company=to.company, number=to.number, code=digits)
    return _parts(letter, t.code_subject.format(number=to.number), sms, to, language)


def _with_link(db: Session, message: CustomerMessage, code: CustomerCode, to: Recipient) -> Parts | None:
    runtime = runtime_of(db)
    token = derived_again(CODE, message.organization_id, runtime.secrets, code.id, code.token_hash)
    if token is None:
        return None
    language, t = texts_in(message.language)
    link = f"{runtime.settings.base_url}/code/{token}"
    letter = Letter(
        title=t.code_title,
        greeting=t.greeting.format(name=to.name),
        lines=(t.code_why.format(number=to.number), t.code_when),
        button=(t.code_button, link),
        or_open=t.or_open,
        after=(t.code_until.format(until=day_and_time(code.expires_at, to.zone)),),
    )
    sms = t.code_link_sms.format(company=to.company, number=to.number, link=link)
    return _parts(letter, t.code_subject.format(number=to.number), sms, to, language)


def _parts(letter: Letter, subject: str, sms: str, to: Recipient, language: str) -> Parts:
    """Codes go out at once, also at night: somebody is on the way."""
    text, html = as_text(letter, company=to.company), as_html(letter, company=to.company, language=language)
    return Parts(subject=subject, text=text, html=html, sms=sms, at_once=True)


def compose_confirmation(db: Session, message: CustomerMessage, to: Recipient) -> Parts | None:
    """The question, with the link to its page; nothing when it is answered or no longer asked."""
    confirmation = db.get_one(CustomerConfirmation, (message.organization_id, message.subject_id))
    runtime = runtime_of(db)
    known = confirmation.token_hash
    token = derived_again(CONFIRM, message.organization_id, runtime.secrets, confirmation.id, known)
    if token is None or confirmation.answer is not None:
        return None
    language, t = texts_in(message.language)
    link = f"{runtime.settings.base_url}/confirm/{token}"
    title = _title_of(db, message)
    letter = Letter(
        title=t.confirm_title,
        greeting=t.greeting.format(name=to.name),
        lines=(t.confirm_mail.format(title=title, number=to.number),),
        button=(t.confirm_button, link),
        or_open=t.or_open,
        after=(_privacy(t, to),),
    )
    return Parts(
        subject=t.confirm_subject.format(number=to.number),
        text=as_text(letter, company=to.company),
        html=as_html(letter, company=to.company, language=language),
        sms=t.confirm_sms.format(company=to.company, number=to.number, link=link),
    )


def _privacy(t: CustomerTexts, to: Recipient) -> str:
    return t.privacy.format(company=to.company)


def _title_of(db: Session, message: CustomerMessage) -> str:
    [row] = rows(
        db,
        "SELECT title FROM work_orders WHERE organization_id = %(o)s AND id = %(w)s",
        o=message.organization_id,
        w=message.work_order_id,
    )
    return str(row["title"])
