"""What every recogniser and every synthesiser must hold to, whatever provider stands behind it.

A provider's test module subclasses `RecogniserContract` or `SynthesiserContract` and gives the fixtures named there.
"""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from agent.audio.frames import FRAME, RATE, SILENT, Pcm, framed
from agent.hints import Hints
from agent.manner import Manner
from agent.speech.ports import Recogniser, Recognition, SpeechFailed, Synthesiser, Transcription

LONGEST_CALL = 0.1
"""Seconds that ``feed`` may take at most: it must not wait for anything."""


def feed(recognition: Recognition, pcm: Pcm) -> None:
    for frame in framed(pcm):
        recognition.feed(frame)


async def heard(recogniser: Recogniser, pcm: Pcm, hints: Hints) -> Transcription:
    recognition = await recogniser.open(hints)
    feed(recognition, pcm)
    return await asyncio.wait_for(recognition.finish(), 30)


class RecogniserContract:
    """Give the fixtures `recogniser`, and `spoken`: the sound of somebody who says ``said`` under `HINTS`."""

    HINTS = Hints(expects="yes_no")

    async def test_it_hears_what_is_said(self, recogniser: Recogniser, spoken: Pcm, said: str) -> None:
        result = await heard(recogniser, spoken, self.HINTS)
        assert result.text.lower().strip(" .!") == said
        assert 0 <= result.confidence <= 1
        assert result.provider == recogniser.name

    async def test_words_have_times_in_order_within_the_sound(
        self, recogniser: Recogniser, spoken: Pcm
    ) -> None:
        words = (await heard(recogniser, spoken, self.HINTS)).words
        for word in words:
            assert 0 <= word.start <= word.end <= len(spoken) / RATE + 0.1
            assert 0 <= word.confidence <= 1
        assert [w.start for w in words] == sorted(w.start for w in words)

    async def test_silence_is_no_words(self, recogniser: Recogniser) -> None:
        result = await heard(recogniser, np.zeros(RATE, dtype=np.int16), self.HINTS)
        assert result.text == "" and result.words == ()

    async def test_a_turn_without_sound_is_no_words(self, recogniser: Recogniser) -> None:
        recognition = await recogniser.open(self.HINTS)
        assert (await asyncio.wait_for(recognition.finish(), 30)).text == ""

    async def test_partials_come_while_the_caller_speaks(self, recogniser: Recogniser, spoken: Pcm) -> None:
        partials: list[str] = []
        recognition = await recogniser.open(self.HINTS, partials.append)
        feed(recognition, spoken)
        deadline = time.monotonic() + 10
        while not partials and time.monotonic() < deadline:
            recognition.feed(SILENT)
            await asyncio.sleep(0.02)
        assert partials and all(isinstance(p, str) for p in partials)
        await recognition.finish()

    async def test_feeding_never_waits(self, recogniser: Recogniser, spoken: Pcm) -> None:
        recognition = await recogniser.open(self.HINTS)
        before = time.process_time()
        feed(recognition, spoken[: FRAME * 20])
        assert time.process_time() - before < LONGEST_CALL * 20
        recognition.cancel()

    async def test_pieces_of_any_length_are_taken(
        self, recogniser: Recogniser, spoken: Pcm, said: str
    ) -> None:
        recognition = await recogniser.open(self.HINTS)
        at = 0
        for length in (1, 7, 0, 159, 161, 801, 4_000, len(spoken)):
            recognition.feed(spoken[at : at + length])
            at += length
        assert (await asyncio.wait_for(recognition.finish(), 30)).text.lower().strip(" .!") == said

    async def test_two_turns_at_once_do_not_mix(self, recogniser: Recogniser, spoken: Pcm, said: str) -> None:
        quiet = np.zeros_like(spoken)
        first, second = await asyncio.gather(
            heard(recogniser, spoken, self.HINTS), heard(recogniser, quiet, self.HINTS)
        )
        assert first.text.lower().strip(" .!") == said
        assert second.text == ""

    async def test_a_cancelled_turn_leaves_the_next_alone(
        self, recogniser: Recogniser, spoken: Pcm, said: str
    ) -> None:
        partials: list[str] = []
        dropped = await recogniser.open(self.HINTS, partials.append)
        feed(dropped, spoken)
        dropped.cancel()
        dropped.cancel()
        count = len(partials)
        assert (await heard(recogniser, spoken, self.HINTS)).text.lower().strip(" .!") == said
        assert len(partials) == count, "a cancelled turn said something"

    async def test_hints_never_keep_from_hearing_something_else(
        self, recogniser: Recogniser, spoken: Pcm, said: str
    ) -> None:
        result = await heard(recogniser, spoken, Hints(("eve bradtke", "thursday at three"), "identity"))
        assert result.text.lower().strip(" .!") == said

    async def test_closed_it_fails_and_says_so(self, recogniser: Recogniser) -> None:
        await recogniser.close()
        await recogniser.close()
        with pytest.raises(SpeechFailed):
            await (await recogniser.open(self.HINTS)).finish()


class SynthesiserContract:
    """Give the fixture `synthesiser`."""

    TEXT = "I have Thursday, December third at ten thirty."

    async def sound(self, synthesiser: Synthesiser, text: str, manner: Manner | None = None) -> Pcm:
        pieces = [p async for p in synthesiser.speak(text, manner or Manner())]
        assert all(p.dtype == np.int16 and p.ndim == 1 for p in pieces)
        return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int16)

    async def test_a_sentence_has_the_length_of_speech_and_is_loud_enough(
        self, synthesiser: Synthesiser
    ) -> None:
        pcm = await self.sound(synthesiser, self.TEXT)
        assert 1.0 < len(pcm) / RATE < 10.0
        assert 500 < np.sqrt(np.mean(pcm.astype(np.float64) ** 2)) < 12_000

    async def test_it_comes_in_pieces(self, synthesiser: Synthesiser) -> None:
        pieces = [p async for p in synthesiser.speak(self.TEXT)]
        assert len(pieces) > 1 and all(len(p) for p in pieces)

    async def test_slow_speech_is_longer(self, synthesiser: Synthesiser) -> None:
        plain = await self.sound(synthesiser, self.TEXT)
        slow = await self.sound(synthesiser, self.TEXT, Manner(rate=0.8))
        assert len(slow) > len(plain) * 1.08

    async def test_several_at_once_do_not_mix(self, synthesiser: Synthesiser) -> None:
        texts = ["One.", self.TEXT, f"{self.TEXT} {self.TEXT}"]
        one, two, three = await asyncio.gather(*(self.sound(synthesiser, t) for t in texts))
        assert len(one) < len(two) < len(three)

    async def test_left_in_the_middle_the_next_sentence_is_whole(self, synthesiser: Synthesiser) -> None:
        whole = await self.sound(synthesiser, self.TEXT)
        speaking = synthesiser.speak(self.TEXT)
        await anext(speaking)
        await speaking.aclose()  # type: ignore[attr-defined]
        again = await self.sound(synthesiser, self.TEXT)
        assert abs(len(again) - len(whole)) < len(whole) * 0.2

    async def test_nothing_to_say_is_no_failure(self, synthesiser: Synthesiser) -> None:
        for text in ("", " ", "..."):
            assert len(await self.sound(synthesiser, text)) < RATE

    async def test_closed_it_fails_and_says_so(self, synthesiser: Synthesiser) -> None:
        await synthesiser.close()
        await synthesiser.close()
        with pytest.raises(SpeechFailed):
            await self.sound(synthesiser, "Is anybody there?")
