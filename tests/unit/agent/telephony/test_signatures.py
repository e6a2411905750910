"""Signatures are over the public address, exactly; tokens serve once."""

from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator

from agent.telephony.settings import TelephonySettings
from agent.telephony.signatures import Form, Signatures, form_of
from agent.telephony.tokens import Tokens

PUBLIC = "https://voice.clinic.example/line"
SETTINGS = TelephonySettings(auth_token="secret", public_url=PUBLIC)
FORM = {"CallSid": "CA1", "From": "+15555550123", "Empty": "", "Name": "Ä & ö = ü"}


def signed(address: str, form: dict[str, str] | None = None, token: str = "secret") -> str:
    return str(RequestValidator(token).compute_signature(address, form or {}))


def webhook(
    signature: str, path: str = "/telephony/voice", query: str = "", form: Form | None = None
) -> bool:
    body = "CallSid=CA1&From=%2B15555550123&Empty=&Name=%C3%84+%26+%C3%B6+%3D+%C3%BC"
    return Signatures(SETTINGS).of_webhook(path, query, form or form_of(body.encode()), signature)


def test_twilios_signature_lets_in() -> None:
    assert webhook(signed(f"{PUBLIC}/telephony/voice", FORM))
    assert webhook(signed(f"{PUBLIC}/telephony/voice?order=1%2F2", FORM), query="order=1%2F2")


@pytest.mark.parametrize(
    "address",
    [
        "http://voice.clinic.example/line/telephony/voice",
        "https://other.example/line/telephony/voice",
        "https://voice.clinic.example/telephony/voice",
        f"{PUBLIC}/telephony/voice/",
        f"{PUBLIC}/telephony/Voice",
        f"{PUBLIC}/telephony/voice?x=1",
        f"{PUBLIC}/telephony/status",
        "wss://voice.clinic.example/line/telephony/voice",
    ],
)
def test_a_signature_over_another_address_does_not(address: str) -> None:
    assert not webhook(signed(address, FORM))


@pytest.mark.parametrize(
    "signature", ["", "=", "é", "x" * 28, signed(f"{PUBLIC}/telephony/voice", FORM, "other")]
)
def test_no_signature_and_a_wrong_one_do_not(signature: str) -> None:
    assert not webhook(signature)


def test_every_field_is_signed() -> None:
    right = signed(f"{PUBLIC}/telephony/voice", FORM)
    for change in ({"From": "+15555550124"}, {"Empty": "x"}, {"More": ""}):
        assert not webhook(right, form=Form([*{**FORM, **change}.items()]))
    without = {name: value for name, value in FORM.items() if name != "Empty"}
    assert webhook(right, form=Form(list(FORM.items())))
    assert not webhook(right, form=Form([*without.items(), ("Extra", "1")]))
    assert not webhook(right, form=Form([*FORM.items(), ("From", "+15555550124")]))


def test_the_upgrade_of_a_websocket_is_signed_over_its_own_address() -> None:
    signatures = Signatures(SETTINGS)
    right = signed("wss://voice.clinic.example/line/telephony/media")
    assert signatures.of_socket("/telephony/media", "", right)
    assert not signatures.of_socket("/telephony/media", "", signed(f"{PUBLIC}/telephony/media"))
    assert not signatures.of_socket("/telephony/media", "token=1", right)
    assert not signatures.of_socket("/telephony/media/", "", right)


def test_an_empty_auth_token_is_refused() -> None:
    with pytest.raises(ValueError, match="empty auth token"):
        Signatures(TelephonySettings(auth_token="", public_url=PUBLIC))


def test_a_form_that_is_no_text_is_an_error() -> None:
    with pytest.raises(ValueError):
        form_of(b"\xff\xfe")
    with pytest.raises(ValueError):
        form_of(b"&".join(b"a=1" for _ in range(300)))


def test_a_token_lets_one_call_in_once_and_soon() -> None:
    tokens = Tokens(15.0)
    token = tokens.issue("CA1", 0.0)
    assert not tokens.redeem("CA2", token, 1.0)
    assert not tokens.redeem("CA1", token + "x", 1.0)
    assert not tokens.redeem("CA1", "", 1.0)
    assert not tokens.redeem("CA1", "\ud800", 1.0)
    assert tokens.redeem("CA1", token, 1.0)
    assert not tokens.redeem("CA1", token, 1.1)


def test_a_token_ends_with_its_time_its_call_and_a_newer_one() -> None:
    tokens = Tokens(15.0)
    assert not tokens.redeem("CA1", tokens.issue("CA1", 0.0), 15.1)
    old = tokens.issue("CA1", 20.0)
    new = tokens.issue("CA1", 20.0)
    assert old != new
    assert not tokens.redeem("CA1", old, 21.0)
    tokens.withdraw("CA1")
    assert not tokens.redeem("CA1", new, 21.0)
