"""Streaming transcription through the real SDK, against a server of the protocol in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import random
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import numpy as np
import pytest

from agent.audio import mulaw
from agent.audio.frames import FRAME, RATE, Pcm, framed
from agent.hints import Hints
from agent.speech.openai.prompting import LONGEST_KEYWORD, MOST_KEYWORDS, guidance, keywords
from agent.speech.openai.recogniser import OpenAiRecogniser
from agent.speech.openai.settings import OpenAiSpeech
from agent.speech.ports import SpeechFailed, Transcription
from tests.openai_server import OpenAiServer

TONE: Pcm = (8_000 * np.sin(np.arange(RATE * 2) * 2 * np.pi * 300 / RATE)).astype(np.int16)
CRC = zlib.crc32(mulaw.encode(TONE))


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAiServer]:
    with OpenAiServer() as server:
        yield server


@pytest.fixture
def server(running: OpenAiServer) -> OpenAiServer:
    running.forget()
    return running


def settings(server: OpenAiServer, **more: Any) -> OpenAiSpeech:
    given = {"finish_seconds": 5.0, "connect_seconds": 5.0, **more}
    return OpenAiSpeech("a-key", server.url, server.url.replace("http", "ws"), **given)


@pytest.fixture
async def recogniser(server: OpenAiServer) -> AsyncIterator[OpenAiRecogniser]:
    made = OpenAiRecogniser(settings(server))
    yield made
    await made.close()


NOTHING = Hints()


async def say(recogniser: OpenAiRecogniser, hints: Hints = NOTHING) -> str:
    turn = await recogniser.open(hints)
    for frame in framed(TONE):
        turn.feed(frame)
        await asyncio.sleep(0)
    return (await turn.finish()).text


async def test_words_come_while_the_caller_speaks(server: OpenAiServer, recogniser: OpenAiRecogniser) -> None:
    server.realtime(heard=["march third nineteen eighty two"])
    seen: list[str] = []
    turn = await recogniser.open(Hints(), seen.append)
    for frame in framed(TONE):
        turn.feed(frame)
    for _ in range(500):
        if len(seen) > 2:
            break
        await asyncio.sleep(0.01)
    assert seen[:3] == ["march", "march third", "march third nineteen"]
    heard = await turn.finish()
    assert (heard.text, heard.provider) == ("march third nineteen eighty two", "openai")
    assert heard.confidence == pytest.approx(0.9)


async def test_one_socket_serves_the_turns_of_a_call(
    server: OpenAiServer, recogniser: OpenAiRecogniser
) -> None:
    server.realtime(heard=["one", "two", "three"])
    await recogniser.prepare()
    assert [await say(recogniser) for _ in range(3)] == ["one", "two", "three"]
    report = server.realtime_report()
    assert report["sessions"] == [{"intent": "transcription"}]
    assert [(turn["bytes"], turn["crc"]) for turn in report["turns"]] == [(len(TONE), CRC)] * 3
    update = report["events"][0]["session"]
    assert update["audio"]["input"]["turn_detection"] is None
    assert update["audio"]["input"]["format"] == {"type": "audio/pcmu"}


async def test_the_model_is_told_the_hints_of_this_turn_only(
    server: OpenAiServer, recogniser: OpenAiRecogniser
) -> None:
    server.realtime(heard=["a", "b", "c"])
    await say(recogniser, Hints(("Maria Lopez", "Aetna"), "insurance"))
    await say(recogniser, Hints(("Thursday at three",), "slot"))
    await say(recogniser)
    told = [turn["transcription"] for turn in server.realtime_report()["turns"]]
    assert told[0]["keywords"] == ["Maria Lopez", "Aetna"]
    assert "insurance company" in told[0]["prompt"]
    assert told[1]["keywords"] == ["Thursday at three"]
    assert "Maria" not in str(told[1:])


def test_hints_are_bounded_and_fit_the_model() -> None:
    many = Hints(tuple(f"phrase {n} " + "x" * 100 for n in range(200)))
    assert len(keywords(many)) == MOST_KEYWORDS
    assert max(map(len, keywords(many))) <= LONGEST_KEYWORD
    assert keywords(Hints(("a", " ", "a", "b"))) == ["a", "b"]
    assert "keywords" not in guidance("gpt-4o-transcribe", "en", Hints(("Aetna",)))
    assert guidance("gpt-realtime-whisper", "en", Hints(("Aetna",))) == {
        "model": "gpt-realtime-whisper",
        "language": "en",
    }


async def test_turns_that_overlap_keep_their_own_words(
    server: OpenAiServer, recogniser: OpenAiRecogniser
) -> None:
    server.realtime(heard=["first", "second"], turns=[{"kind": "slow", "seconds": 0.3}])
    one = await recogniser.open(Hints())
    one.feed(TONE)
    two = await recogniser.open(Hints())
    two.feed(TONE)
    later = asyncio.create_task(two.finish())
    assert (await one.finish()).text == "first"
    assert (await later).text == "second"


async def test_a_cancelled_turn_leaves_nothing_behind(
    server: OpenAiServer, recogniser: OpenAiRecogniser
) -> None:
    server.realtime(heard=["wanted"])
    gone = await recogniser.open(Hints())
    gone.feed(TONE)
    gone.cancel()
    queued = await recogniser.open(Hints())
    queued.feed(TONE[: RATE // 2])
    late = asyncio.create_task(queued.finish())
    await asyncio.sleep(0)
    after = await recogniser.open(Hints())
    queued.cancel()
    after.feed(TONE)
    assert (await after.finish()).text == "wanted"
    with pytest.raises(asyncio.CancelledError):
        await late
    assert [turn["bytes"] for turn in server.realtime_report()["turns"]] == [len(TONE)]


@pytest.mark.parametrize("fault", [{"kind": "slow", "seconds": 0.2}, {"kind": "hang"}])
async def test_the_words_of_a_turn_called_off_late_are_nobodys(
    server: OpenAiServer, fault: dict[str, Any]
) -> None:
    recogniser = OpenAiRecogniser(settings(server, finish_seconds=1.0))
    server.realtime(otherwise="crc", turns=[fault])
    gone = await recogniser.open(Hints())
    gone.feed(TONE[: RATE // 2])
    finishing = asyncio.create_task(gone.finish())
    while not server.realtime_report()["turns"]:
        await asyncio.sleep(0.02)
    finishing.cancel()
    after = await recogniser.open(Hints())
    after.feed(TONE)
    if fault["kind"] == "slow":
        assert (await after.finish()).text == str(CRC)
    else:
        with contextlib.suppress(SpeechFailed):
            assert (await after.finish()).text == str(CRC)
        assert await say(recogniser) == str(CRC)
    await recogniser.close()


async def test_a_turn_without_sound_is_empty(server: OpenAiServer, recogniser: OpenAiRecogniser) -> None:
    server.realtime(heard=["words"])
    turn = await recogniser.open(Hints())
    turn.feed(TONE[:FRAME])
    assert await turn.finish() == await turn.finish()
    assert (await turn.finish()).text == ""
    assert await say(recogniser) == "words"


@pytest.mark.parametrize("kind", ["unordered", "garbage"])
async def test_odd_answers_do_no_harm(server: OpenAiServer, recogniser: OpenAiRecogniser, kind: str) -> None:
    server.realtime(heard=["one", "two", "three"], turns=[{"kind": kind}])
    assert [await say(recogniser) for _ in range(3)] == ["one", "two", "three"]


async def test_an_answer_given_twice_is_not_the_next_turns(
    server: OpenAiServer, recogniser: OpenAiRecogniser
) -> None:
    server.realtime(heard=["one", "two"], turns=[{"kind": "twice"}])
    assert await say(recogniser) == "one"
    turn = await recogniser.open(Hints())
    await asyncio.sleep(0.3)
    turn.feed(TONE)
    assert (await turn.finish()).text == "two"


@pytest.mark.parametrize("kind", ["cut", "no json"])
async def test_a_broken_session_loses_no_words(
    server: OpenAiServer, recogniser: OpenAiRecogniser, kind: str
) -> None:
    server.realtime(heard=["one", "two", "three"], turns=[{}, {"kind": kind}])
    assert [await say(recogniser) for _ in range(3)] == ["one", "two", "three"]
    report = server.realtime_report()
    assert len(report["sessions"]) == 2
    assert {turn["crc"] for turn in report["turns"]} == {CRC}


async def test_a_session_that_stays_broken_fails_its_turn(
    server: OpenAiServer, recogniser: OpenAiRecogniser
) -> None:
    server.realtime(heard=["one", "two"], connect=[{}, {"kind": "refuse"}], turns=[{"kind": "cut"}])
    first, later = await recogniser.open(Hints()), None
    first.feed(TONE)
    waiting = asyncio.create_task(first.finish())
    await asyncio.sleep(0)
    later = await recogniser.open(Hints())
    later.feed(TONE[:FRAME])
    for turn in (waiting, later.finish()):
        with pytest.raises(SpeechFailed, match="InvalidStatus 401"):
            await turn
    later.cancel()
    assert await say(recogniser) == "one"


@pytest.mark.parametrize("kind", ["failed", "error", "429"])
async def test_a_refused_turn_fails_alone(
    server: OpenAiServer, recogniser: OpenAiRecogniser, kind: str
) -> None:
    server.realtime(heard=["one", "two"], turns=[{"kind": kind}])
    with pytest.raises(SpeechFailed) as caught:
        await say(recogniser)
    assert "one" not in str(caught.value)
    assert await say(recogniser) == "two"
    assert len(server.realtime_report()["sessions"]) == (2 if kind == "429" else 1)


async def test_a_silent_api_is_given_up_in_time(server: OpenAiServer) -> None:
    recogniser = OpenAiRecogniser(settings(server, finish_seconds=0.3))
    server.realtime(heard=["late", "then"], turns=[{"kind": "hang"}])
    with pytest.raises(SpeechFailed, match=r"no words within 0\.3 s"):
        await say(recogniser)
    assert await say(recogniser) == "late"
    assert len(server.realtime_report()["sessions"]) == 2
    await recogniser.close()


async def test_a_session_that_cannot_be_opened(server: OpenAiServer) -> None:
    recogniser = OpenAiRecogniser(settings(server, connect_seconds=0.5))
    server.realtime(
        connect=[{"kind": "refuse", "status": 429}, {"kind": "hang"}, {"kind": "error"}], heard=["yes"]
    )
    for words in ("InvalidStatus 429", "no session within", "model_not_found"):
        with pytest.raises(SpeechFailed, match=words):
            await recogniser.prepare()
    assert await say(recogniser) == "yes"
    await recogniser.close()
    with pytest.raises(SpeechFailed, match="closed"):
        await recogniser.open(Hints())


async def test_nobody_is_there() -> None:
    recogniser = OpenAiRecogniser(OpenAiSpeech("a-key", "http://127.0.0.1:9/v1", "ws://127.0.0.1:9/v1"))
    with pytest.raises(SpeechFailed, match=r"ConnectionRefusedError|OSError"):
        await recogniser.open(Hints())
    await recogniser.close()


async def test_a_model_without_probabilities(server: OpenAiServer, recogniser: OpenAiRecogniser) -> None:
    server.realtime(heard=["fine"], connect=[{"kind": "without", "part": "include"}])
    turn = await recogniser.open(Hints())
    turn.feed(TONE)
    heard = await turn.finish()
    assert heard.text == "fine"
    assert 0.5 < heard.confidence < 0.9


async def test_the_key_is_not_shown(server: OpenAiServer) -> None:
    assert "a-key" not in repr(settings(server))


FAULTS = (
    "",
    "",
    "",
    "cut",
    "failed",
    "error",
    "429",
    "unordered",
    "twice",
    "garbage",
    "no json",
    "slow",
    "hang",
)


@pytest.mark.parametrize("seed", range(4))
async def test_no_turn_gets_the_words_of_another(server: OpenAiServer, seed: int) -> None:
    """Turns that end, overlap and are called off by chance, with every fault: the right words or a failure."""
    dice = random.Random(seed)
    faults = [{"kind": dice.choice(FAULTS), "seconds": 0.02} for _ in range(40)]
    server.realtime(otherwise="crc", turns=faults)
    recogniser = OpenAiRecogniser(settings(server, finish_seconds=1.5))
    waiting: list[tuple[str, asyncio.Task[Transcription]]] = []
    for number in range(25):
        pcm = np.full((13 + number) * FRAME, 1_000 * (number + 1), dtype=np.int16)
        turn = await recogniser.open(Hints((f"hint {number}",)))
        for frame in framed(pcm):
            turn.feed(frame)
        if dice.random() < 0.2:
            turn.cancel()
            continue
        waiting.append((str(zlib.crc32(mulaw.encode(pcm))), asyncio.create_task(turn.finish())))
        if dice.random() < 0.7:
            await asyncio.wait([waiting[-1][1]])
    answers = await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)
    await recogniser.close()
    right = 0
    for (words, _), answer in zip(waiting, answers, strict=True):
        if isinstance(answer, Transcription):
            assert answer.text == words
            right += 1
        else:
            assert isinstance(answer, SpeechFailed)
    assert right >= 5, "so few that nothing is shown"
