"""The caller's frames: those of the sound mixed and encoded frame by frame, to the byte."""

from __future__ import annotations

import numpy as np
import pytest

from agent.audio import mulaw
from agent.audio.frames import FRAME, Pcm
from agent.simulator.moods import Noise
from agent.simulator.mouth import Mouth


def by_frame(speech: Pcm, begun: int, frames: int, noise: Noise | None) -> list[bytes]:
    """The plain way: 20 ms at a time."""
    made = []
    for at in range(0, frames * FRAME, FRAME):
        pcm = np.zeros(FRAME, dtype=np.int32)
        piece = speech[at - begun : at - begun + FRAME] if at >= begun else speech[:0]
        pcm[: len(piece)] = piece
        if noise is not None:
            pcm += noise.at(at, FRAME)
        made.append(mulaw.encode(np.clip(pcm, -32_768, 32_767).astype(np.int16)))
    return made


@pytest.mark.parametrize("snr", [None, -20.0, 20.0])
def test_frames_are_those_of_sound_mixed_frame_by_frame(snr: float | None) -> None:
    noise = Noise(snr, 7) if snr is not None else None
    speech = np.random.default_rng(1).integers(-32_768, 32_767, 5 * FRAME + 3).astype(np.int16)
    mouth, frames, spoken = Mouth(noise), list[bytes](), list[bool]()
    for number in range(405):  # noise comes again after 400
        if number == 398:
            mouth.begin(speech, number * FRAME)
        frames.append(mouth.frame(number * FRAME))
        spoken.append(mouth.speaking)
    assert frames == by_frame(speech, 398 * FRAME, 405, noise)
    assert [n for n, speaking in enumerate(spoken) if speaking] == [398, 399, 400, 401, 402]


def test_nothing_said_takes_a_frame() -> None:
    mouth = Mouth()
    mouth.begin(np.zeros(0, dtype=np.int16), FRAME)
    assert mouth.speaking
    assert mouth.frame(FRAME) == bytes([mulaw.SILENCE]) * FRAME
    assert not mouth.speaking
