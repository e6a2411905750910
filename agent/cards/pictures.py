"""What a file that came in really is, by its own bytes: before anything decodes it.

JPEG (ITU T.81), PNG (https://www.w3.org/TR/png-3/), PDF (ISO 32000). What somebody says it is, is not believed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MOST_BYTES = 10 * 1024 * 1024
MOST_PIXELS = 50_000_000
"""A telephone's photo has 12 to 48 million."""
LEAST_SIDE = 160
"""Pixels below which nothing can be read."""
TYPES = ("image/jpeg", "image/png", "application/pdf")
_PNG = b"\x89PNG\r\n\x1a\n"
_NO_LENGTH = frozenset((0x01, *range(0xD0, 0xD9)))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class BadPicture(ValueError):
    """A file that is not taken. The message is for whoever sent it; ``code``: ``empty``, ``large``, ``kind``,
    ``broken``, ``pixels`` or ``small``."""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Picture:
    """What the bytes are. ``width`` and ``height`` in pixels, 0 for a PDF."""

    content_type: str
    width: int = 0
    height: int = 0


def picture(data: bytes, most_bytes: int = MOST_BYTES) -> Picture:
    """Look at the head of a file. Raises :class:`BadPicture`."""
    if not data:
        raise BadPicture("empty", "The file is empty")
    if len(data) > most_bytes:
        raise BadPicture("large", f"The file is larger than {most_bytes // 1024} KiB; send a smaller one")
    if data.startswith(b"%PDF-"):
        return Picture("application/pdf")
    if data.startswith(_PNG):
        return _sized("image/png", *_png_size(data))
    if data.startswith(b"\xff\xd8\xff"):
        return _sized("image/jpeg", *_jpeg_size(data))
    raise BadPicture("kind", "The file is no JPEG, PNG or PDF; take a photo or a screenshot and send that")


def _sized(content_type: str, width: int, height: int) -> Picture:
    if width * height > MOST_PIXELS:
        raise BadPicture("pixels", f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels")
    if min(width, height) < LEAST_SIDE:
        raise BadPicture("small", f"The picture is smaller than {LEAST_SIDE} pixels; send a larger one")
    return Picture(content_type, width, height)


def _png_size(data: bytes) -> tuple[int, int]:
    if len(data) < 24 or data[12:16] != b"IHDR":
        raise BadPicture("broken", "The PNG is damaged; send it again")
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """From the start-of-frame segment."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes
            at += 1
            continue
        if marker in _NO_LENGTH:
            at += 2
            continue
        if marker in _FRAMES and at + 9 <= len(data):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    raise BadPicture("broken", "The JPEG is damaged; send it again")
