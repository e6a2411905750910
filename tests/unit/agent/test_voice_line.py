"""A line with a voice over a carrier in memory: greeting, turns, waits, interruptions, keys, ends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import numpy as np
from carrier import Carrier, pause, voice
from test_voice_speaking import Buzz

from agent.audio.frames import FRAME, RATE, Pcm
from agent.effects import Filler
from agent.hints import Hints
from agent.requests import FindPatients
from agent.signals import BargeIn, HangUp, Keys, Signal, Silence, Spoken, Utterance
from agent.speech.ports import OnPartial, SpeechFailed, Transcription
from agent.turns.vad import Heard
from agent.voice.turn_sound import Together
from agent.voice.voice_line import VoiceLine
from tests.virtual_time import run_virtually


class Loud:
    """A frame has a voice in it when it is loud."""

    def hear(self, pcm: Pcm, agent_heard: bool = False) -> Heard:
        loud = bool(np.max(np.abs(pcm.astype(int))) > 500)
        return Heard(loud, loud)


class Prompter:
    """A recogniser that is told beforehand what the turns say, and counts the sound it got."""

    name = "prompter"

    def __init__(self, *texts: str, delay: float = 0.05, partials: bool = True, fails: bool = False):
        self.texts, self.delay, self.partials, self.fails = list(texts), delay, partials, fails
        self.seconds: list[float] = []
        self.hints: list[Hints] = []

    async def open(self, hints: Hints, on_partial: OnPartial | None = None) -> Prompted:
        self.hints.append(hints)
        if self.fails:
            raise SpeechFailed("prompter is gone")
        await asyncio.sleep(0.01)
        return Prompted(self, on_partial)

    async def close(self) -> None:
        return None


class Prompted:
    def __init__(self, prompter: Prompter, on_partial: OnPartial | None):
        self._prompter, self._on_partial = prompter, on_partial
        self._samples = self._loud = 0
        self._told = False

    def feed(self, pcm: Pcm) -> None:
        self._samples += len(pcm)
        self._loud += len(pcm) if np.max(np.abs(pcm.astype(int))) > 500 else 0
        words = self._prompter.texts[0] if self._prompter.texts else ""
        if (
            self._prompter.partials
            and self._on_partial
            and not self._told
            and self._loud > RATE // 5
            and words
        ):
            self._told = True
            self._on_partial(words)

    async def finish(self) -> Transcription:
        await asyncio.sleep(self._prompter.delay)
        self._prompter.seconds.append(self._samples / RATE)
        text = self._prompter.texts.pop(0) if self._prompter.texts else ""
        return Transcription(text, 0.9)

    def cancel(self) -> None:
        return None


class Phone:
    """A line and its far end."""

    def __init__(self, ears: Prompter, buzz: Buzz | None = None):
        self.ears = ears
        self.line = VoiceLine(buzz or Buzz(), ears, vad=Loud())

    async def pick_up(self) -> None:
        """The sound begins."""
        self.carrier = Carrier()
        self.attached = asyncio.create_task(self.line.attach(self.carrier))
        assert await self.line.answered()

    async def next(self, kind: type[Signal]) -> Signal:
        """The next signal of a kind, passing over others."""
        async with asyncio.timeout(30):
            while True:
                signal = await self.line.listen()
                if isinstance(signal, kind):
                    return signal

    async def end(self) -> None:
        await self.line.hang_up()
        await self.attached


def phoned(
    play: Callable[[Phone], Awaitable[None]], ears: Prompter, buzz: Buzz | None = None, prepared: str = ""
) -> Phone:
    async def run() -> Phone:
        phone = Phone(ears, buzz)
        if prepared:
            await phone.line.prepare(prepared)
        await phone.pick_up()
        await play(phone)
        await phone.end()
        return phone

    return run_virtually(run())


def test_the_greeting_is_heard_at_once() -> None:
    async def play(phone: Phone) -> None:
        await phone.line.say("Good day. How can I help?", 1)
        spoken = await phone.next(Spoken)
        assert isinstance(spoken, Spoken) and spoken.turn == 1
        await phone.line.finish()

    phone = phoned(play, Prompter(), Buzz(delay=1.0), "Good day. How can I help?")
    assert phone.carrier.loud()[0][0] <= 0.1


def test_a_turn_of_the_caller_becomes_an_utterance_with_its_first_consonant() -> None:
    async def play(phone: Phone) -> None:
        phone.line.expect(Hints(("Ada Quinn",), "identity"))
        await asyncio.sleep(1)
        phone.carrier.speak(voice(1.5))
        heard = await phone.next(Utterance)
        assert isinstance(heard, Utterance)
        assert heard.text == "I want to move my visit" and heard.confidence == 0.9
        assert heard.started is not None and 0.9 < (heard.at - heard.started).total_seconds() < 3.0

    phone = phoned(play, Prompter("I want to move my visit"))
    assert phone.ears.seconds[0] > 1.5, "the beginning is not cut off"
    assert phone.ears.hints == [Hints(("Ada Quinn",), "identity")]
    [(began, ended)] = phone.line.moments.caller
    assert 0.9 < began < 1.15 and 2.4 < ended < 2.6


def test_after_a_stall_of_the_network_turns_are_heard_from_their_beginning() -> None:
    async def play(phone: Phone) -> None:
        await asyncio.sleep(1)
        await phone.carrier.stall(0.9)
        await asyncio.sleep(1)
        for _ in range(2):
            phone.carrier.speak(voice(1.5))
            heard = await phone.next(Utterance)
            assert isinstance(heard, Utterance) and heard.started is not None
            await asyncio.sleep(1)

    phone = phoned(play, Prompter("The first one", "No, the other one"))
    assert min(phone.ears.seconds) > 1.65, "the sound just before the first voiced frame is there too"
    begun = [began for began, _ in phone.line.moments.caller]
    assert 2.8 < begun[0] < 3.05, "on the line's own time"


def test_a_reply_that_takes_its_time_is_announced() -> None:
    async def play(phone: Phone) -> None:
        await asyncio.sleep(0.5)
        phone.carrier.speak(voice(1.0))
        await phone.next(Utterance)
        await phone.line.fill(Filler("working", "Let me look at the calendar."))
        phone.line.working(FindPatients("+14125550100"))
        await asyncio.sleep(6)
        phone.line.working(None)
        await phone.line.say("Here it is.", 3)
        await phone.line.finish()

    phone = phoned(play, Prompter("find me a slot"))
    assert phone.line._mouth._voice.asked[0] == "Let me look at the calendar."  # type: ignore[attr-defined]
    heard = [(1.5, 1.5), *phone.carrier.loud()]
    gaps = [b[0] - a[1] for a, b in itertools.pairwise(heard)]
    assert max(gaps) < 2.5, gaps
    assert phone.line.moments.answers[0][1] - phone.line.moments.answers[0][0] < 1.2


def test_a_quick_reply_needs_no_announcement() -> None:
    async def play(phone: Phone) -> None:
        await asyncio.sleep(0.5)
        phone.carrier.speak(voice(1.0))
        await phone.next(Utterance)
        await phone.line.fill(Filler("working", "Let me look at the calendar."))
        await phone.line.say("Done.", 3)
        await phone.line.finish()
        await asyncio.sleep(3)

    phone = phoned(play, Prompter("cancel it"))
    assert phone.line._mouth._voice.asked == ["Done."]  # type: ignore[attr-defined]


def test_speaking_over_the_agent_stops_it_and_tells_what_was_heard() -> None:
    async def play(phone: Phone) -> None:
        await phone.line.say(
            "Your first visit. Then there are a good many more words to be said about it.", 1
        )
        await asyncio.sleep(4)
        phone.carrier.speak(voice(2.0))
        cut = await phone.next(BargeIn)
        assert isinstance(cut, BargeIn) and cut.turn == 1
        assert cut.heard.startswith("Your first visit. Then there") and not cut.heard.endswith("it.")
        heard = await phone.next(Utterance)
        assert isinstance(heard, Utterance) and heard.text == "no wait I have a question"

    phone = phoned(play, Prompter("no wait I have a question"))
    assert phone.carrier.loud()[-1][1] < 4.25, "the sound stops within a fifth of a second"
    assert phone.carrier.clears >= 1


def test_an_uh_huh_does_not_interrupt() -> None:
    async def play(phone: Phone) -> None:
        await phone.line.say(
            "Your first visit. Then there are a good many more words to be said about it.", 1
        )
        await asyncio.sleep(3)
        phone.carrier.speak(voice(0.3))
        await phone.line.finish()
        await asyncio.sleep(1)

    phone = phoned(play, Prompter("uh-huh"))
    assert not phone.line.moments.barge_ins
    total = sum(b - a for a, b in phone.carrier.loud())
    assert total > 7.0, "all of it was said"


def test_nothing_is_said_into_the_callers_turn() -> None:
    async def play(phone: Phone) -> None:
        await asyncio.sleep(0.5)
        phone.carrier.speak(voice(3.0))
        await asyncio.sleep(1)
        await phone.line.say("Late answer.", 1)
        await phone.next(Utterance)
        await phone.line.finish()

    phone = phoned(play, Prompter("I am still speaking"))
    assert phone.carrier.loud()[0][0] > 3.5


def test_silence_is_told_when_it_is_the_callers_turn_only() -> None:
    async def play(phone: Phone) -> None:
        await phone.line.say("How can I help?", 1)
        silence = await phone.next(Silence)
        assert isinstance(silence, Silence)

    phone = phoned(play, Prompter())
    assert len(phone.carrier.played) * 0.02 > 6


def test_keys_come_as_one_entry() -> None:
    async def play(phone: Phone) -> None:
        await asyncio.sleep(0.3)
        phone.carrier.press("0303")
        await asyncio.sleep(1)
        phone.carrier.press("1982")
        keys = await phone.next(Keys)
        assert isinstance(keys, Keys) and keys.digits == "03031982"
        phone.carrier.press("1#")
        keys = await phone.next(Keys)
        assert isinstance(keys, Keys) and keys.digits == "1#"

    phoned(play, Prompter())


def test_a_recogniser_that_fails_leaves_a_turn_without_words() -> None:
    async def play(phone: Phone) -> None:
        await asyncio.sleep(0.5)
        phone.carrier.speak(voice(1.2))
        heard = await phone.next(Utterance)
        assert isinstance(heard, Utterance) and heard.text == ""

    phoned(play, Prompter(fails=True))


def test_a_short_noise_is_no_turn() -> None:
    async def play(phone: Phone) -> None:
        await asyncio.sleep(0.5)
        phone.carrier.speak(np.concatenate((voice(0.25), pause(1.0))))
        await asyncio.sleep(3)
        assert phone.line._signals.empty()

    phoned(play, Prompter(""))


def test_turns_are_told_in_the_order_in_which_they_were_said() -> None:
    async def play(phone: Phone) -> None:
        await asyncio.sleep(0.5)
        phone.ears.delay = 5.0
        phone.carrier.speak(voice(1.2))
        await asyncio.sleep(2.5)
        phone.ears.delay = 0.01
        phone.carrier.speak(voice(1.2))
        first, second = await phone.next(Utterance), await phone.next(Utterance)
        assert isinstance(first, Utterance) and isinstance(second, Utterance)
        assert first.started is not None and second.started is not None
        assert first.started < second.started

    phoned(play, Prompter("the first turn", "the second turn", partials=False))


def test_the_line_ends_with_the_caller() -> None:
    async def play(phone: Phone) -> None:
        await phone.line.say("A long story that nobody will hear to its end.", 1)
        await asyncio.sleep(1)
        await phone.carrier.hang_up()
        assert isinstance(await phone.next(HangUp), HangUp)
        await asyncio.wait_for(phone.line.finish(), 1)

    phoned(play, Prompter())


def test_a_caller_who_is_gone_before_there_was_sound() -> None:
    async def run() -> None:
        line = VoiceLine(Buzz(), Prompter(), vad=Loud())
        line.abandon()
        assert not await line.answered()
        await line.finish()
        await line.hang_up()

    run_virtually(run())


def test_both_sides_are_on_the_recording() -> None:
    async def play(phone: Phone) -> None:
        await phone.line.say("Hello there.", 1)
        await phone.line.finish()
        phone.carrier.speak(voice(1.0))
        await phone.next(Utterance)

    phone = phoned(play, Prompter("good morning"))
    recording = phone.line.recording
    assert np.max(np.abs(recording.agent.pcm()[:RATE].astype(int))) > 1000
    assert np.max(np.abs(recording.caller.pcm()[:RATE].astype(int))) < 500
    assert np.max(np.abs(recording.caller.pcm()[round(1.4 * RATE) :].astype(int))) > 1000


def test_frames_are_put_together_only_where_they_follow_each_other() -> None:
    together = Together()
    together.add(1.0, np.zeros(FRAME, dtype=np.int16))
    assert together.follows(1.02) and together.follows(1.025)
    assert not together.follows(1.06), "a frame was lost: what comes after it has its own place"
    together.frames.clear()
    assert together.follows(9.0)
