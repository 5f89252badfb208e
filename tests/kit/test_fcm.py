"""Push notifications, handed to a stand-in that checks them as Google does."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from app.kit.fcm import Fcm, Push, Pushed, Unregistered, service_account
from app.kit.messages import Refused, Sent, TryLater, Uncertain
from app.kit.settings import Settings
from tests.kit.fcm_stand_in import Google, google_stand_in
from tests.processes import free_port

SILENT = Push("sync", {"s": "1", "h": "4822"})
VISIBLE = Push("work", {"s": "1", "h": "4822"}, "Your jobs have changed", "Open the app.")


@pytest.fixture
def google() -> Iterator[Google]:
    with google_stand_in() as stand_in:
        yield stand_in


def a_sender(google: Google, credentials: str | None = None, **changes: Any) -> Fcm:
    values: dict[str, Any] = {"base_url": google.url, "timeout_seconds": 0.5, **changes}
    return Fcm(service_account(credentials or google.credentials()), **values)


def test_a_silent_push_wakes_the_app_and_shows_nothing(google: Google) -> None:
    outcome = a_sender(google).send("phone-1", SILENT)

    assert outcome == Sent("projects/field-app/messages/1")
    assert google.accepted == [
        {
            "token": "phone-1",
            "data": {"s": "1", "h": "4822"},
            "android": {"collapse_key": "sync", "priority": "normal"},
            "apns": {
                "headers": {"apns-push-type": "background", "apns-priority": "5", "apns-collapse-id": "sync"},
                "payload": {"aps": {"content-available": 1}},
            },
            "webpush": {"headers": {"Topic": "sync", "Urgency": "normal", "TTL": "86400"}},
        }
    ]


def test_a_push_with_a_title_is_shown_and_replaces_the_one_before(google: Google) -> None:
    a_sender(google).send("phone-1", VISIBLE)

    [message] = google.accepted
    assert message["notification"] == {"title": "Your jobs have changed", "body": "Open the app."}
    assert message["android"] == {"collapse_key": "work", "priority": "high", "notification": {"tag": "work"}}
    assert message["apns"]["headers"]["apns-push-type"] == "alert"
    assert message["apns"]["headers"]["apns-collapse-id"] == "work"
    assert "content-available" not in message["apns"]["payload"]["aps"]


def test_one_token_is_asked_for_and_used_until_shortly_before_it_ends(google: Google) -> None:
    began = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    with time_machine.travel(began, tick=False) as clock:
        fcm = a_sender(google)
        for seconds, grants in ((0, 1), (3400, 1), (3500, 2), (3600, 2)):
            clock.move_to(began.timestamp() + seconds)
            assert isinstance(fcm.send("phone-1", SILENT), Sent)
            assert google.grants == grants, seconds


def test_threads_that_need_a_token_at_once_ask_for_one(google: Google) -> None:
    fcm = a_sender(google, timeout_seconds=10)

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda n: fcm.send(f"phone-{n}", SILENT), range(8)))

    assert all(isinstance(outcome, Sent) for outcome in outcomes)
    assert google.grants == 1


def test_a_token_that_is_not_good_any_more_is_replaced_once(google: Google) -> None:
    fcm = a_sender(google)
    fcm.send("phone-1", SILENT)
    google.good.clear()

    assert isinstance(fcm.send("phone-1", SILENT), Sent)
    assert google.grants == 2


def test_an_account_that_fcm_does_not_take_is_asked_about_twice_and_no_more(google: Google) -> None:
    google.answers = [(401, "THIRD_PARTY_AUTH_ERROR", {})] * 3

    assert a_sender(google).send("phone-1", SILENT) == Refused("fcm-401-third_party_auth_error")
    assert google.grants == 2
    assert len(google.answers) == 1


def test_a_signature_by_another_key_gets_no_token(google: Google) -> None:
    stolen = google.credentials(generate_private_key(public_exponent=65537, key_size=2048))

    assert a_sender(google, stolen).send("phone-1", SILENT) == Refused("fcm-token-400")
    assert google.accepted == []


@pytest.mark.parametrize(
    ("status", "code", "headers", "expected"),
    [
        (404, "UNREGISTERED", {}, Unregistered()),
        (404, "NOT_FOUND", {}, Refused("fcm-404-not_found")),
        (400, "INVALID_ARGUMENT", {}, Refused("fcm-400-invalid_argument")),
        (403, "SENDER_ID_MISMATCH", {}, Refused("fcm-403-sender_id_mismatch")),
        (429, "QUOTA_EXCEEDED", {"Retry-After": "7"}, TryLater("fcm-429-quota_exceeded", 7)),
        (503, "UNAVAILABLE", {"Retry-After": "30"}, TryLater("fcm-503-unavailable", 30)),
        (500, "INTERNAL", {}, TryLater("fcm-500-internal")),
        (0, "", {}, Uncertain("RemoteProtocolError")),
    ],
)
def test_what_fcm_says_is_understood(
    google: Google, status: int, code: str, headers: dict[str, str], expected: Pushed
) -> None:
    google.answers = [(status, code, headers)]

    assert a_sender(google).send("phone-1", SILENT) == expected


def test_an_address_that_is_not_fcms_makes_no_device_forgotten(google: Google) -> None:
    outcome = a_sender(google, base_url=f"{google.url}/elsewhere").send("phone-1", SILENT)

    assert outcome == Refused("fcm-404-not_found")


def test_without_the_network_it_is_tried_later(google: Google) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"

    assert isinstance(a_sender(google, base_url=nowhere).send("phone-1", SILENT), TryLater)
    assert isinstance(a_sender(google, google.credentials(token_uri=nowhere)).send("phone-1", SILENT), TryLater)


@pytest.mark.parametrize(("status", "kind"), [(500, TryLater), (429, TryLater), (400, Refused)])
def test_a_token_that_is_not_given_is_asked_for_again_when_that_may_help(
    google: Google, status: int, kind: type[Pushed]
) -> None:
    google.grants_answer = status
    fcm = a_sender(google)

    assert isinstance(fcm.send("phone-1", SILENT), kind)
    google.grants_answer = 200
    assert isinstance(fcm.send("phone-1", SILENT), Sent)


def test_the_account_is_read_from_a_file_or_from_the_setting_itself(google: Google, tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text(google.credentials())

    for given in (str(file), google.credentials()):
        settings = Settings(fcm_credentials=given)
        assert settings.fcm_credentials is not None
        assert service_account(settings.fcm_credentials.get_secret_value()).project_id == "field-app"


def test_what_is_no_account_is_refused_at_the_start_and_not_shown(google: Google, tmp_path: Path) -> None:
    whole = json.loads(google.credentials())
    curve = elliptic_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    broken: list[dict[str, Any]] = [
        {**whole, "private_key": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"},
        {**whole, "private_key": curve},
        {**whole, "private_key": None},
        {name: value for name, value in whole.items() if name != "client_email"},
    ]

    for given in (str(tmp_path / "none.json"), "{", *(json.dumps(one) for one in broken)):
        with pytest.raises(ValidationError) as refused:
            Settings(fcm_credentials=given)
        assert "Firebase" in str(refused.value)
        assert "PRIVATE KEY" not in str(refused.value)
