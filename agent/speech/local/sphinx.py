"""The keyless recogniser: pocketsphinx in processes of its own. Demo grade."""

from __future__ import annotations

import asyncio
import json
import os

import numpy as np

from agent.audio.frames import RATE, Pcm, to_bytes
from agent.hints import Hints
from agent.speech.local.pipe import CANCEL, DONE, FAILED, FEED, FINAL, FINISH, OPEN, PARTIAL
from agent.speech.local.worker import Worker
from agent.speech.ports import OnPartial, SpeechFailed, Transcription, Word

_MODULE = "agent.speech.local.sphinx_worker"
_NAME = "pocketsphinx"
_TOGETHER = RATE // 20
"""Samples sent to the worker at once (50 ms)."""


class SphinxRecognition:
    """One turn, in one worker to its end."""

    def __init__(self, worker: Worker, hints: Hints, on_partial: OnPartial | None, finish_within: float):
        self._worker = worker
        self._on_partial = on_partial
        self._finish_within = finish_within
        self._waiting: list[Pcm] = []
        self._samples = 0
        self._over = False
        self._final: asyncio.Future[Transcription] = asyncio.get_running_loop().create_future()
        self._final.add_done_callback(_seen)
        self._request = worker.request(self._take)
        wanted = {"phrases": hints.phrases, "expects": hints.expects}
        worker.send(OPEN, self._request, json.dumps(wanted).encode())

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == PARTIAL and self._on_partial and not self._over:
            self._on_partial(payload.decode())
        elif kind == FINAL and not self._final.done():
            self._final.set_result(_transcription(json.loads(payload)))
        elif kind == FAILED and not self._final.done():
            self._final.set_exception(SpeechFailed(payload.decode()))
        if kind in (DONE, FAILED):
            self._worker.forget(self._request)

    def feed(self, pcm: Pcm) -> None:
        """Take sound; returns at once."""
        if self._over or not len(pcm):
            return
        self._waiting.append(pcm)
        self._samples += len(pcm)
        if self._samples >= _TOGETHER:
            self._send()

    def _send(self) -> None:
        if self._waiting:
            self._worker.send(FEED, self._request, to_bytes(np.concatenate(self._waiting)))
        self._waiting, self._samples = [], 0

    async def finish(self) -> Transcription:
        """The final words. Raises SpeechFailed."""
        if not self._over:
            self._over = True
            self._send()
            self._worker.send(FINISH, self._request)
        try:
            async with asyncio.timeout(self._finish_within):
                return await asyncio.shield(self._final)
        except TimeoutError:
            self._worker.forget(self._request)
            raise SpeechFailed("pocketsphinx did not finish in time") from None

    def cancel(self) -> None:
        """The turn is not wanted any more."""
        if not self._over:
            self._over = True
            self._worker.forget(self._request)
            self._worker.send(CANCEL, self._request)


def _seen(final: asyncio.Future[Transcription]) -> None:
    """A failure that nobody waits for is no error of the program."""
    if not final.cancelled():
        final.exception()


def _transcription(said: dict[str, object]) -> Transcription:
    words = tuple(Word(str(t), float(s), float(e), float(c)) for t, s, e, c in said["words"])  # type: ignore[attr-defined]
    sure = sum(w.confidence for w in words) / len(words) if words else 0.0
    return Transcription(str(said["text"]), sure, words, _NAME)


class SphinxRecogniser:
    """Worker processes, by default one a core, each with ``warm`` decoders ready and ``most`` at the most."""

    def __init__(self, workers: int = 0, warm: int = 4, most: int = 16, finish_within: float = 3.0):
        count = workers or os.cpu_count() or 1
        self._workers = [Worker(_MODULE, str(warm), str(most), start_within=60.0) for _ in range(count)]
        self._finish_within = finish_within

    @property
    def name(self) -> str:
        return _NAME

    @property
    def pids(self) -> list[int]:
        """The processes that listen now."""
        return [pid for worker in self._workers if (pid := worker.pid)]

    async def start(self) -> None:
        """Have all processes ready before the first turn. Raises SpeechFailed."""
        await asyncio.gather(*(worker.start() for worker in self._workers))

    async def open(self, hints: Hints, on_partial: OnPartial | None = None) -> SphinxRecognition:
        """Begin a turn in the worker with the fewest. Raises SpeechFailed."""
        ready = [worker for worker in self._workers if worker.ready] or self._workers[:1]
        worker = min(ready, key=lambda w: w.busy)
        await worker.start()
        return SphinxRecognition(worker, hints, on_partial, self._finish_within)

    async def close(self) -> None:
        """End the processes. Turns under way fail."""
        await asyncio.gather(*(worker.close() for worker in self._workers))
