"""Providers that fail in every way: the caller notices nothing, the metrics do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from agent.audio.frames import SILENT, Pcm
from agent.hints import Hints
from agent.manner import PLAIN, Manner
from agent.speech.chain import Patience, RecogniserChain, SynthesiserChain
from agent.speech.ports import OnPartial, SpeechFailed, Transcription
from agent.speech.trouble import SpeechTrouble

QUICK = Patience(first_sound=0.1, next_sound=0.1, finish=0.1, last=2.0)
TEXT = "I have Thursday at ten."
ONE_PIECE = np.full(800, 7, dtype=np.int16)


class Voice:
    """Says every text as three pieces; ``fault`` says how it fails and after how many of them."""

    def __init__(self, name: str, fault: str = "", after: int = 0):
        self.name = name
        self.fault = fault
        self.after = after
        self.asked: list[str] = []

    async def speak(self, text: str, manner: Manner = PLAIN) -> AsyncIterator[Pcm]:
        self.asked.append(text)
        for number in range(3):
            if self.fault and number == self.after:
                await self._fail()
                if self.fault == "ends":
                    return
            yield ONE_PIECE

    async def _fail(self) -> None:
        if self.fault == "says so":
            raise SpeechFailed("no")
        if self.fault == "raises":
            raise KeyError("a bug")
        if self.fault == "hangs":
            await asyncio.sleep(60)
        if self.fault == "hangs on":
            await _stubbornly()

    async def close(self) -> None:
        if self.fault == "raises":
            raise KeyError("a bug")


class VoiceWithWords(Voice):
    async def spoken(self, text: str, manner: Manner, samples: int) -> str:
        return " ".join(text.split()[: samples // len(ONE_PIECE)])


async def _stubbornly() -> None:
    """Waits on although it is cancelled, for a while."""
    loop = asyncio.get_running_loop()
    end = loop.time() + 0.5
    while loop.time() < end:
        try:
            await asyncio.sleep(end - loop.time())
        except asyncio.CancelledError:
            continue


async def sound(chain: SynthesiserChain, text: str = TEXT) -> int:
    return sum([len(p) async for p in chain.speak(text)]) // len(ONE_PIECE)


@pytest.mark.parametrize("fault", ["says so", "raises", "hangs", "hangs on", "ends"])
async def test_a_voice_that_fails_before_it_is_heard_is_replaced(fault: str) -> None:
    troubles: list[SpeechTrouble] = []
    bad, good = Voice("bad", fault), Voice("good")
    chain = SynthesiserChain([bad, good], QUICK, troubles.append)
    assert await asyncio.wait_for(sound(chain), 1) == 3
    assert good.asked == [TEXT]
    assert [(t.provider, t.what) for t in troubles] == [("bad", "late" if "hangs" in fault else "failed")]
    await chain.close()


@pytest.mark.parametrize("fault", ["says so", "raises", "hangs", "hangs on"])
async def test_a_voice_that_breaks_off_has_the_sentence_said_again(fault: str) -> None:
    troubles: list[SpeechTrouble] = []
    bad, good = Voice("bad", fault, after=2), Voice("good")
    chain = SynthesiserChain([bad, good], QUICK, troubles.append)
    assert await asyncio.wait_for(sound(chain), 1) == 2 + 3
    assert good.asked == [TEXT]
    assert troubles == [SpeechTrouble("bad", "broke off")]


async def test_where_the_words_said_are_known_only_the_rest_is_said() -> None:
    bad, good = VoiceWithWords("bad", "says so", after=2), Voice("good")
    await sound(SynthesiserChain([bad, good], QUICK))
    assert good.asked == ["Thursday at ten."]


async def test_when_all_voices_fail_it_says_so() -> None:
    chain = SynthesiserChain([Voice("a", "raises"), Voice("b", "says so")], QUICK)
    with pytest.raises(SpeechFailed):
        await sound(chain)


async def test_a_voice_that_fails_again_and_again_is_left_out_for_a_while() -> None:
    now = [0.0]
    bad, good = Voice("bad", "says so"), Voice("good")
    chain = SynthesiserChain([bad, good], QUICK, clock=lambda: now[0])
    for _ in range(5):
        await sound(chain)
    assert len(bad.asked) == 3 and len(good.asked) == 5
    now[0] = 31.0
    bad.fault = ""
    await sound(chain)
    assert len(bad.asked) == 4 and len(good.asked) == 5


async def test_with_all_left_out_all_are_tried() -> None:
    only = Voice("only", "says so")
    chain = SynthesiserChain([only], QUICK)
    for _ in range(5):
        with pytest.raises(SpeechFailed):
            await sound(chain)
    only.fault = ""
    assert await sound(chain) == 3


async def test_nothing_to_say_is_no_failure_of_a_voice() -> None:
    troubles: list[SpeechTrouble] = []
    chain = SynthesiserChain([Voice("a", "ends")], QUICK, troubles.append)
    assert await sound(chain, " ") == 0 and troubles == []


class Ear:
    """Hears how many frames it was fed; ``fault`` says where it fails."""

    def __init__(self, name: str, fault: str = ""):
        self.name = name
        self.fault = fault
        self.turns: list[EarTurn] = []

    async def open(self, hints: Hints, on_partial: OnPartial | None = None) -> EarTurn:
        if self.fault == "open":
            raise SpeechFailed("no")
        if self.fault == "open raises":
            raise KeyError("a bug")
        if self.fault == "open hangs":
            await asyncio.sleep(60)
        self.turns.append(EarTurn(self, on_partial))
        return self.turns[-1]

    async def close(self) -> None:
        return None


class EarTurn:
    def __init__(self, ear: Ear, on_partial: OnPartial | None):
        self.ear = ear
        self.frames = 0
        self.cancelled = False
        self._on_partial = on_partial

    def feed(self, pcm: Pcm) -> None:
        if self.ear.fault == "feed":
            raise KeyError("a bug")
        self.frames += 1
        if self._on_partial:
            self._on_partial(f"{self.ear.name} {self.frames}")

    async def finish(self) -> Transcription:
        if self.ear.fault == "finish":
            raise SpeechFailed("no")
        if self.ear.fault == "finish raises":
            raise KeyError("a bug")
        if self.ear.fault == "finish hangs":
            await asyncio.sleep(60)
        if self.ear.fault == "finish hangs on":
            await _stubbornly()
        return Transcription(f"{self.frames} frames", 1.0, (), self.ear.name)

    def cancel(self) -> None:
        self.cancelled = True


async def turn(chain: RecogniserChain, on_partial: OnPartial | None = None) -> Transcription:
    recognition = await chain.open(Hints(), on_partial)
    for _ in range(10):
        recognition.feed(SILENT)
        await asyncio.sleep(0)
    return await asyncio.wait_for(recognition.finish(), 1.5)


FAULTS = [
    "open",
    "open raises",
    "open hangs",
    "feed",
    "finish",
    "finish raises",
    "finish hangs",
    "finish hangs on",
]


@pytest.mark.parametrize("alongside", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_turn_that_one_fails_to_hear_the_next_hears_whole(fault: str, alongside: bool) -> None:
    troubles: list[SpeechTrouble] = []
    chain = RecogniserChain([Ear("bad", fault), Ear("good")], QUICK, troubles.append, alongside)
    heard = await turn(chain)
    assert (heard.text, heard.provider) == ("10 frames", "good")
    assert [(t.provider, t.what) for t in troubles] == [("bad", "late" if "hangs" in fault else "failed")]


async def test_of_three_the_middle_one_is_asked_before_the_last() -> None:
    middle, last = Ear("middle"), Ear("last")
    heard = await turn(RecogniserChain([Ear("bad", "finish"), middle, last], QUICK))
    assert heard.provider == "middle" and heard.text == "10 frames"
    assert [t.frames for t in last.turns] == [10]


async def test_the_first_that_hears_is_believed_and_the_other_is_dropped() -> None:
    first, second = Ear("first"), Ear("second")
    assert (await turn(RecogniserChain([first, second], QUICK))).provider == "first"


async def test_partials_come_from_one_provider() -> None:
    partials: list[str] = []
    await turn(RecogniserChain([Ear("first"), Ear("second")], QUICK), partials.append)
    assert partials and all(p.startswith("first") for p in partials)


async def test_partials_come_from_the_second_where_the_first_has_failed() -> None:
    partials: list[str] = []
    await turn(RecogniserChain([Ear("first", "open"), Ear("second")], QUICK), partials.append)
    assert partials and all(p.startswith("second") for p in partials)


async def test_when_none_hears_it_says_so() -> None:
    chain = RecogniserChain([Ear("a", "finish"), Ear("b", "feed")], QUICK)
    with pytest.raises(SpeechFailed):
        await turn(chain)


async def test_an_ear_that_fails_again_and_again_is_left_out() -> None:
    bad = Ear("bad", "finish")
    chain = RecogniserChain([bad, Ear("good")], QUICK)
    for _ in range(5):
        await turn(chain)
    assert len(bad.turns) == 3


async def test_a_cancelled_turn_is_cancelled_everywhere() -> None:
    ears = [Ear("a"), Ear("b")]
    recognition = await RecogniserChain(ears, QUICK).open(Hints())
    await asyncio.sleep(0.01)
    recognition.cancel()
    assert [t.cancelled for ear in ears for t in ear.turns] == [True, True]
