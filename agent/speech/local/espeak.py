"""The keyless synthesiser: espeak-ng in a process of its own."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass

from agent.audio.frames import RATE, Pcm, of_bytes
from agent.manner import PLAIN, Manner
from agent.speech.local.pipe import DONE, FAILED, SOUND, SPEAK, WORDS
from agent.speech.local.text import readable
from agent.speech.local.worker import DIED, Worker, WorkerDied
from agent.speech.ports import SpeechFailed

_MODULE = "agent.speech.local.espeak_worker"
_PIECE = RATE // 5
_ANSWER_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """A voice and its ordinary way of speaking, in espeak's units.

    ``rate`` in words a minute (80 to 450), ``pitch`` and ``range`` 0 to 100, ``volume`` 0 to 200. ``name`` may carry
    a variant: ``en-us+f3``.
    """

    name: str = "en-us+f3"
    rate: int = 165
    pitch: int = 45
    range: int = 45
    volume: int = 100


@dataclass(frozen=True, slots=True)
class Timed:
    """The sound of a text, and where each word begins: (character of the text, sample)."""

    pcm: Pcm
    words: tuple[tuple[int, int], ...]

    def spoken(self, text: str, played: int) -> str:
        """The part of ``text`` of which ``played`` samples tell: its words that were begun."""
        if played >= len(self.pcm):
            return text
        after = [character for character, sample in self.words if sample >= played]
        return text[: after[0]].rstrip() if after else text


class EspeakSynthesiser:
    """Speaks in one voice. Sentences said before come from memory (``remember`` of them, the newest kept)."""

    def __init__(self, voice: EspeakVoice | None = None, remember: int = 256):
        self._voice = voice or EspeakVoice()
        self._worker = Worker(_MODULE)
        self._remember = remember
        self._said: OrderedDict[tuple[str, str], Timed] = OrderedDict()

    @property
    def name(self) -> str:
        return "espeak-ng"

    @property
    def pid(self) -> int | None:
        """The process that speaks."""
        return self._worker.pid

    async def start(self) -> None:
        """Have the process ready before the first sentence. Raises SpeechFailed."""
        await self._worker.start()

    async def speak(self, text: str, manner: Manner = PLAIN) -> AsyncIterator[Pcm]:
        """The sound in pieces of 200 ms, without silence around it. Raises SpeechFailed."""
        pcm = (await self.timed(text, manner)).pcm
        for at in range(0, len(pcm), _PIECE):
            yield pcm[at : at + _PIECE]

    async def timed(self, text: str, manner: Manner = PLAIN) -> Timed:
        """The whole sound, and when each word of ``text`` begins in it. Raises SpeechFailed."""
        said = readable(text)
        key = (said.text, self._wanted(said.text, manner))
        if known := self._said.get(key):
            self._said.move_to_end(key)
            made = known
        else:
            made = await self._spoken(key[1])
            self._keep(key, made)
        if said.text == text:
            return made
        last = len(said.origin) - 1
        words = tuple((said.origin[min(at, last)], sample) for at, sample in made.words)
        return Timed(made.pcm, words)

    async def spoken(self, text: str, manner: Manner, samples: int) -> str:
        """The part of ``text`` that so many samples of it tell. Raises SpeechFailed."""
        return (await self.timed(text, manner)).spoken(text, samples)

    def _keep(self, key: tuple[str, str], made: Timed) -> None:
        self._said[key] = made
        while len(self._said) > self._remember:
            self._said.popitem(last=False)

    def _wanted(self, text: str, manner: Manner) -> str:
        voice = self._voice
        return json.dumps(
            {
                "text": text,
                "voice": voice.name,
                "rate": _within(voice.rate * manner.rate, 80, 450),
                "pitch": _within(voice.pitch * manner.pitch, 0, 100),
                "range": _within(voice.range * manner.range, 0, 100),
                "volume": _within(voice.volume * manner.volume, 0, 200),
            }
        )

    async def _spoken(self, wanted: str) -> Timed:
        """Once more where the process died on it: another sentence may have killed it."""
        await self._worker.start()
        try:
            return await self._made(wanted)
        except WorkerDied:
            await self._worker.start()
            return await self._made(wanted)

    async def _made(self, wanted: str) -> Timed:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        parts: dict[int, bytes] = {}

        def take(kind: int, payload: bytes) -> None:
            if kind == FAILED and not done.done():
                failed = WorkerDied if payload == DIED else SpeechFailed
                done.set_exception(failed(payload.decode()))
            elif kind == DONE and not done.done():
                done.set_result(None)
            parts[kind] = payload

        request = self._worker.request(take)
        self._worker.send(SPEAK, request, wanted.encode())
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                await done
        except TimeoutError:
            raise SpeechFailed("espeak-ng did not answer in time") from None
        finally:
            self._worker.forget(request)
        words = tuple((int(at), int(sample)) for at, sample in json.loads(parts[WORDS]))
        return Timed(of_bytes(parts[SOUND]), words)

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()


def _within(value: float, low: int, high: int) -> int:
    return min(max(round(value), low), high)
