"""The local recogniser: its processes, what it makes of hints, and what it makes of no speech at all."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import numpy as np
import pytest

from agent.audio import mulaw
from agent.audio.frames import RATE, Pcm
from agent.hints import Hints
from agent.speech.local.espeak import EspeakSynthesiser, EspeakVoice
from agent.speech.local.pronounce import guessed
from agent.speech.local.sphinx import SphinxRecogniser
from agent.speech.ports import SpeechFailed
from tests.contracts.speech_contract import RecogniserContract, feed, heard

YES_NO = Hints(expects="yes_no")


def on_the_line(pcm: Pcm) -> Pcm:
    """As it comes over a telephone: with silence around it, some noise, and in G.711."""
    quiet = np.zeros(RATE // 4, dtype=np.int16)
    noise = np.random.default_rng(1).normal(0, 20, len(pcm) + len(quiet) * 2)
    whole = np.concatenate((quiet, pcm, quiet)) + noise
    return mulaw.decode(mulaw.encode(whole.astype(np.int16)))


async def say(text: str, voice: EspeakVoice | None = None) -> Pcm:
    speaker = EspeakSynthesiser(voice or EspeakVoice("en-us+m3", 160, 45))
    try:
        return on_the_line((await speaker.timed(text)).pcm)
    finally:
        await speaker.close()


@pytest.fixture
async def recogniser() -> AsyncIterator[SphinxRecogniser]:
    made = SphinxRecogniser(workers=1, warm=1, most=4, finish_within=20)
    yield made
    await made.close()


class TestSphinxHoldsToThePort(RecogniserContract):
    @pytest.fixture
    def said(self) -> str:
        return "yes please"

    @pytest.fixture
    async def spoken(self, said: str) -> Pcm:
        return await say(said)


async def test_names_come_from_the_hints_and_are_written_as_there(recogniser: SphinxRecogniser) -> None:
    sound = await say("Eve Bradtke, March third, nineteen eighty two")
    result = await heard(recogniser, sound, Hints(("Eve Bradtke",), "identity"))
    assert "Eve Bradtke" in result.text
    assert "nineteen eighty two" in result.text


async def test_noise_alone_is_no_words(recogniser: SphinxRecogniser) -> None:
    noise = np.random.default_rng(2).normal(0, 300, RATE * 2).astype(np.int16)
    assert (await heard(recogniser, noise, YES_NO)).text == ""


async def test_killed_in_a_turn_the_turn_fails_and_the_next_is_heard(recogniser: SphinxRecogniser) -> None:
    sound = await say("yes please")
    turn = await recogniser.open(YES_NO)
    feed(turn, sound[: RATE // 2])
    os.kill(recogniser.pids[0], signal.SIGKILL)
    with pytest.raises(SpeechFailed):
        await turn.finish()
    assert (await heard(recogniser, sound, YES_NO)).text == "yes please"


async def test_one_process_dies_and_the_turns_of_the_other_go_on() -> None:
    recogniser = SphinxRecogniser(workers=2, warm=1, most=4, finish_within=20)
    try:
        await recogniser.start()
        sound = await say("yes please")
        turns = [await recogniser.open(YES_NO) for _ in range(2)]
        for turn in turns:
            feed(turn, sound)
        os.kill(recogniser.pids[0], signal.SIGKILL)
        results = await asyncio.gather(*(t.finish() for t in turns), return_exceptions=True)
        assert [isinstance(r, SpeechFailed) for r in results] == [True, False]
    finally:
        await recogniser.close()


async def test_more_turns_than_decoders_fail_and_say_so() -> None:
    recogniser = SphinxRecogniser(workers=1, warm=1, most=1, finish_within=20)
    try:
        first, second = await recogniser.open(YES_NO), await recogniser.open(YES_NO)
        with pytest.raises(SpeechFailed):
            await second.finish()
        assert (await first.finish()).text == ""
    finally:
        await recogniser.close()


async def test_who_has_stopped_is_answered_before_who_still_speaks(recogniser: SphinxRecogniser) -> None:
    long = await say(
        "I would like to move my appointment to next week please and I need to change my address"
    )
    short = await say("yes please")
    told: list[str] = []
    talking = await recogniser.open(Hints(expects="open"), told.append)
    for _ in range(6):
        talking.feed(long)
    done = await recogniser.open(YES_NO)
    done.feed(short)
    assert (await done.finish()).text == "yes please"
    decoded = len(told[-1].split()) if told else 0
    assert decoded < len((await talking.finish()).words) / 2


async def test_the_processes_let_the_sound_of_the_calls_go_first(recogniser: SphinxRecogniser) -> None:
    await recogniser.start()
    ours, theirs = (os.getpriority(os.PRIO_PROCESS, pid) for pid in (0, recogniser.pids[0]))
    assert theirs == min(ours + 3, 19)


async def test_words_have_the_times_of_the_turn_though_its_pauses_are_not_decoded(
    recogniser: SphinxRecogniser,
) -> None:
    said, pause = await say("yes please"), np.zeros(RATE * 2, dtype=np.int16)
    words = (await heard(recogniser, np.concatenate((pause, said, pause, said, pause)), YES_NO)).words
    assert [word.text for word in words] == ["yes", "please", "yes", "please"]
    again = (len(pause) + len(said)) / RATE
    assert 2.0 < words[0].start < words[1].end < again
    assert [words[i + 2].start - words[i].start for i in (0, 1)] == pytest.approx([again] * 2, abs=0.15)


def test_unknown_names_are_given_a_pronunciation() -> None:
    assert "B R AE T K IY" in guessed("bradtke")
    assert guessed("'") == []
    for word in ("o'brien", "schwarzenegger", "nguyen", "xyz", "jiménez"):
        assert guessed(word) and all(s.isupper() for s in guessed(word)[0].split())
