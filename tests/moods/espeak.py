"""``python -m tests.moods.espeak``: lines of JSON in (voice, text, rate, pitch, range), sound out, in a process alone.

For each line an answer: the number of samples as 4 bytes, then 16-bit samples at 22,050 Hz. eSpeak NG is GPL-3, so
it is loaded here and nowhere else (docs/voice.md).
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from agent.audio.frames import Pcm, of_bytes
from agent.audio.resample import to_telephone

RATE = 22_050
_RETRIEVAL, _UTF8 = 1, 1
_PARAMETERS = {"rate": 1, "pitch": 3, "range": 4}


class Line(NamedTuple):
    """``rate`` words a minute; ``pitch`` and ``range`` 0 to 99, 50 is the voice's own."""

    voice: str
    text: str
    rate: int
    pitch: int
    range: int


def spoken(lines: Iterable[Line]) -> Iterator[Pcm]:
    """Each line as telephone sound."""
    jobs = b"".join(json.dumps(line._asdict()).encode() + b"\n" for line in lines)
    done = subprocess.run(
        [sys.executable, "-m", "tests.moods.espeak"],
        input=jobs,
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    rest = done.stdout
    while rest:
        size = int.from_bytes(rest[:4], "little") * 2
        yield to_telephone(of_bytes(rest[4 : 4 + size]), RATE)
        rest = rest[4 + size :]


def _serve() -> None:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    if library.espeak_Initialize(_RETRIEVAL, 0, espeakng_loader.get_data_path().encode(), 0) != RATE:
        raise SystemExit("espeak-ng did not start at its rate")
    pieces: list[bytes] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def take(samples: Any, count: int, _: Any) -> int:
        if samples and count:
            pieces.append(ctypes.string_at(samples, count * 2))
        return 0

    library.espeak_SetSynthCallback(take)
    for line in sys.stdin.buffer:
        job = json.loads(line)
        if library.espeak_SetVoiceByName(job["voice"].encode()):
            raise SystemExit(f"espeak-ng has no voice {job['voice']}")
        for name, number in _PARAMETERS.items():
            library.espeak_SetParameter(number, job[name], 0)
        text = job["text"].encode()
        library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
        library.espeak_Synchronize()
        sound = b"".join(pieces)
        pieces.clear()
        sys.stdout.buffer.write((len(sound) // 2).to_bytes(4, "little") + sound)


if __name__ == "__main__":
    _serve()
