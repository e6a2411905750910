"""The one format inside: 16-bit signed PCM, mono, 8,000 samples a second, in frames of 20 ms.

Telephones carry G.711 mu-law at 8 kHz (https://www.itu.int/rec/T-REC-G.711), a frame of 160 bytes every 20 ms;
everything the agent hears or says is in that bandwidth, so nothing inside is wider.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

RATE = 8_000
"""Samples a second."""
FRAME_MS = 20
FRAME = RATE * FRAME_MS // 1000
"""Samples in one frame (160)."""

Pcm: TypeAlias = NDArray[np.int16]
"""Samples of one channel at RATE."""

SILENT = np.zeros(FRAME, dtype=np.int16)


def seconds(samples: int) -> float:
    """How long so many samples last."""
    return samples / RATE


def framed(pcm: Pcm) -> Iterator[Pcm]:
    """Cut into frames of 20 ms; the last one is filled up with silence."""
    for start in range(0, len(pcm), FRAME):
        piece = pcm[start : start + FRAME]
        if len(piece) < FRAME:
            piece = np.concatenate((piece, np.zeros(FRAME - len(piece), dtype=np.int16)))
        yield piece


def of_bytes(data: bytes) -> Pcm:
    """Little-endian 16-bit samples; an odd byte at the end is dropped."""
    return np.frombuffer(data[: len(data) & ~1], dtype="<i2").astype(np.int16, copy=False)


def to_bytes(pcm: Pcm) -> bytes:
    """Little-endian 16-bit samples."""
    return pcm.astype("<i2", copy=False).tobytes()
