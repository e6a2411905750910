"""Speech out by a Realtime model, through the real SDK, against a server of the protocol in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from adapters.simulator.openai_realtime import TONE, WORD
from agent.audio import mulaw
from agent.audio.frames import Pcm
from agent.hints import Hints
from agent.manner import PLAIN, manner_of
from agent.speech.openai.files import OpenAiFileTranscriber
from agent.speech.openai.settings import OpenAiSpeech
from agent.speech.openai.speech_to_speech import OpenAiSpeechToSpeech
from agent.speech.openai.synthesiser import OpenAiSynthesiser
from agent.speech.ports import Reworded, SpeechFailed
from tests.openai_server import OpenAiServer

FACTS = "Your visit is Thursday, December third at two thirty PM."
PLAIN_WORDS = "I am happy to help you with that, just a little moment please."
SOUND = mulaw.decode(TONE * (WORD // len(TONE)))


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAiServer]:
    with OpenAiServer() as server:
        yield server


@pytest.fixture
def server(running: OpenAiServer) -> OpenAiServer:
    running.forget()
    return running


def settings(server: OpenAiServer, **more: Any) -> OpenAiSpeech:
    given = {
        "finish_seconds": 5.0,
        "connect_seconds": 5.0,
        "first_sound_seconds": 5.0,
        "gap_seconds": 5.0,
        **more,
    }
    return OpenAiSpeech("a-key", server.url, server.url.replace("http", "ws"), **given)


@pytest.fixture
async def voice(server: OpenAiServer) -> AsyncIterator[OpenAiSynthesiser]:
    made = OpenAiSynthesiser(settings(server))
    yield made
    await made.close()


async def sound(voice: OpenAiSynthesiser, text: str) -> Pcm:
    return np.concatenate([pcm async for pcm in voice.speak(text)])


async def pieces(voice: OpenAiSynthesiser, text: str) -> tuple[int, SpeechFailed | None]:
    """How many pieces came, and how it failed."""
    count = 0
    try:
        async for _ in voice.speak(text):
            count += 1
    except SpeechFailed as error:
        return count, error
    return count, None


@pytest.mark.parametrize("text", [FACTS, PLAIN_WORDS])
@pytest.mark.parametrize("kind", ["", "late", "unordered", "nameless"])
async def test_every_sample_is_handed_out_in_order(
    server: OpenAiServer, voice: OpenAiSynthesiser, text: str, kind: str
) -> None:
    server.realtime(speech=[{"kind": kind}])
    assert np.array_equal(await sound(voice, text), np.tile(SOUND, len(text.split())))


async def test_the_model_is_told_to_read_aloud(server: OpenAiServer, voice: OpenAiSynthesiser) -> None:
    _ = [pcm async for pcm in voice.speak(FACTS, manner_of("hold space"))]
    _ = [pcm async for pcm in voice.speak(FACTS, PLAIN)]
    report = server.realtime_report()
    assert report["sessions"] == [{"model": "gpt-realtime-2.1"}]
    session = report["events"][0]["session"]
    assert session["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "marin"}
    slow, plain = [e["response"] for e in report["events"] if e["type"] == "response.create"]
    assert slow["input"] == plain["input"]
    assert slow["input"][0]["content"] == [{"type": "input_text", "text": FACTS}]
    assert slow["conversation"] == "none"
    assert "word for word" in slow["instructions"]
    assert "slowly" in slow["instructions"]
    assert "slowly" not in plain["instructions"]


@pytest.mark.parametrize(
    "said",
    [
        "Your visit is Thursday, December fourth at two thirty PM.",
        "Your visit is Thursday, December third at two thirty AM.",
        "Sure! How can I help you today?",
    ],
)
async def test_no_sound_of_a_changed_fact_is_handed_out(
    server: OpenAiServer, voice: OpenAiSynthesiser, said: str
) -> None:
    server.realtime(speech=[{"kind": "reword", "say": said}])
    count, error = await pieces(voice, FACTS)
    assert count == 0
    assert isinstance(error, Reworded)
    assert not error.begun
    assert "December" not in str(error)
    assert await pieces(voice, FACTS) == (len(FACTS.split()), None)


async def test_words_without_facts_are_heard_at_once(server: OpenAiServer, voice: OpenAiSynthesiser) -> None:
    server.realtime(speech=[{"kind": "hang", "words": 3}])
    async with aclosing(voice.speak(PLAIN_WORDS)) as stream:  # type: ignore[type-var]
        first = await anext(stream)
    assert np.array_equal(first, SOUND)


async def test_a_fact_waits_for_its_transcript(server: OpenAiServer) -> None:
    voice = OpenAiSynthesiser(settings(server, gap_seconds=0.3))
    server.realtime(speech=[{"kind": "hang", "words": 9}])
    count, error = await pieces(voice, FACTS)
    assert count == 0
    assert not isinstance(error, Reworded)
    assert "no sound within 0.3 s" in str(error)
    await voice.close()


async def test_an_answer_in_place_of_the_text_is_cut_short(
    server: OpenAiServer, voice: OpenAiSynthesiser
) -> None:
    said = "Sure, which day would suit you best for that, and do you have any other wishes that I should know of?"
    server.realtime(speech=[{"kind": "reword", "say": said, "seconds": 0.02}])
    count, error = await pieces(voice, PLAIN_WORDS)
    assert isinstance(error, Reworded)
    assert error.begun == (count > 0)
    assert count < 9
    for _ in range(100):
        if "response.cancel" in [event["type"] for event in server.realtime_report()["events"]]:
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("the response was not cancelled")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "cut", "words": 2}, "1011"),
        ({"kind": "error"}, "server_fault"),
        ({"kind": "429"}, "rate_limit_exceeded"),
        ({"kind": "incomplete"}, "max_output_tokens"),
        ({"kind": "silent"}, "no sound"),
    ],
)
@pytest.mark.parametrize("text", [FACTS, PLAIN_WORDS])
async def test_a_failed_sentence_fails_alone(
    server: OpenAiServer, voice: OpenAiSynthesiser, fault: dict[str, Any], words: str, text: str
) -> None:
    server.realtime(speech=[fault])
    count, error = await pieces(voice, text)
    assert words in str(error)
    assert count == 0 or text == PLAIN_WORDS
    assert await pieces(voice, text) == (len(text.split()), None)


async def test_a_voice_that_hangs_is_given_up(server: OpenAiServer) -> None:
    voice = OpenAiSynthesiser(settings(server, first_sound_seconds=0.2))
    server.realtime(speech=[{"kind": "hang", "words": 0}])
    assert str((await pieces(voice, PLAIN_WORDS))[1]) == "OpenAI: no sound within 0.2 s"
    await voice.close()


async def test_two_sentences_at_once_keep_apart(server: OpenAiServer, voice: OpenAiSynthesiser) -> None:
    server.realtime(speech=[{"kind": "slow", "seconds": 0.02}])
    both = await asyncio.gather(sound(voice, FACTS), sound(voice, PLAIN_WORDS))
    assert [len(pcm) // WORD for pcm in both] == [len(FACTS.split()), len(PLAIN_WORDS.split())]


async def test_being_interrupted_stops_the_model(server: OpenAiServer, voice: OpenAiSynthesiser) -> None:
    server.realtime(speech=[{"kind": "slow", "seconds": 0.05}])
    async with aclosing(voice.speak(PLAIN_WORDS)) as stream:  # type: ignore[type-var]
        async for _ in stream:
            break
    assert await pieces(voice, FACTS) == (len(FACTS.split()), None)
    kinds = [event["type"] for event in server.realtime_report()["events"]]
    assert kinds.count("response.cancel") == 1


async def test_a_model_without_reasoning(server: OpenAiServer, voice: OpenAiSynthesiser) -> None:
    server.realtime(connect=[{"kind": "without", "part": "reasoning"}])
    assert len(await sound(voice, PLAIN_WORDS))


async def test_one_session_hears_and_speaks(server: OpenAiServer) -> None:
    both = OpenAiSpeechToSpeech(settings(server))
    await both.prepare()
    server.realtime(
        heard=["can I come on thursday"], speech=[{}, {"kind": "reword", "say": FACTS[:-3] + "AM."}]
    )
    turn = await both.open(Hints(("Thursday",)))
    turn.feed(np.tile(SOUND, 6))
    assert (await turn.finish()).text == "can I come on thursday"
    said = [pcm async for pcm in both.speak(FACTS)]
    assert len(np.concatenate(said)) == WORD * len(FACTS.split())
    with pytest.raises(Reworded):
        _ = [pcm async for pcm in both.speak(FACTS)]
    report = server.realtime_report()
    assert len(report["sessions"]) == 1
    asked = next(e["response"]["input"] for e in report["events"] if e["type"] == "response.create")
    assert asked[0]["type"] == "item_reference"
    await both.close()


async def test_a_recording_is_transcribed(server: OpenAiServer) -> None:
    files = OpenAiFileTranscriber(settings(server))
    server.realtime(heard=["I would like to come on Thursday."])
    heard = await files.transcribe(np.tile(SOUND, 10), Hints(("Maria Lopez",)))
    assert (heard.text, heard.provider) == ("I would like to come on Thursday.", "openai")
    sent = server.requests()[0]
    assert sent["model"] == ["gpt-transcribe"]
    assert sent["keywords[]"] == ["Maria Lopez"]
    assert sent["file"] == [10 * WORD * 2 + 44]
    server.script(faults=[{"kind": "429"}, {"kind": "429"}, {"kind": "429"}])
    with pytest.raises(SpeechFailed, match="RateLimitError 429"):
        await files.transcribe(np.tile(SOUND, 10), Hints())
    assert await files.transcribe(SOUND[:0], Hints()) == heard.__class__("", 0.0, (), "openai")
    await files.close()
