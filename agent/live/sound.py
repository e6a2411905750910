"""The sound of a call for a browser: a WAV that has no end."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator

_RATE, _CHANNELS, _WIDTH = 8000, 2, 2
_ENDLESS = 0xFFFFFFFF
"""The length of what streams: players read on until the connection ends."""


def endless_header() -> bytes:
    """The header of a stereo WAV, PCM 16 bit 8 kHz, of unknown length."""
    block = _CHANNELS * _WIDTH
    form = struct.pack("<IHHIIHH", 16, 1, _CHANNELS, _RATE, _RATE * block, block, 8 * _WIDTH)
    return b"".join(
        (b"RIFF", struct.pack("<I", _ENDLESS), b"WAVEfmt ", form, b"data", struct.pack("<I", _ENDLESS))
    )


async def endless(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The header, then the chunks as they come."""
    yield endless_header()
    async for chunk in chunks:
        yield chunk
