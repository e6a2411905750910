"""Speaks each line of standard input (``rate<TAB>pitch<TAB>text``); runs in a process of its own.

Writes for each the number of samples (uint32) and the samples (int16, 22,050 a second).
"""

import ctypes
import struct
import sys

import espeakng_loader

_SYNCHRONOUS, _UTF8, _RATE, _PITCH = 2, 1, 1, 3
_TAKE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
pieces: list[bytes] = []


@_TAKE
def take(samples, count, events):
    if samples and count > 0:
        pieces.append(ctypes.string_at(samples, count * 2))
    return 0


espeak = ctypes.CDLL(espeakng_loader.get_library_path())
espeak.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
espeak.espeak_SetSynthCallback(take)
espeak.espeak_SetVoiceByName(b"en-us")
for line in sys.stdin:
    rate, pitch, text = line.rstrip("\n").split("\t")
    espeak.espeak_SetParameter(_RATE, int(rate), 0)
    espeak.espeak_SetParameter(_PITCH, int(pitch), 0)
    pieces.clear()
    said = text.encode() + b"\0"
    espeak.espeak_Synth(said, ctypes.c_size_t(len(said)), 0, 1, 0, _UTF8, None, None)
    espeak.espeak_Synchronize()
    whole = b"".join(pieces)
    sys.stdout.buffer.write(struct.pack("<I", len(whole) // 2) + whole)
