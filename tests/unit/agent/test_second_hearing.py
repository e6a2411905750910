"""A call heard again after it is over, through OpenAI's SDK and a server of its protocol."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agent.call import CallRecord
from agent.signals import Keys, Utterance
from agent.speech.openai.files import OpenAiFileTranscriber
from agent.speech.openai.settings import OpenAiSpeech
from agent.speech.verbatim import differing
from agent.voice import second_hearing
from agent.voice.second_hearing import heard_again, spoken
from fhirserver.ports.judge import Turn
from fhirserver.world.judge.transcript import InvalidTranscript, Reading, second_attachment, second_reading
from tests.openai_server import OpenAiServer
from tests.past_call import SoundedLine

AT = datetime(2026, 11, 28, 9, 47, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        ("i was born march third nineteen eighty two", "I was born March 3rd, 1982.", ()),
        ("i was born march third nineteen eighty two", "I was born March 3rd, 1983.", ("date",)),
        ("it's six one seven five five five oh one seven seven", "It's 617-555-0177.", ()),
        ("it's six one seven five five five oh one seven seven", "It's 617-555-0178.", ("number",)),
        ("my name is eve bradtke", "My name is Eve Bradtke.", ()),
        ("my name is eve bradford", "My name is Eve Bradtke.", ("name",)),
        ("i can come", "I can not come", ("polarity",)),
        ("thursday at nine", "Tuesday at nine", ("time",)),
        ("well i would like to cancel it", "I'd like to cancel that, please.", ()),
    ],
)
def test_two_readings_differ_where_it_matters(first: str, second: str, kinds: tuple[str, ...]) -> None:
    assert differing(first, second) == kinds


def test_a_second_reading_is_written_and_read() -> None:
    readings = (Reading(8, "one", "two", ("number",)),)
    document = {"content": second_attachment(readings, "Communication/c", "openai")}
    assert second_reading(document) == readings
    for wrong in ({}, {"content": []}, {"content": [{"attachment": {"data": "bm8="}}]}):
        with pytest.raises(InvalidTranscript):
            second_reading(wrong)


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAiServer]:
    with OpenAiServer() as server:
        yield server


@pytest.fixture
def server(running: OpenAiServer) -> OpenAiServer:
    running.forget()
    return running


def ears(server: OpenAiServer, **more: Any) -> OpenAiFileTranscriber:
    return OpenAiFileTranscriber(OpenAiSpeech("k", url=server.url, **more))


def record() -> CallRecord:
    """Two turns of the caller by voice, one by keys."""
    lines = (
        ("agent", "Hello"),
        ("caller", "march third nineteen eighty two"),
        ("agent", "And the phone?"),
        ("caller", "[keys] 12"),
        ("caller", "six one seven five five five oh one seven seven"),
    )
    turns = tuple(Turn(n, who, text, AT + timedelta(seconds=5 * n)) for n, (who, text) in enumerate(lines, 1))
    signals = tuple(
        Keys(t.at, "12") if "keys" in t.text else Utterance(t.at + timedelta(seconds=2), t.text, t.at)
        for t in turns
        if t.speaker == "caller"
    )
    return CallRecord("+1", AT, AT + timedelta(seconds=30), "end", turns, signals=signals)


def test_the_turns_that_were_heard_are_found_in_the_sound() -> None:
    made = record()
    line: Any = SoundedLine(made)
    assert [(one.number, one.start, one.end) for one in spoken(made, line)] == [
        (2, 5.7, 8.3),
        (5, 20.7, 23.3),
    ]
    by_text = replace(made, signals=tuple(Utterance(t.at, t.text) for t in made.turns))
    assert spoken(by_text, line) == [], "what was typed has no sound"


async def test_what_differs_is_told_and_what_is_only_spelt_otherwise_is_not(server: OpenAiServer) -> None:
    made = record()
    line: Any = SoundedLine(made)
    server.realtime(heard=["March 3rd, 1982.", "617-555-0178."])
    transcriber = ears(server)
    readings = await heard_again(transcriber, spoken(made, line), line)
    await transcriber.close()
    assert [(one.turn, one.second, one.differs) for one in readings] == [(5, "617-555-0178.", ("number",))]
    sent = server.requests()
    assert [one["file"] for one in sent] == [[round(2.6 * 8000) * 2 + 44]] * 2, (
        "the turn and its margins, no more"
    )
    assert not any("keywords[]" in one for one in sent), "nothing of what was expected"


async def test_a_recogniser_that_fails_leaves_everything_as_it_was(
    server: OpenAiServer, caplog: pytest.LogCaptureFixture
) -> None:
    made = record()
    line: Any = SoundedLine(made)
    server.realtime(heard=["March 3rd, 1999."])
    server.script(faults=[{"kind": ""}, *[{"kind": "500"}] * 3])
    transcriber = ears(server)
    with caplog.at_level(logging.WARNING, "credence.voice"):
        assert await heard_again(transcriber, spoken(made, line), line) == []
    assert "could not be heard again: SpeechFailed" in caplog.text and "1999" not in caplog.text
    await transcriber.close()


async def test_one_that_hangs_is_left_alone(server: OpenAiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    made = record()
    line: Any = SoundedLine(made)
    monkeypatch.setattr(second_hearing, "PATIENCE", 0.2)
    server.script(faults=[{"kind": "slow", "seconds": 2}])
    transcriber = ears(server)
    assert await heard_again(transcriber, spoken(made, line), line) == []
    await transcriber.close()
