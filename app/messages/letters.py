"""What composers hand over, and the house's style of e-mail: one column, one thing to do, light and dark."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from app.kit.pages import rendered
from app.messages.models import CustomerMessage
from app.messages.queries import Recipient

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Parts:
    """What a message says: as e-mail (`subject`, `text`, `html`) and as SMS. `at_once`: also in the quiet hours."""

    subject: str
    text: str
    html: str
    sms: str
    at_once: bool = False


#: Composes a message, the same in every word each time it is asked; None when there is nothing left to say.
Composer = Callable[[Session, CustomerMessage, Recipient], Parts | None]


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail. `figure` is shown large, `button` is (label, link), `facts` are (name, value), `after` small print."""

    title: str
    greeting: str
    lines: Sequence[str]
    figure: str = ""
    button: tuple[str, str] | None = None
    or_open: str = ""
    """Stands before the link in full, for who cannot press the button."""
    facts: Sequence[tuple[str, str]] = ()
    after: Sequence[str] = ()


def as_text(letter: Letter, *, company: str) -> str:
    blocks = [letter.greeting, "\n".join(letter.lines), letter.figure]
    blocks += ["\n".join(f"{name}: {value}" for name, value in letter.facts)]
    blocks += [letter.button[1] if letter.button else "", "\n".join(letter.after), company]
    return "\n\n".join(block for block in blocks if block)


def as_html(letter: Letter, *, company: str, language: str) -> str:
    return rendered(TEMPLATES, "letter.html", language=language, company=company, letter=letter)
