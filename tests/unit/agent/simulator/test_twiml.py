"""TwiML as the simulated carrier reads it, and as the telephone writes it."""

from __future__ import annotations

import random

import pytest

from agent.simulator.carrier import Line
from agent.simulator.faults import Faults
from agent.simulator.twiml import BadTwiml, Dial, Hangup, Pause, Reject, Say, Stream, parse
from agent.telephony import twiml
from agent.telephony.settings import TelephonySettings

SETTINGS = TelephonySettings(auth_token="t", public_url="https://voice.example/", ring_seconds=15)


def test_what_the_telephone_writes_is_what_the_carrier_reads() -> None:
    base = "https://voice.example/telephony"
    assert parse(twiml.streamed(SETTINGS, "a<b&c")) == [
        Stream("wss://voice.example/telephony/media", {"token": "a<b&c"}, f"{base}/after")
    ]
    assert parse(twiml.dialled(SETTINGS, "+1999", "+1888")) == [
        Dial("+1999", f"{base}/transferred", "+1888", 15)
    ]
    assert parse(twiml.dialled(SETTINGS, "+1999", "")) == [Dial("+1999", f"{base}/transferred", "", 15)]
    assert parse(twiml.said(SETTINGS, "Sorry <you>")) == [Say("Sorry <you>"), Hangup()]
    assert parse(twiml.said(SETTINGS, "")) == [Hangup()]
    assert parse(twiml.busy()) == [Reject("busy")]


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "<Other/>", "<Response><Connect/></Response>", "<Response><Strange/></Response>",
        '<!DOCTYPE x [<!ENTITY a "b">]><Response/>',
        '<Response><Connect><Stream url="https://voice.example/media"/></Connect></Response>',
        '<Response><Connect><Stream url="wss://voice.example/media?token=1"/></Connect></Response>',
        '<Response><Connect><Stream url="wss://v/m"><Parameter name="a" value="%s"/></Stream></Connect></Response>'
        % ("x" * 500),
    ],
)  # fmt: skip
def test_what_twilio_would_not_take_is_refused(text: str) -> None:
    with pytest.raises(BadTwiml):
        parse(text)


def test_other_verbs() -> None:
    assert parse('<Response><Pause length="2"/><Dial>+1999</Dial></Response>') == [Pause(2), Dial("+1999")]


def test_public_addresses_are_reached_where_they_are_here() -> None:
    line = Line("http://127.0.0.1:8090/telephony/voice", "t", "https://voice.example")
    assert line.named(line.webhook) == "https://voice.example/telephony/voice"
    assert line.reached("https://voice.example/telephony/after") == "http://127.0.0.1:8090/telephony/after"
    assert line.reached("wss://voice.example/telephony/media") == "ws://127.0.0.1:8090/telephony/media"
    assert line.reached("https://voice.example.evil/x") == "https://voice.example.evil/x"


def test_faults_come_in_the_shares_that_were_asked_for() -> None:
    faults = Faults(jitter=0.05, loss=0.1, duplicates=0.2, seed=3)
    chance = faults.source(1)
    fates = [list(faults.fate(chance)) for _ in range(5_000)]
    assert sum(not fate for fate in fates) / 5_000 == pytest.approx(0.1, abs=0.02)
    assert sum(len(fate) == 2 for fate in fates) / 5_000 == pytest.approx(0.18, abs=0.02)
    assert 0.045 < max(delay for fate in fates for delay in fate) <= 0.05
    assert [list(Faults().fate(random.Random(1))) for _ in range(3)] == [[0.0]] * 3
