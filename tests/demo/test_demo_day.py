"""The demo's day against a real server process, with a mail that a real SMTP server received."""

import email
import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import cast

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from rich.console import Console

from app.demo import day, figures, offline
from app.demo import show as showing
from app.demo.day import play
from app.demo.phone import Phone
from app.demo.show import is_demo_server, show
from app.demo.talk import DayFailed, Storyteller, sign_in
from tests.processes import ROOT, Process, free_port, wait_until_ready

#: What the chapter about the cellar tells: each is checked before it is told.
OFFLINE = (
    r"\d+ jobs, his van's stock and who he is: \d+\.\d kB with gzip, \d+\.\d kB without\.",
    r"10 reports wait on his phone, which shows (WO-\d+) as completed already\.",
    r"all 13 reports still wait\. So, once more:",
    r"WO-\d+  applied: visit\.depart, .*2 × task\.set, 2 × attachment\.add, visit\.complete",
    r"WO-\d+  noted \(reassigned\): visit\.start, note\.add\n +WO-\d+  left Ben's phone: reassigned",
    r"WO-\d+  noted \(job_cancelled\): visit\.start\n +WO-\d+  left Ben's phone: canceled",
    r"WO-\d+, high: Start by Ben Brandt was recorded, but the visit had been given to Ana Albers\.",
    r"WO-\d+, high: Start by Ben Brandt was recorded, but the visit had been canceled\.",
    r"WO-\d+ is closed: photo and signature have come\.",
    r"Ben's phone holds exactly what the server says: digest \d+:[0-9a-f]{16} here and there\.",
)


class Mailbox:
    """What the SMTP server received, by recipient."""

    def __init__(self) -> None:
        self.mails: dict[str, EmailMessage] = {}

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = cast(bytes, envelope.content)
        mail = cast(EmailMessage, email.message_from_bytes(content, policy=default_policy))
        self.mails.update(dict.fromkeys(envelope.rcpt_tos, mail))
        return "250 OK"

    def text_to(self, address: str) -> str | None:
        mail = self.mails.get(address)
        body = mail.get_body(("plain",)) if mail is not None else None
        return body.get_content() if body is not None else None


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    kept, port = Mailbox(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, port
    controller.stop()


@pytest.fixture(scope="module")
def server(
    make_database: Callable[[str], str], mailbox: tuple[Mailbox, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A demo server that sends real mail; its address."""
    folder: Path = tmp_path_factory.mktemp("day")
    port = free_port()
    environment = {
        "DATABASE_URL": make_database("firstfix_demo_day"),
        "FIRSTFIX_DATA_DIR": str(folder),
        "FIRSTFIX_SMTP_URL": f"smtp://127.0.0.1:{mailbox[1]}",
        "FIRSTFIX_MAIL_FROM": "Nordlicht Service <service@nordlicht.example>",
        "FIRSTFIX_LOG_LEVEL": "warning",
    }
    process = Process(["-m", "app", "serve", "--demo", "--port", str(port)], folder / "server.log", environment)
    process.start()
    wait_until_ready(process, f"http://127.0.0.1:{port}/readyz", seconds=120)
    yield f"http://127.0.0.1:{port}"
    process.stop()


def a_console() -> tuple[Console, io.StringIO]:
    paper = io.StringIO()
    return Console(file=paper, width=80), paper


def test_the_day_goes_as_it_should_and_again_on_the_same_server(server: str, mailbox: tuple[Mailbox, int]) -> None:
    for _ in range(2):
        before = set(mailbox[0].mails)
        console, paper = a_console()

        play(server, console, mailbox=mailbox[0].text_to)

        [address] = set(mailbox[0].mails) - before
        mail = mailbox[0].mails[address]
        assert mail["From"] == "Nordlicht Service <service@nordlicht.example>"
        assert f"{server}/s/" in (mailbox[0].text_to(address) or "")
        assert "unmet: The customer must sign." in paper.getvalue()
        assert f"{server}/r/" in (mailbox[0].text_to(address) or ""), "the service report, in the same mail"
        assert f"Sealed and signed, and as it was sealed: {server}/certificates/" in paper.getvalue()
        assert re.search(rf"The service report: {server}/v1/work-orders/[0-9a-f-]+/service-report", paper.getvalue())
        assert "Five stars" in paper.getvalue()
        for line in OFFLINE:
            assert re.search(line, paper.getvalue()), line


def test_mail_that_cannot_be_read_fails_the_day_with_a_reason(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day, "MAIL_SECONDS", 1)
    console, paper = a_console()

    assert is_demo_server(server)
    assert not show(server, None, console)
    assert "sends real mail" in paper.getvalue()


def test_a_server_that_is_not_there_is_said_in_one_line() -> None:
    console, paper = a_console()
    nowhere = f"http://127.0.0.1:{free_port()}"

    assert not is_demo_server(nowhere)
    assert not show(nowhere, None, console)
    assert "cannot be reached" in paper.getvalue()


def test_a_figure_that_does_not_change_as_one_job_must_change_it_fails_the_day(server: str) -> None:
    console, _ = a_console()
    same = {"value": 50.0, "numerator": 1, "denominator": 2, "title": "First-time fix rate", "unit": "percent"}
    unchanged = dict.fromkeys(figures.CHANGES, same)

    with pytest.raises(DayFailed, match="one job should not do this"):
        figures.explain(unchanged, unchanged, Storyteller(console))


def test_the_address_in_the_mail_opens_without_signing_in(server: str, mailbox: tuple[Mailbox, int]) -> None:
    address = next(iter(mailbox[0].mails))
    text = mailbox[0].text_to(address)
    assert text is not None
    link = next(word for word in text.split() if "/s/" in word)

    assert httpx.get(link, trust_env=False).status_code == 200


def test_an_answer_that_is_not_the_one_told_of_fails_the_day(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "TICKS", {"gas_tight": True})
    console, _ = a_console()
    tell = Storyteller(console)

    with (
        httpx.Client(base_url=server, timeout=20, trust_env=False) as http,
        pytest.raises(DayFailed, match=r"the reports on WO-\d+ should be .* 'closure_unmet'"),
    ):
        offline.work_offline(http, sign_in(http, "Dana", tell), tell)


def test_a_phone_that_holds_something_else_than_the_server_says_fails_the_day(server: str) -> None:
    console, _ = a_console()
    with httpx.Client(base_url=server, timeout=20, trust_env=False) as http:
        phone = Phone("Lena", http, Storyteller(console))
        assert phone.compare() == phone.compare()
        with phone.storage.transaction() as tx:
            one = tx.all("replica")[0]
            tx.put("replica", f"{one['kind']}|{one['id']}", {**one, "rev": "1.1"})

        with pytest.raises(DayFailed, match=r"Lena's phone holds .*, the server says"):
            phone.compare()


def test_the_reference_client_is_found_without_installing_it_and_missed_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    found = subprocess.run(
        [sys.executable, "-m", "app", "demo", "--url", nowhere], cwd=ROOT, capture_output=True, text=True, check=False
    )
    monkeypatch.setattr(showing, "REFERENCE_CLIENT", tmp_path)
    console, paper = a_console()

    assert found.returncode == 1
    assert "cannot be reached" in found.stdout
    assert not show(nowhere, None, console)
    assert f"{tmp_path} is missing" in paper.getvalue()
