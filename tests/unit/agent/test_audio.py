"""Telephone sound: mu-law to the letter of G.711, frames, files of other rates and widths."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.audio import mulaw
from agent.audio.frames import FRAME, RATE, framed, of_bytes, to_bytes
from agent.audio.resample import TelephoneStream, to_telephone
from agent.audio.wav import UnreadableSound, read, read_channels, write_mono, write_stereo

ALL = np.arange(-32_768, 32_768).astype(np.int16)


def test_known_codes_of_g_711() -> None:
    # Table 2a/G.711: the ends of the segments.
    for code, sample in ((0xFF, 0), (0x7F, 0), (0x80, 32_124), (0x00, -32_124), (0x8F, 16_764), (0xF0, 120)):
        assert mulaw.decode(bytes([code]))[0] == sample, hex(code)


def test_every_code_comes_back() -> None:
    codes = bytes(range(256))
    again = mulaw.encode(mulaw.decode(codes))
    assert [a for a, b in zip(again, codes, strict=True) if a != b] == [0xFF], "only minus zero has no sample"


def test_a_sample_is_within_half_a_step_of_its_code() -> None:
    back = mulaw.decode(mulaw.encode(ALL)).astype(np.int64)
    wide = np.abs(ALL.astype(np.int64))
    step = 2.0 ** np.maximum(np.floor(np.log2(np.abs(back) + 132)) - 4, 3)
    inside = wide < 32_124
    assert np.all(np.abs(back - ALL)[inside] <= step[inside] / 2 + 3), "two bits do not count"


@given(st.integers(0, 2000))
def test_frames_hold_everything_in_order(length: int) -> None:
    pcm = np.arange(length, dtype=np.int16)
    pieces = list(framed(pcm))
    assert all(len(p) == FRAME for p in pieces)
    joined = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int16)
    assert np.array_equal(joined[:length], pcm) and not joined[length:].any()


def test_bytes_and_back() -> None:
    assert np.array_equal(of_bytes(to_bytes(ALL)), ALL)
    assert len(of_bytes(b"\x01\x02\x03")) == 1


def tone(rate: int, seconds: float = 1.0, hertz: float = 440.0) -> np.ndarray:
    return (9000 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype(np.int16)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
def test_other_rates_keep_their_tone(rate: int) -> None:
    heard = to_telephone(tone(rate), rate)
    assert abs(len(heard) - RATE) <= 2
    spectrum = np.abs(np.fft.rfft(heard[:RATE]))
    assert abs(int(np.argmax(spectrum)) - 440) <= 1


def test_a_stream_in_pieces_is_the_stream_as_a_whole() -> None:
    whole, stream = tone(22_050), TelephoneStream(22_050)
    pieces = [stream.feed(whole[i : i + 700]) for i in range(0, len(whole), 700)]
    joined = np.concatenate([*pieces, stream.feed(whole[:0], last=True)])
    one = to_telephone(whole, 22_050)
    assert abs(len(joined) - len(one)) <= 2
    shared = min(len(joined), len(one)) - 100
    assert np.max(np.abs(joined[:shared].astype(int) - one[:shared])) < 60


def test_stereo_keeps_its_sides(tmp_path: Path) -> None:
    path = tmp_path / "new" / "call.wav"
    write_stereo(path, tone(RATE), tone(RATE, 0.5, 880))
    left, right = read_channels(path)
    assert np.array_equal(left, tone(RATE)) and len(right) == RATE and not right[RATE // 2 :].any()
    assert len(read(path)) == RATE


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_other_widths_are_read(tmp_path: Path, width: int) -> None:
    path = tmp_path / "w.wav"
    samples = np.array([0, 16_384, -16_384, 32_512], dtype=np.int64)
    raw = b"".join(
        bytes([(int(s) >> 8) + 128])
        if width == 1
        else int(s << (8 * (width - 2))).to_bytes(width, "little", signed=True)
        for s in samples
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(RATE)
        file.writeframes(raw)
    assert np.max(np.abs(read(path).astype(int) - samples)) < 256


def test_what_is_no_sound_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.wav"
    path.write_text("hello")
    with pytest.raises(UnreadableSound, match=r"notes\.wav"):
        read(path)


def test_mono_is_read_back(tmp_path: Path) -> None:
    write_mono(tmp_path / "m.wav", ALL)
    assert np.array_equal(read(tmp_path / "m.wav"), ALL)
