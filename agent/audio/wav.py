"""WAV files: a call as stereo (caller left, agent right), and the sound of others brought to the telephone's."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from agent.audio.frames import RATE, Pcm, of_bytes, to_bytes
from agent.audio.resample import to_telephone


class UnreadableSound(ValueError):
    """The file is no WAV of 8, 16, 24 or 32 bit; the message says what it is."""


def read(path: Path) -> Pcm:
    """A WAV file of any rate and number of channels as one channel at RATE. Raises UnreadableSound, OSError."""
    channels = read_channels(path)
    mixed = np.mean([c.astype(np.float32) for c in channels], axis=0) if len(channels) > 1 else channels[0]
    return np.clip(np.rint(mixed), -32_768, 32_767).astype(np.int16)


def read_channels(path: Path) -> list[Pcm]:
    """Each channel of a WAV file at RATE. Raises UnreadableSound, OSError."""
    try:
        with wave.open(str(path), "rb") as file:
            count, width, rate, frames = file.getparams()[:4]
            data = file.readframes(frames)
    except (wave.Error, EOFError) as error:
        raise UnreadableSound(f"{path.name} is not a PCM WAV file: {error}") from None
    samples = _samples(data, width, path.name)
    samples = samples[: len(samples) // count * count].reshape(-1, count)
    return [to_telephone(np.ascontiguousarray(samples[:, i]), rate) for i in range(count)]


def _samples(data: bytes, width: int, name: str) -> Pcm:
    if width == 2:
        return of_bytes(data)
    if width == 1:
        return (np.frombuffer(data, dtype=np.uint8).astype(np.int16) - 128) << 8
    if width in (3, 4):
        whole = np.frombuffer(data[: len(data) // width * width], dtype=np.uint8).reshape(-1, width)
        return np.ascontiguousarray(whole[:, -2:]).view("<i2").reshape(-1).astype(np.int16)
    raise UnreadableSound(f"{name} has samples of {width * 8} bits; 8, 16, 24 and 32 are read")


def write_stereo(path: Path, left: Pcm, right: Pcm) -> None:
    """Two channels at RATE; the shorter is filled up with silence."""
    both = np.zeros((max(len(left), len(right)), 2), dtype=np.int16)
    both[: len(left), 0] = left
    both[: len(right), 1] = right
    _write(path, 2, to_bytes(both))


def write_mono(path: Path, pcm: Pcm) -> None:
    """One channel at RATE."""
    _write(path, 1, to_bytes(pcm))


def _write(path: Path, channels: int, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(data)
