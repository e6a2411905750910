"""Recordings in a folder: ``<call>.wav`` and, for a picture of it, ``<call>.json``."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass

import numpy as np

from agent.audio.frames import RATE, Pcm
from agent.voice.kept import KeptRecordings
from agent.voice.recording import Recording
from fhirserver.kernel.json import JsonObject, dumps

_STEPS = 800


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording that was kept: ``sha1`` is the digest that FHIR's Attachment.hash wants."""

    call: str
    seconds: float
    size: int
    sha1: bytes


class Archive(KeptRecordings):
    """Keeps recordings in ``folder``, readable by the server's user alone."""

    def keep(self, call: str, recording: Recording) -> Kept:
        """Write both files, whole or not at all. Raises ValueError for a name that is no FHIR id, OSError."""
        target = self.path(call, "wav")
        if target is None:
            raise ValueError("a recording is named by the id of its call")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = target.with_suffix(".part")
        recording.save(part)
        part.chmod(0o600)
        data = part.read_bytes()
        caller, agent = recording.caller.pcm(), recording.agent.pcm()
        seconds = max(len(caller), len(agent)) / RATE
        picture: JsonObject = {
            "seconds": round(seconds, 3),
            "caller": _course(caller, seconds),
            "agent": _course(agent, seconds),
        }
        drawn = target.with_suffix(".json")
        drawn.write_bytes(dumps(picture))
        drawn.chmod(0o600)
        part.replace(target)
        return Kept(call, seconds, len(data), hashlib.sha1(data, usedforsecurity=False).digest())


def _course(pcm: Pcm, seconds: float) -> list[float]:
    """Loudness in equal steps over the whole call, 1.0 at -6 dB of full scale, by the square root of the level."""
    steps = max(min(_STEPS, round(seconds * 20)), 1)
    whole = np.zeros(max(round(seconds * RATE), steps), dtype=np.float32)
    whole[: len(pcm)] = pcm[: len(whole)]
    edges = np.linspace(0, len(whole), steps + 1).astype(int)
    levels = (float(np.sqrt(np.mean(whole[a:b] ** 2))) for a, b in itertools.pairwise(edges))
    return [round(min((level / 16_384) ** 0.5, 1.0), 3) for level in levels]
