"""The process that holds libespeak-ng (GPL-3, so it lives apart from ours): text in, sound at 8 kHz out.

Run as ``python -m agent.speech.local.espeak_worker``; frames of :mod:`agent.speech.local.pipe` on stdin and stdout.
A request is SPEAK with a JSON object (``text``, ``voice``, ``rate``, ``pitch``, ``range``, ``volume`` in espeak's
own units); the answers are WORDS (JSON pairs: character, sample), SOUND (16-bit samples), DONE.
https://github.com/espeak-ng/espeak-ng/blob/master/src/include/espeak-ng/speak_lib.h
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from typing import Any, BinaryIO

import espeakng_loader
import numpy as np
import soxr

from agent.audio.frames import RATE, Pcm, to_bytes
from agent.speech.local import pipe

_SYNCHRONOUS, _NO_EXIT, _UTF8, _END = 2, 0x8000, 1, 0
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_WORD = 1
_QUIET = 60
"""Samples as small as this at either end are silence of the synthesiser."""
_TAIL = RATE * 30 // 1000


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Unspeakable(Exception):
    """espeak-ng refused."""


class Espeak:
    """The library, once a process: it keeps its state in globals."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = os.fsencode(espeakng_loader.get_data_path())
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _NO_EXIT)
        if self.rate <= 0:
            raise Unspeakable("espeak-ng does not start")
        self._sound: list[bytes] = []
        self._words: list[tuple[int, int]] = []
        self._callback = _CALLBACK(self._take)
        self._library.espeak_SetSynthCallback(self._callback)
        self._voice = ""

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._sound.append(ctypes.string_at(samples, count * 2))
        at = 0
        while events[at].type != _END:
            if events[at].type == _WORD:
                self._words.append((events[at].text_position - 1, events[at].sample))
            at += 1
        return 0

    def _set(self, wanted: dict[str, Any]) -> None:
        if wanted["voice"] != self._voice:
            if self._library.espeak_SetVoiceByName(wanted["voice"].encode()) != 0:
                raise Unspeakable("no such voice")
            self._voice = wanted["voice"]
        for parameter, name in ((_RATE, "rate"), (_PITCH, "pitch"), (_RANGE, "range"), (_VOLUME, "volume")):
            self._library.espeak_SetParameter(parameter, int(wanted[name]), 0)

    def speak(self, wanted: dict[str, Any]) -> tuple[Pcm, list[tuple[int, int]]]:
        """The sound at RATE and where each word begins: (character of the text, sample)."""
        raw = self.raw(wanted)
        pcm, cut = _trimmed(np.asarray(soxr.resample(raw, self.rate, RATE), dtype=np.int16))
        return pcm, [(at, max(sample * RATE // self.rate - cut, 0)) for at, sample in self._words]

    def raw(self, wanted: dict[str, Any]) -> Pcm:
        """The sound at the library's own ``rate``."""
        self._set(wanted)
        self._sound, self._words = [], []
        text = wanted["text"].encode()
        if self._library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8, None, None) != 0:
            raise Unspeakable("espeak-ng refused the text")
        return np.frombuffer(b"".join(self._sound), dtype=np.int16)


def _trimmed(pcm: Pcm) -> tuple[Pcm, int]:
    """Without the silence at both ends; and how many samples were cut from the front."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > _QUIET)
    if not len(loud):
        return pcm[:0], 0
    first = max(int(loud[0]) - _TAIL // 3, 0)
    return pcm[first : int(loud[-1]) + _TAIL], first


def _serve(espeak: Espeak, incoming: BinaryIO, outgoing: BinaryIO) -> None:
    pipe.write(outgoing, pipe.READY, 0)
    while frame := pipe.read(incoming):
        kind, request, payload = frame
        if kind != pipe.SPEAK:
            continue
        try:
            pcm, words = espeak.speak(json.loads(payload))
        except Unspeakable as error:
            pipe.write(outgoing, pipe.FAILED, request, str(error).encode())
            continue
        outgoing.write(pipe.packed(pipe.WORDS, request, json.dumps(words).encode()))
        outgoing.write(pipe.packed(pipe.SOUND, request, to_bytes(pcm)))
        pipe.write(outgoing, pipe.DONE, request)


def run() -> None:
    """Serve until the other side closes the pipe. The library's own prints must not reach the pipe."""
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _serve(Espeak(), sys.stdin.buffer, outgoing)


if __name__ == "__main__":
    run()
