"""SMS, handed to a stand-in that checks requests as Twilio does."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from app.kit.messages import Channel, Message, Outcome, Refused, Sent, TryLater, Uncertain
from app.kit.sms import TwilioSender, TwilioSettings, is_signed, phone_number, segments, signature
from tests.kit.twilio_stand_in import ACCOUNT, TOKEN, Twilio, twilio_stand_in


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    with twilio_stand_in() as stand_in:
        yield stand_in


def a_sender(twilio: Twilio, **changes: Any) -> TwilioSender:
    values: dict[str, Any] = {
        "account_sid": ACCOUNT,
        "auth_token": TOKEN,
        "sender": "+15005550006",
        "base_url": twilio.url,
        "timeout_seconds": 0.5,
    }
    return TwilioSender(TwilioSettings(**{**values, **changes}))


def a_text(**changes: Any) -> Message:
    values: dict[str, Any] = {
        "organization_id": UUID(int=1),
        "idempotency_key": "survey-1",
        "channel": Channel.SMS,
        "to": "+49 30 1234567",
        "text": "How did we do? http://127.0.0.1/s/abc",
        "status_url": "https://firstfix.example/v1/messages/twilio-status",
    }
    return Message(**{**values, **changes})


def test_a_text_is_taken_with_its_number_in_e164(twilio: Twilio) -> None:
    outcome = a_sender(twilio).send(a_text())

    [message] = twilio.accepted
    assert outcome == Sent(message["sid"])
    assert message["To"] == "+49301234567"
    assert message["From"] == "+15005550006"
    assert message["Body"].startswith("How did we do?")
    assert message["StatusCallback"] == "https://firstfix.example/v1/messages/twilio-status"


def test_a_messaging_service_takes_the_place_of_a_number(twilio: Twilio) -> None:
    service = "MG" + "1" * 32
    assert isinstance(a_sender(twilio, sender=service).send(a_text()), Sent)
    assert twilio.accepted[0]["MessagingServiceSid"] == service
    assert "From" not in twilio.accepted[0]


@pytest.mark.parametrize("number", ["030 1234567", "hello", "", "+49", "+49301234567\r\nX: y" * 3])
def test_a_number_that_is_nobody_s_is_refused_without_asking(twilio: Twilio, number: str) -> None:
    assert a_sender(twilio).send(a_text(to=number)) == Refused("invalid-phone-number")
    assert twilio.requests == 0


@pytest.mark.parametrize(
    ("illness", "outcome", "accepted"),
    [
        ("reset", Uncertain, 0),
        ("answer-lost", Uncertain, 1),
        ("slow", Uncertain, 1),
        ("500", Uncertain, 0),
        ("502", Uncertain, 0),
        ("503", Uncertain, 0),
        ("200-error", Uncertain, 0),
        ("503-again", TryLater, 0),
        ("429", TryLater, 0),
        ("302", TryLater, 0),
    ],
)
def test_only_what_was_certainly_not_taken_is_tried_later(
    twilio: Twilio, illness: str, outcome: type[Outcome], accepted: int
) -> None:
    twilio.illness = illness

    assert isinstance(a_sender(twilio).send(a_text()), outcome)
    assert len(twilio.accepted) == accepted


def test_it_says_when_to_try_again(twilio: Twilio) -> None:
    twilio.illness = "429"

    assert a_sender(twilio).send(a_text()) == TryLater("twilio-429", 7)


def test_an_opted_out_number_is_refused_for_good(twilio: Twilio) -> None:
    assert a_sender(twilio).send(a_text(to="+4930120000")) == Refused("twilio-21610")


def test_a_wrong_password_is_our_trouble_not_the_message_s(twilio: Twilio) -> None:
    assert a_sender(twilio, auth_token="wrong").send(a_text()) == TryLater("twilio-20003")


def test_nobody_listening_means_try_later(twilio: Twilio) -> None:
    assert isinstance(a_sender(twilio, base_url="http://127.0.0.1:9").send(a_text()), TryLater)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 153, 3),
        ("ñ ü ß Ä à", 1),
        ("ф" * 70, 1),
        ("ф" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),
        ("á" * 71, 2),
    ],
)
def test_segments_are_counted_as_they_are_billed(text: str, count: int) -> None:
    assert segments(text) == count


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("030 1234567", "DE", "+49301234567"),
        ("+1 (202) 555-0123", None, "+12025550123"),
        ("0044 20 7946 0000", "DE", "+442079460000"),
    ],
)
def test_numbers_are_written_in_e164(written: str, region: str | None, number: str) -> None:
    assert phone_number(written, region=region) == number


def test_our_signature_is_twilio_s() -> None:
    url = "https://firstfix.example/v1/messages/twilio-status?o=1"
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+4930", "Ünï": "ß €", "Empty": ""}
    theirs = RequestValidator(TOKEN).compute_signature(url, fields)

    assert signature(TOKEN, url, fields.items()) == theirs
    assert RequestValidator(TOKEN).validate(url, fields, signature(TOKEN, url, fields.items()))
    assert is_signed(TOKEN, url, fields.items(), theirs)


@pytest.mark.parametrize("given", ["", "AAAA", "ü", "x" * 10_000])
def test_another_signature_is_not_accepted(given: str) -> None:
    assert not is_signed(TOKEN, "https://firstfix.example/", {"To": "+4930"}.items(), given)


def test_a_signature_is_for_one_address_one_secret_and_one_set_of_fields() -> None:
    fields = {"To": "+4930", "MessageStatus": "delivered"}
    given = signature(TOKEN, "https://firstfix.example/a", fields.items())

    assert is_signed(TOKEN, "https://firstfix.example/a", fields.items(), given)
    assert not is_signed(TOKEN, "https://firstfix.example/b", fields.items(), given)
    assert not is_signed("other", "https://firstfix.example/a", fields.items(), given)
    assert not is_signed(TOKEN, "https://firstfix.example/a", {**fields, "To": "+4931"}.items(), given)
