"""What is for drills is refused wherever anybody could be reached."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.telephony.settings import TelephonySettings
from fhirserver.app.drill_time import drill_problem
from fhirserver.app.settings import Settings
from fhirserver.app.speech_settings import InvalidSpeech, SpeechSettings, speech_settings
from fhirserver.kernel import wall
from fhirserver.kernel.wall import Wall

HERE = TelephonySettings("token", "http://127.0.0.1:8090", api_url="http://localhost:8095")
FAST = Wall(1e9, 1e9, 100)


def test_nothing_is_wrong_with_the_machines_clock() -> None:
    assert drill_problem(Settings(host="0.0.0.0")) == ""
    assert drill_problem(Settings(telephony=TelephonySettings("token", "https://voice.clinic.example"))) == ""


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(host="0.0.0.0"), "host"),
        (Settings(telephony=replace(HERE, public_url="https://voice.clinic.example")), "public_url"),
        (Settings(telephony=replace(HERE, api_url="https://api.twilio.com")), "api_url"),
    ],
)
def test_another_clock_is_refused(settings: Settings, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall, "WALL", FAST)
    assert named in drill_problem(settings)
    assert drill_problem(Settings(telephony=HERE)) == ""


def test_what_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall, "PROBLEM", "CREDENCE_CLOCK is such as …")
    assert drill_problem(Settings()) == "CREDENCE_CLOCK is such as …"


def test_words_for_sound_need_a_telephone_on_this_machine() -> None:
    written = SpeechSettings(("written",))
    assert drill_problem(Settings(speech=written, telephony=HERE)) == ""
    real = replace(HERE, api_url="https://api.twilio.com")
    assert "'written' is for drills" in drill_problem(Settings(speech=written, telephony=real))
    with pytest.raises(InvalidSpeech, match="goes with no other"):
        speech_settings({"providers": ["written", "local"]}, {}, Path())
