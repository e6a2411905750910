"""A call that is over, as the agent leaves it: held by the real agent over the real server, its sound put together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from agent.audio.frames import RATE, Pcm
from agent.call import CallRecord
from agent.signals import Emotion, Utterance
from agent.speech.ports import FileTranscriber
from agent.voice.after_sound import AfterCall
from agent.voice.archive import Archive, KeptRecordings
from agent.voice.recording import Recording
from tests.live_call import Held, LiveSite, held_call

EVE: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "eve",
    "name": [{"family": "Bradtke", "given": ["Eve"]}],
    "telecom": [{"system": "phone", "value": "412-555-0142"}],
    "birthDate": "1982-03-03",
}
MOODS = (("calm", 0.2), ("calm", 0.1), ("annoyed", -0.4), ("angry", -0.8), ("annoyed", -0.3))
APART = 4.0
"""Seconds between two turns in the sound."""


def visit() -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": "visit",
        "status": "booked",
        "description": "Follow-up with Dr. Lindqvist",
        "start": "2099-12-03T14:00:00Z",
        "end": "2099-12-03T14:30:00Z",
        "participant": [{"actor": {"reference": "Patient/eve"}, "status": "accepted"}],
    }


def tone(seconds: float, pitch: float) -> Pcm:
    """Something that looks like a voice: a tone that rises and falls four times a second."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (9000 * np.sin(2 * np.pi * pitch * t) * (0.55 + 0.45 * np.sin(8 * np.pi * t))).astype(np.int16)


class SoundedLine:
    """What :class:`AfterCall` asks of a line: its recording, and when it began."""

    def __init__(self, record: CallRecord):
        self.began: datetime = record.turns[0].at - timedelta(seconds=1)
        self.recording = Recording()
        for turn in record.turns:
            side = self.recording.caller if turn.speaker == "caller" else self.recording.agent
            pitch = 210.0 if turn.speaker == "caller" else 140.0
            at = (turn.at - self.began).total_seconds()
            most = 2.3 if turn.speaker == "caller" else APART
            side.put(at, tone(min(0.4 + len(turn.text) / 18, most), pitch))


class SteppedClock:
    """A clock that goes on by itself only as far as it is told."""

    def __init__(self, at: datetime):
        self.at = at

    def now(self) -> datetime:
        return self.at


async def past_call(
    site: LiveSite, folder: Path, again: Callable[[], FileTranscriber] | None = None
) -> CallRecord:
    """Eve cancels her appointment; the call is recorded in ``folder/sound``, and heard again where ``again`` is."""
    for resource in (EVE, visit()):
        assert (await site.server.ehr.put(resource)).status_code in (200, 201)
    async with held_call(site.board, site.client) as held:
        clock = SteppedClock(held.attended.call.started + timedelta(seconds=2))
        held.line.clock = held.attended.call.clock = held.attended.call.keeper.clock = clock
        after = AfterCall(
            held.attended.call,
            True,
            Archive(folder / "sound"),
            lambda id: f"{site.url}/recordings/{id}.wav",
            _closed,
            again,
        )
        await _talk(held, clock)
        record = await held.end()
        await after.done(record, SoundedLine(record))  # type: ignore[arg-type]
    assert KeptRecordings(folder / "sound").file(record.communication.partition("/")[2])
    return record


async def _talk(held: Held, clock: SteppedClock) -> None:
    said = (
        ("Hi, I want to cancel my appointment", "full name"),
        ("Eve Bradtke, March third nineteen eighty two", "reason"),
        ("This is ridiculous, I have to work that day", "Is that right"),
        ("yes, that's right", ""),
        ("no thanks, bye", ""),
    )
    for (words, answer), (label, valence) in zip(said, MOODS, strict=True):
        before = len(held.line.said)
        clock.at += timedelta(seconds=APART)
        begun = clock.at - timedelta(seconds=2.5)
        held.attended.call.put(Utterance(clock.at, words, begun))
        if answer:
            await held.line.spoken(answer)
        else:
            await _more(held, before)
        clock.at += timedelta(seconds=APART)
        tier = "functional" if valence > 0 else "full empathy"
        held.attended.call.put(Emotion(clock.now(), label, tier, 0.5, valence, 0.0))
        if held.running.done():
            return


async def _more(held: Held, before: int) -> None:
    """Wait until the agent has said something more, or the call is over."""
    async with asyncio.timeout(20):
        while len(held.line.said) <= before and not held.running.done():
            await asyncio.sleep(0.01)


async def _closed() -> None:
    pass
