"""What a customer sees behind the links of closure. Opening them tells and changes nothing; only a posted form does."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from app.closure import codes, confirmations, summary
from app.closure.codes import CodeState
from app.closure.commands.confirming import ConfirmationClosed, is_open, take_answer
from app.closure.customer_texts import LANGUAGES, CustomerTexts, texts_in
from app.closure.letters import day_and_time
from app.closure.models import ConfirmationAnswer, CustomerCode, CustomerConfirmation
from app.kit.database import enter
from app.kit.forms import is_fresh, make_nonce, plain_text
from app.kit.pages import best_language, page, page_headers
from app.kit.tokens import CODE, CONFIRM, fingerprint, organization_of
from app.messages.queries import Recipient, recipient_of
from app.visits.models import Visit

TEMPLATES = Path(__file__).parent / "templates"
FORM = "confirmation-form"
PARTS_SHOWN = 5


def find_confirmation(db: Session, token: str, *, write: bool) -> CustomerConfirmation | None:
    """The question of this link, in a transaction that can write only when `write` is set."""
    organization_id = _entered(db, token, CONFIRM, write=write)
    return confirmations.confirmation_by_token(db, organization_id, fingerprint(token)) if organization_id else None


def find_code(db: Session, token: str) -> CustomerCode | None:
    organization_id = _entered(db, token, CODE, write=False)
    return codes.code_by_token(db, organization_id, fingerprint(token)) if organization_id else None


def _entered(db: Session, token: str, prefix: str, *, write: bool) -> UUID | None:
    organization_id = organization_of(token, prefix)
    if organization_id is not None:
        enter(db, organization_id, read_only=not write)
    return organization_id


def unknown_page(accepted: str | None) -> HTMLResponse:
    language, t = texts_in(best_language(accepted, tuple(LANGUAGES), fallback="en"))
    return _said(language, t.unknown_title, t.unknown, status=404)


def confirmation_page(db: Session, confirmation: CustomerConfirmation, token: str, *, at: datetime) -> HTMLResponse:
    """The question; what was answered; or a notice that nobody asks any more."""
    if (over := _over_page(db, confirmation)) is not None:
        return over
    return _form(db, confirmation, token, {}, at=at)


def answer_page(
    db: Session, confirmation: CustomerConfirmation, token: str, form: Mapping[str, str], *, at: datetime
) -> Response:
    """Record what was posted and send the browser back to the link, or show the form again with what is wrong."""
    if (over := _over_page(db, confirmation)) is not None:
        return over
    _, t = texts_in(_to(db, confirmation).language)
    if not is_fresh(db, FORM, confirmation.id, form.get("nonce", ""), at=at):
        return _form(db, confirmation, token, form, at=at, trouble=t.form_too_old, status=409)
    if form.get("answer") not in (ConfirmationAnswer.YES, ConfirmationAnswer.NO):
        return _form(db, confirmation, token, form, at=at, trouble=t.confirm_choose, status=422)
    answer, comment = ConfirmationAnswer(form["answer"]), plain_text(form.get("comment", ""))
    try:
        take_answer(db, confirmation.organization_id, confirmation.id, answer, comment=comment, at=at)
    except ConfirmationClosed:
        db.refresh(confirmation)
        return _over_page(db, confirmation) or unknown_page(None)
    return RedirectResponse(f"/confirm/{token}", status_code=303, headers=page_headers())


def _over_page(db: Session, confirmation: CustomerConfirmation) -> HTMLResponse | None:
    to = _to(db, confirmation)
    language, t = texts_in(to.language)
    if confirmation.answer in (ConfirmationAnswer.YES, ConfirmationAnswer.NO):
        text = t.thanks_yes if confirmation.answer == ConfirmationAnswer.YES else t.thanks_no
        quoted = (t.you_wrote, confirmation.comment) if confirmation.comment else None
        return _said(language, t.thanks_title, text, company=to.company, done=True, quoted=quoted)
    if not is_open(db, confirmation):
        return _said(language, t.over_title, t.over, status=410, company=to.company)
    return None


def _to(db: Session, about: CustomerConfirmation | CustomerCode) -> Recipient:
    return recipient_of(db, about.organization_id, about.work_order_id)


def _form(
    db: Session,
    confirmation: CustomerConfirmation,
    token: str,
    form: Mapping[str, str],
    *,
    at: datetime,
    trouble: str = "",
    status: int = 200,
) -> HTMLResponse:
    to = _to(db, confirmation)
    language, t = texts_in(to.language)
    visit = db.get_one(Visit, (confirmation.organization_id, confirmation.visit_id))
    shown: dict[str, Any] = {
        "t": t,
        "company": to.company,
        "facts": _facts(summary.material_of(db, visit), t, to.zone),
        "answers": ((ConfirmationAnswer.YES, t.confirm_yes), (ConfirmationAnswer.NO, t.confirm_no)),
        "chosen": form.get("answer", ""),
        "comment": form.get("comment", ""),
        "trouble": trouble,
        "action": f"/confirm/{token}",
        "nonce": make_nonce(db, FORM, confirmation.id, at=at),
    }
    return page(TEMPLATES, "confirm.html", language=language, status=status, **shown)


def _facts(row: Mapping[str, Any], t: CustomerTexts, zone: ZoneInfo) -> list[tuple[str, str]]:
    """A few lines about the visit; lines about nothing are left out."""
    told = summary.summary_from(row)
    when = row["ended_at"] or row["arrived_at"] or row["scheduled_start"]
    parts = [f"{one['quantity']} × {one['name'] or one['number']}" for one in told["parts"]]
    more = ["…"] if len(parts) > PARTS_SHOWN else []
    result = told["resolution"]["resolution_code"]
    lines = (
        (t.work_order, told["number"].replace("-", "\N{NON-BREAKING HYPHEN}")),
        (t.date, f"{when.astimezone(zone):%Y-%m-%d}" if when else ""),
        (t.place, told["site"]["name"] if told["site"] else ""),
        (t.technician, told["technician"] or ""),
        (t.what, told["title"]),
        (t.result, result.replace("_", " ") if result else ""),
        (t.parts, ", ".join([*parts[:PARTS_SHOWN], *more])),
    )
    return [(name, value) for name, value in lines if value]


def code_page(db: Session, code: CustomerCode, *, at: datetime) -> HTMLResponse:
    """The code in large figures, as long as it is good for something."""
    to = _to(db, code)
    language, t = texts_in(to.language)
    rule = codes.rules_of(db, code.organization_id, [code.visit_id]).get(code.visit_id)
    newest = codes.current_code(db, code.organization_id, code.visit_id)
    state = codes.state_of(code, rule, at=at) if rule and newest and newest.id == code.id else CodeState.EXPIRED
    if state is CodeState.USED:
        return _said(language, t.code_used_title, t.code_used, company=to.company, done=True)
    digits = codes.digits_of(db, code) if state is CodeState.VALID else None
    if digits is None:
        return _said(language, t.code_gone_title, t.code_gone, status=410, company=to.company)
    until = t.code_until.format(until=day_and_time(code.expires_at, to.zone))
    return _said(language, t.code_title, t.code_when, company=to.company, figure=digits, lines=(until,))


def _said(language: str, title: str, text: str, *, status: int = 200, **more: Any) -> HTMLResponse:
    usual = {"company": "", "done": False, "figure": "", "lines": (), "quoted": None}
    return page(TEMPLATES, "said.html", language=language, status=status, title=title, text=text, **{**usual, **more})
