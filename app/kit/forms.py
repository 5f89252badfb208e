"""Forms on pages for customers: reading what is posted, and proof that the form was fetched here not long ago."""

from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Depends, Request
from itsdangerous import BadSignature
from sqlmodel import Session

from app.kit.runtime import runtime_of

FORM_LIVES = timedelta(hours=24)


async def _fields(request: Request) -> list[tuple[str, str]]:
    """The fields of a posted form, in order; nothing when it cannot be read as one."""
    try:
        return parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return []


Fields = Annotated[list[tuple[str, str]], Depends(_fields)]


def make_nonce(db: Session, form: str, subject: UUID, *, at: datetime) -> str:
    """Proof that this form was fetched from here, for this subject, not long ago."""
    return str(runtime_of(db).signer(form).dumps([str(subject), int(at.timestamp())]))


def is_fresh(db: Session, form: str, subject: UUID, nonce: str, *, at: datetime) -> bool:
    try:
        said, made_at = runtime_of(db).signer(form).loads(nonce)
    except BadSignature:
        return False
    return bool(said == str(subject) and at.timestamp() - made_at <= FORM_LIVES.total_seconds())


def plain_text(text: str, *, most: int = 2000) -> str:
    """What somebody typed, without what databases and terminals choke on."""
    kept = (character for character in text.replace("\r\n", "\n") if character == "\n" or character.isprintable())
    return "".join(kept).strip()[:most]
