"""The local synthesiser: its process, its voices, what it remembers and where the words are."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import numpy as np
import pytest

from agent.audio.frames import RATE
from agent.manner import Manner
from agent.speech.local.espeak import EspeakSynthesiser, EspeakVoice
from agent.speech.local.text import readable
from agent.speech.ports import SpeechFailed
from tests.contracts.speech_contract import SynthesiserContract


@pytest.fixture
async def synthesiser() -> AsyncIterator[EspeakSynthesiser]:
    made = EspeakSynthesiser()
    yield made
    await made.close()


class TestEspeakHoldsToThePort(SynthesiserContract):
    pass


async def test_a_word_begins_where_its_sound_does(synthesiser: EspeakSynthesiser) -> None:
    text = "Thursday works well for Doctor Lane."
    timed = await synthesiser.timed(text)
    assert [text[at:].split()[0] for at, _ in timed.words] == text.split()
    samples = [sample for _, sample in timed.words]
    assert samples == sorted(samples) and samples[0] < RATE // 20 and samples[-1] < len(timed.pcm)


async def test_what_was_played_is_told_in_words_of_the_text(synthesiser: EspeakSynthesiser) -> None:
    text = "Dr. Lane has your id ABC-987 now."
    timed = await synthesiser.timed(text)
    assert timed.spoken(text, 0) == ""
    assert timed.spoken(text, len(timed.pcm)) == text
    heard = [timed.spoken(text, played) for played in range(0, len(timed.pcm), 400)]
    assert all(text.startswith(h) for h in heard)
    assert [len(h) for h in heard] == sorted(len(h) for h in heard)


async def test_there_is_no_silence_around_a_sentence(synthesiser: EspeakSynthesiser) -> None:
    pcm = (await synthesiser.timed("Good morning.")).pcm
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > 200)
    assert loud[0] < RATE // 20 and len(pcm) - loud[-1] < RATE // 10


async def test_manner_changes_rate_pitch_and_loudness(synthesiser: EspeakSynthesiser) -> None:
    text = "I understand, take your time."
    plain = (await synthesiser.timed(text)).pcm
    slow = (await synthesiser.timed(text, Manner(rate=0.8))).pcm
    soft = (await synthesiser.timed(text, Manner(volume=0.5))).pcm
    assert len(slow) > len(plain) * 1.1
    assert np.abs(soft.astype(np.int32)).max() < np.abs(plain.astype(np.int32)).max() * 0.7


async def test_other_voices_sound_different() -> None:
    low = EspeakSynthesiser(EspeakVoice("en-us+m3", rate=140, pitch=20))
    high = EspeakSynthesiser(EspeakVoice("en-us+f2", rate=140, pitch=80))
    try:
        one, two = (await low.timed("Hello there.")).pcm, (await high.timed("Hello there.")).pcm
        assert not np.array_equal(one[:2000], two[:2000])
    finally:
        await asyncio.gather(low.close(), high.close())


async def test_a_voice_that_is_not_there_fails() -> None:
    nobody = EspeakSynthesiser(EspeakVoice("xx-nowhere"))
    try:
        with pytest.raises(SpeechFailed):
            await nobody.timed("Hello.")
    finally:
        await nobody.close()


async def test_killed_it_comes_back_for_the_next_sentence(synthesiser: EspeakSynthesiser) -> None:
    await synthesiser.timed("Good morning.")
    before = synthesiser.pid
    assert before
    os.kill(before, signal.SIGKILL)
    assert len((await synthesiser.timed("How can I help you?")).pcm) > RATE // 2
    assert synthesiser.pid != before


async def test_killed_with_many_under_way_all_are_spoken(synthesiser: EspeakSynthesiser) -> None:
    await synthesiser.start()
    saying = [asyncio.create_task(synthesiser.timed(f"This is sentence number {n}. " * 20)) for n in range(8)]
    await asyncio.sleep(0)
    assert synthesiser.pid
    os.kill(synthesiser.pid, signal.SIGKILL)
    assert all(len(said.pcm) > RATE for said in await asyncio.gather(*saying))


async def test_what_was_said_before_needs_no_process(synthesiser: EspeakSynthesiser) -> None:
    first = await synthesiser.timed("One moment, please.")
    await synthesiser.close()
    assert np.array_equal((await synthesiser.timed("One moment, please.")).pcm, first.pcm)


async def test_it_remembers_only_so_much() -> None:
    forgetful = EspeakSynthesiser(remember=2)
    try:
        for text in ("One.", "Two.", "Three."):
            await forgetful.timed(text)
        await forgetful.close()
        assert len((await forgetful.timed("Three.")).pcm)
        with pytest.raises(SpeechFailed):
            await forgetful.timed("One.")
    finally:
        await forgetful.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Dr. Lane is in.", "Doctor Lane is in."),
        ("Your id is ABC-987.", "Your id is A B C, 9 8 7."),
        ("Write to jo.b@x-y.org today.", "Write to jo dot b at x dash y dot org today."),
        ("Call 412-555-0142.", "Call 4 1 2, 5 5 5, 0 1 4 2."),
        ("That is group 90210.", "That is group 9 0 2 1 0."),
        ("At ten AM, with UPMC.", "At ten AM, with U P M C."),
        ("On December 3rd at 10am.", "On December 3rd at 10am."),
        ("No. I said no.", "No. I said no."),
        ("Nothing to change here.", "Nothing to change here."),
    ],
)
def test_text_is_made_readable(text: str, said: str) -> None:
    made = readable(text)
    assert made.text == said
    assert len(made.origin) == len(made.text)
    assert list(made.origin) == sorted(made.origin)
