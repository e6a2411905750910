"""What a file is, by its own bytes."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from agent.cards.pictures import MOST_PIXELS, BadPicture, Picture, picture
from tests.insurance_cards import jpeg, png

SIZES = st.integers(160, 700)


@given(SIZES, SIZES, st.integers(1, 95))
def test_what_pillow_writes_is_recognised_with_its_size(width: int, height: int, quality: int) -> None:
    image = Image.new("RGB", (width, height), "white")
    assert picture(png(image)) == Picture("image/png", width, height)
    assert picture(jpeg(image, quality=quality)) == Picture("image/jpeg", width, height)


@given(st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"%PDF-"]))
def test_no_bytes_make_it_fail_otherwise(tail: bytes, head: bytes) -> None:
    try:
        assert picture(head + tail).content_type
    except BadPicture as bad:
        assert bad.code and str(bad)


def _png_of(width: int, height: int) -> bytes:
    """A PNG whose head states any size and whose body is small: a bomb."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"<svg onload='x'/>", "kind"),
        (b"GIF89a" + bytes(100), "kind"),
        (b"MZ" + bytes(100), "kind"),
        (b"\xff\xd8\xff\xe0\x00", "broken"),
        (b"\x89PNG\r\n\x1a\n" + bytes(4), "broken"),
        (_png_of(60_000, 60_000), "pixels"),
        (png(Image.new("L", (40, 400))), "small"),
        (b"%PDF-" + bytes(2_000), "large"),
    ],
)
def test_what_is_not_taken_is_refused_with_its_reason(data: bytes, code: str) -> None:
    with pytest.raises(BadPicture) as caught:
        picture(data, most_bytes=1_500 if code == "large" else 10_000_000)
    assert caught.value.code == code


def test_the_limit_of_pixels_is_what_telephones_make() -> None:
    assert picture(_png_of(8064, 6048)).width * 6048 <= MOST_PIXELS
