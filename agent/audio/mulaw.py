"""G.711 mu-law by tables (https://www.itu.int/rec/T-REC-G.711)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.audio.frames import Pcm

_BIAS = 0x84
_CLIP = 32_635


def _decoded(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + _BIAS) << ((code >> 4) & 0x07)
    return _BIAS - magnitude if code & 0x80 else magnitude - _BIAS


def _encoded(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), _CLIP) + _BIAS
    exponent = max(magnitude.bit_length() - 8, 0)
    return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0F)) & 0xFF


_DECODE: NDArray[np.int16] = np.array([_decoded(c) for c in range(256)], dtype=np.int16)
_ENCODE: NDArray[np.uint8] = np.array(
    [_encoded((s ^ 0x8000) - 32_768) for s in range(0, 65_536, 4)], dtype=np.uint8
)
"""By the bits of a sample without the lower two: four neighbouring samples never have different codes but at a border,
where the lower two bits do not count."""

SILENCE = 0xFF
"""The code of a sample of zero."""


def decode(codes: bytes) -> Pcm:
    """Codes to samples."""
    return _DECODE.take(np.frombuffer(codes, dtype=np.uint8))


def encode(pcm: Pcm) -> bytes:
    """Samples to codes."""
    codes: NDArray[np.uint8] = _ENCODE.take(pcm.view(np.uint16) >> 2)
    return codes.tobytes()
