"""The ear of a call over real processes: moods arrive after turns, and trouble in the analysis delays nobody."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from agent.audio.frames import FRAME, RATE, Pcm, framed
from agent.breaker import Breaker
from agent.emotion.analyst import Analyst, prosody_analyst
from agent.emotion.listener import EmotionListener
from agent.emotion.track import SEGMENT, Track
from agent.emotion.worker_process import WorkerFailed, WorkerProcess
from agent.signals import Emotion

START = datetime(2026, 11, 28, 9, tzinfo=UTC)


def command_of(process: psutil.Process) -> list[str]:
    """How a process was started; nothing of one that another test has left and that is over."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie is one, too
        return []


def voice(hertz: float, tilt: float, seconds: float = 3.0) -> Pcm:
    t = np.arange(int(seconds * RATE)) / RATE
    sound = sum(
        10 ** (tilt * np.log2(k) / 20) * np.cos(2 * np.pi * k * hertz * t)
        for k in range(1, int(3400 / hertz))
    )
    sound = sound * (0.05 + np.sin(np.pi * 4 * t) ** 2)
    return (sound * 2000 / np.sqrt(np.mean(sound**2))).astype(np.int16)


class Told(list[Emotion]):
    """What the listener gave, and a way to wait for the n-th."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    def __call__(self, one: Emotion) -> None:
        self.append(one)
        self.changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(30):
            while len(self) < count:
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def analyst() -> AsyncIterator[Analyst[Track]]:
    made = prosody_analyst()
    yield made
    await made.close()


def hung(path: Path, timeout: float = 0.2) -> WorkerProcess:
    """A worker that takes questions and never answers."""
    (path / "hung_worker.py").write_text("import sys, time\nsys.stdin.buffer.read(4)\ntime.sleep(600)\n")
    return WorkerProcess("hung_worker", timeout=timeout, patience=timeout)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def say(ear: EmotionListener, pcm: Pcm, text: str, at: int = 0) -> None:
    for frame in framed(pcm):
        ear.hear(frame)
    ear.turn(text, START + timedelta(seconds=at))


async def test_a_caller_who_gets_loud_is_heard(analyst: Analyst[Track]) -> None:
    told = Told()
    ear = EmotionListener(analyst, told)
    for at in range(3):
        say(ear, voice(110 + at, -10), "on Thursday", at)
    for at in range(3, 6):
        say(ear, voice(175, -5), "on Thursday", at)
    await told.until(6)
    assert [one.at for one in told] == [START + timedelta(seconds=n) for n in range(6)]
    assert max(one.arousal for one in told[:3]) < 0.4 < 0.6 < min(one.arousal for one in told[3:])
    assert {one.tier for one in told[:3]} == {"functional"} and told[-1].tier != "functional"
    assert analyst.counts.failed == analyst.counts.dropped == 0


async def test_many_calls_share_one_process_and_keep_their_voices_apart(analyst: Analyst[Track]) -> None:
    calls = [Told() for _ in range(8)]
    ears = [EmotionListener(analyst, told) for told in calls]
    for at in range(3):
        for number, ear in enumerate(ears):
            say(ear, voice(100 + 20 * number, -9, 2.0), "yes", at)
    for told in calls:
        await told.until(3)
        assert [one.tier for one in told] == ["functional"] * 3
    mine = [p for p in psutil.Process().children() if "agent.emotion.worker" in command_of(p)]
    assert len(mine) == 1


async def test_silence_costs_no_analysis(analyst: Analyst[Track]) -> None:
    told = Told()
    ear = EmotionListener(analyst, told)
    for _ in range(500):
        ear.hear(np.zeros(FRAME, np.int16))
    ear.turn("", START)
    await told.until(1)
    assert analyst.counts.analysed == 0


async def test_analysis_that_hangs_holds_nobody_up(on_path: Path) -> None:
    """Sound is taken at once, moods come by words alone, and after two time-outs nothing is tried for a while."""
    analyst, told = prosody_analyst(hung(on_path)), Told()
    ear = EmotionListener(analyst, told)
    worst = 0.0
    ticks = 0
    for at in range(6):
        before = time.process_time()
        say(ear, voice(120, -9, 2.0), "this is unacceptable", at)
        worst = max(worst, time.process_time() - before)
        await asyncio.sleep(0)
        ticks += 1
    await told.until(6)
    assert ticks == 6 and worst < 0.5
    assert told[-1].valence < -0.5 and told[-1].tier != "functional"
    assert analyst.counts.failed == 2 and analyst.counts.skipped == 4
    assert not analyst.breaker.closed(asyncio.get_running_loop().time())
    await analyst.close()
    assert not [p for p in psutil.Process().children() if "hung_worker" in command_of(p)]


async def test_a_process_that_dies_is_started_anew(on_path: Path) -> None:
    (on_path / "dying_worker.py").write_text("import sys\nsys.stdin.buffer.read(4)\nsys.exit(3)\n")
    analyst, told = prosody_analyst(WorkerProcess("dying_worker"), Breaker(limit=99)), Told()
    ear = EmotionListener(analyst, told)
    for at in range(2):
        say(ear, voice(120, -9, 1.0), "yes", at)
    await told.until(2)
    assert analyst.counts.failed == 2
    await analyst.close()


async def test_a_real_worker_recovers_after_being_killed(analyst: Analyst[Track]) -> None:
    told = Told()
    ear = EmotionListener(analyst, told)
    say(ear, voice(120, -9), "yes")
    await told.until(1)
    for process in psutil.Process().children():
        if "agent.emotion.worker" in command_of(process):
            process.kill()
            process.wait()
    say(ear, voice(120, -9, 1.0), "yes", 1)
    await told.until(2)
    say(ear, voice(120, -9, 1.0), "yes", 2)
    await told.until(3)
    assert analyst.counts.analysed >= 3


async def test_the_oldest_are_dropped_and_counted(on_path: Path) -> None:
    analyst = prosody_analyst(hung(on_path, timeout=5.0), waiting=3)
    results: list[tuple[int, Track | None]] = []
    for number in range(10):
        analyst.submit(np.zeros(SEGMENT, np.int16), lambda track, n=number: results.append((n, track)))
    await asyncio.sleep(0.05)
    assert [n for n, _ in results] == list(range(len(results))) and len(
        results
    ) == analyst.counts.dropped >= 6
    await analyst.close()
    assert sorted(n for n, _ in results) == list(range(10)) and {t for _, t in results} == {None}


async def test_nothing_is_told_after_close(analyst: Analyst[Track]) -> None:
    told = Told()
    ear = EmotionListener(analyst, told)
    say(ear, voice(120, -9), "yes")
    ear.close()
    say(ear, voice(120, -9), "yes", 1)
    done = asyncio.Event()
    analyst.submit(voice(120, -9, 1.0), lambda _: done.set())
    await asyncio.wait_for(done.wait(), 30)
    assert not told


async def test_a_closed_analyst_answers_with_nothing() -> None:
    analyst, results = prosody_analyst(), list[Track | None]()
    await analyst.close()
    analyst.submit(np.zeros(SEGMENT, np.int16), results.append)
    assert not results
    await asyncio.sleep(0.01)
    assert results == [None]


async def test_a_worker_that_answers_nonsense_fails(on_path: Path) -> None:
    (on_path / "odd_worker.py").write_text(
        "import sys\nsys.stdin.buffer.read(4)\nsys.stdout.buffer.write(b'\\xff\\xff\\xff\\xff')\nsys.stdout.flush()\n"
        "sys.stdin.buffer.read()\n"
    )
    worker = WorkerProcess("odd_worker")
    with pytest.raises(WorkerFailed):
        await worker.ask(b"x")
    assert not worker.running and sys.executable


def test_the_breaker_opens_after_two_failures_in_a_row_for_ten_seconds() -> None:
    breaker = Breaker()
    breaker.failed(0.0)
    breaker.worked()
    breaker.failed(1.0)
    assert breaker.closed(1.0)
    breaker.failed(2.0)
    assert not breaker.closed(11.9) and breaker.closed(12.0)
    breaker.failed(12.1)  # the one let through fails as well
    assert not breaker.closed(22.0)
    breaker.worked()
    assert breaker.closed(22.0)
