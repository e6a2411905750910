"""The speaker over a carrier: order, pauses and cuts to the sample, what was heard, voices that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np
from carrier import Carrier, voice

from agent.audio.frames import RATE, Pcm
from agent.manner import PLAIN, Manner
from agent.speech.ports import SpeechFailed
from agent.voice.media import Gone, Played
from agent.voice.recording import Recording
from agent.voice.speaking import Interrupted, Reports, Speaker
from tests.virtual_time import run_virtually


class Buzz:
    """Says every sentence in 0.1 s a letter, after ``delay`` seconds."""

    name = "buzz"

    def __init__(self, delay: float = 0.0, fails: str = ""):
        self.delay, self.fails = delay, fails
        self.asked: list[str] = []

    async def speak(self, text: str, manner: Manner = PLAIN) -> AsyncIterator[Pcm]:
        self.asked.append(text)
        await asyncio.sleep(self.delay)
        if self.fails and self.fails in text:
            raise SpeechFailed("buzz is gone")
        pcm = voice(0.1 * len(text))
        for start in range(0, len(pcm), RATE // 4):
            yield pcm[start : start + RATE // 4]

    async def close(self) -> None:
        return None


class Stage:
    """A speaker over a carrier, with a log of what it reports."""

    def __init__(self, buzz: Buzz | None = None, loses_marks: bool = False):
        self.buzz, self.carrier = buzz or Buzz(), Carrier(loses_marks)
        self.log: list[tuple[str, float]] = []
        zero = asyncio.get_running_loop().time()
        self.now: Callable[[], float] = lambda: asyncio.get_running_loop().time() - zero
        reports = Reports(
            lambda at, shielded: self.log.append(("speaks", round(at, 2))),
            lambda at: self.log.append(("quiet", round(at, 2))),
            lambda turn, at: self.log.append((f"turn {turn}", round(at, 2))),
            lambda name: self.log.append((f"{name} failed", round(self.now(), 2))),
        )
        self.speaker = Speaker(self.buzz, self.now, reports, Recording())
        self.tasks = [asyncio.create_task(self.speaker.run(self.carrier)), asyncio.create_task(self._marks())]

    async def _marks(self) -> None:
        while True:
            event = await self.carrier.receive()
            if isinstance(event, Played):
                self.speaker.played(event.mark)
            elif isinstance(event, Gone):
                return

    async def end(self) -> None:
        await self.carrier.close()
        for task in self.tasks:
            task.cancel()


def staged(play: Callable[[Stage], Awaitable[None]], **options: object) -> Stage:
    async def run() -> Stage:
        stage = Stage(**options)  # type: ignore[arg-type]
        await play(stage)
        await stage.end()
        return stage

    return run_virtually(run())


def test_sentences_are_said_in_order_and_reported() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.say("Hello there. How are you?", 1)
        stage.speaker.say("Fine.", 3)
        await stage.speaker.drained()

    stage = staged(play)
    assert stage.buzz.asked == ["Hello there.", "How are you?", "Fine."]
    assert [word for word, _ in stage.log] == ["speaks", "turn 1", "speaks", "speaks", "turn 3", "quiet"]
    total = sum(b - a for a, b in stage.carrier.loud())
    assert 2.6 < total < 3.1


def test_the_first_sound_leaves_at_once_where_it_was_prepared() -> None:
    async def play(stage: Stage) -> None:
        await stage.speaker.prepare("Good day.")
        began = stage.now()
        stage.speaker.say("Good day.", 1)
        await asyncio.sleep(0.05)
        assert stage.carrier.buffer, "nothing was sent"
        assert stage.now() - began < 0.1
        await stage.speaker.drained()

    assert staged(play, buzz=Buzz(delay=2.0)).buzz.asked == ["Good day."]


def test_a_cut_stops_the_sound_and_knows_what_was_heard() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.say("One two three four five six. Never heard at all.", 1)
        stage.speaker.say("Nor is this.", 2)
        await asyncio.sleep(1.0)
        cut = await stage.speaker.cut()
        assert cut is not None and cut.turn == 1
        assert cut.heard == "One two"
        at = stage.now()
        await asyncio.sleep(3)
        assert not stage.speaker.speaking
        assert stage.carrier.loud()[-1][1] <= at + 0.03

    staged(play)


def test_a_pause_goes_on_where_it_was() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.say("One two three four five six.", 1)
        await asyncio.sleep(1.0)
        await stage.speaker.pause()
        await asyncio.sleep(0.5)
        await stage.speaker.resume()
        await stage.speaker.drained()

    stage = staged(play)
    first, second = stage.carrier.loud()
    assert 0.9 < first[1] - first[0] < 1.05
    assert 1.75 < second[1] - second[0] < 1.95, "the rest, from a little before"
    assert [w for w, _ in stage.log] == ["speaks", "turn 1", "speaks", "quiet"]


def test_what_is_shielded_is_said_to_its_end() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.say("Dial nine one one now.", 1, shielded=True)
        stage.speaker.say("Something else.", 2)
        await asyncio.sleep(0.5)
        await stage.speaker.cut()
        await stage.speaker.drained()

    stage = staged(play)
    assert 2.1 < sum(b - a for a, b in stage.carrier.loud()) < 2.5


def test_who_speaks_over_what_is_shielded_hears_all_of_it() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.say("Dial nine one one now. Then stay on the line.", 1, shielded=True)
        await asyncio.sleep(0.5)
        assert await stage.speaker.cut() is None, "nothing is lost"
        stage.speaker.say("Something else.", 2)
        await asyncio.sleep(0.3)
        cut = await stage.speaker.cut()
        assert cut == Interrupted(1, "Dial nine one one now. Then stay on the line."), (
            "what was after it is lost"
        )
        stage.speaker.say("More.", 3)
        await asyncio.sleep(0.3)
        gone = stage.speaker.unheard()
        assert gone is not None and gone.heard.startswith("Dial") and not gone.heard.endswith("line.")

    staged(play)


def test_nothing_begins_while_the_caller_has_the_floor() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.hold()
        stage.speaker.say("After you.", 1)
        await asyncio.sleep(2)
        assert not stage.carrier.loud()
        stage.speaker.release()
        await stage.speaker.drained()

    stage = staged(play)
    assert stage.carrier.loud()[0][0] > 1.9


def test_waiting_for_the_floor_is_no_busy_loop() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.hold()
        stage.speaker.say("This is not wanted any more.", 1)
        await asyncio.sleep(0.5)
        await stage.speaker.cut()
        stage.speaker.say("After you.", 2)
        async with asyncio.timeout(
            5
        ):  # of the virtual clock: a busy loop never gets there, and hangs the test
            await asyncio.sleep(2)
        stage.speaker.release()
        await stage.speaker.drained()

    stage = staged(play)
    assert stage.carrier.loud()[0][0] > 2.4


def test_a_voice_that_fails_is_reported_and_the_rest_is_said() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.say("This is said. This breaks. This too.", 1)
        await stage.speaker.drained()

    stage = staged(play, buzz=Buzz(fails="breaks"))
    assert "buzz failed" in [w for w, _ in stage.log]
    assert len(stage.carrier.loud()) == 2


def test_lost_marks_do_not_stall_the_line() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.say("Hello there.", 1)
        await stage.speaker.drained(10)
        assert not stage.speaker.speaking
        assert stage.now() < 3

    stage = staged(play, loses_marks=True)
    assert stage.log[-1][0] == "quiet"


def test_a_long_text_is_not_all_sent_ahead() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.say(" ".join(f"This is sentence number {i}." for i in range(12)), 1)
        await asyncio.sleep(1)
        assert len(stage.buzz.asked) < 6
        await stage.speaker.drained()
        assert len(stage.buzz.asked) == 12

    staged(play)


def test_the_recording_has_what_was_played() -> None:
    async def play(stage: Stage) -> None:
        stage.speaker.say("One two three four five six.", 1)
        await asyncio.sleep(1.0)
        await stage.speaker.cut()
        await asyncio.sleep(1.0)

    stage = staged(play)
    track = stage.speaker._recording.agent.pcm()
    assert abs(len(track) / RATE - 1.0) < 0.03
    heard = stage.carrier.heard()
    assert np.max(np.abs(heard[: RATE // 2].astype(int))) > 1000
