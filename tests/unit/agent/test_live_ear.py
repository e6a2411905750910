"""Listening in on a recording that grows: both sides in their channels, in order, to the end of the call."""

from __future__ import annotations

import numpy as np

from agent.audio.frames import RATE
from agent.live.ear import RecordingEar, both
from agent.voice.recording import Recording


def tone(seconds: float, level: int) -> np.ndarray:
    return np.full(round(seconds * RATE), level, dtype=np.int16)


def channels(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    samples = np.frombuffer(data, dtype="<i2").reshape(-1, 2)
    return samples[:, 0], samples[:, 1]


def test_each_side_has_its_channel_and_silence_where_it_is_silent() -> None:
    recording = Recording()
    recording.caller.put(0.0, tone(0.5, 8000))
    recording.agent.put(0.45, tone(0.1, -8000))
    left, right = channels(both(recording, 0.4, 0.2))
    assert len(left) == len(right) == round(0.2 * RATE)
    assert np.all(left[:800] > 7000)
    assert not np.any(left[800:])
    assert np.all(np.abs(right[:400]) < 100)
    assert np.all(right[400:1200] < -7000)
    assert not np.any(right[1200:])


async def test_a_listener_hears_from_now_on_until_the_call_is_over() -> None:
    recording = Recording()
    recording.caller.put(0.0, tone(1.0, 1000))
    recording.caller.put(1.0, tone(1.0, 5000))
    times = iter([1.2, 1.25, 1.35, 1.35, 1.45, 1.55, None])
    ear = RecordingEar(recording, lambda: next(times))
    heard = [channels(chunk)[0] for chunk in [chunk async for chunk in ear.listen()]]
    assert len(heard) == 3
    assert all(np.all(np.abs(part - 5000) < 300) for part in heard)
