"""Several providers behind one port: what one fails to do, the next does, without silence.

A provider may fail in any way: say so, raise something else, hang, end early, or come too late. The next one takes
over; one that fails again and again is left out for a while. When all are left out, all are tried all the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeAlias, TypeVar, runtime_checkable

from agent.audio.frames import Pcm
from agent.breaker import Breaker
from agent.hints import Hints
from agent.manner import PLAIN, Manner
from agent.speech.ports import OnPartial, Recogniser, Recognition, SpeechFailed, Synthesiser, Transcription
from agent.speech.trouble import OnTrouble, SpeechTrouble

T = TypeVar("T")
Clock: TypeAlias = Callable[[], float]

_FAILURES, _REST = 3, 30.0
"""Failures in a row after which a provider is left out, and for how many seconds."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds; the last provider is given ``last``, for there is none after it."""

    first_sound: float = 0.6
    next_sound: float = 1.0
    finish: float = 0.8
    last: float = 5.0


@runtime_checkable
class KnowsWords(Protocol):
    """A synthesiser that knows which words so many samples of a sentence have told."""

    async def spoken(self, text: str, manner: Manner, samples: int) -> str:
        """A beginning of ``text``."""
        ...


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    async def close(self) -> None: ...


P = TypeVar("P", bound=_Named)


class _Providers(Generic[P]):
    """The providers in order of preference, each with its breaker."""

    def __init__(self, providers: Sequence[P], on_trouble: OnTrouble | None, clock: Clock):
        if not providers:
            raise ValueError("a chain needs a provider")
        self._all = tuple(providers)
        self._breakers = {id(p): Breaker(_FAILURES, _REST) for p in providers}
        self._clock = clock
        self._on_trouble = on_trouble

    def in_turn(self) -> list[P]:
        """Those to be tried, the best first."""
        return [p for p in self._all if self._breakers[id(p)].closed(self._clock())] or list(self._all)

    def succeeded(self, provider: P) -> None:
        self._breakers[id(provider)].worked()

    def failed(self, provider: P, what: str) -> None:
        self._breakers[id(provider)].failed(self._clock())
        if self._on_trouble:
            self._on_trouble(SpeechTrouble(provider.name, what))

    @property
    def names(self) -> str:
        return ", ".join(p.name for p in self._all)

    async def close(self) -> None:
        await asyncio.gather(*(p.close() for p in self._all), return_exceptions=True)


class _Failed(Exception):
    """``what`` went wrong with a provider."""


async def _within(seconds: float, doing: Coroutine[Any, Any, T]) -> T:
    """The result. Raises _Failed for any failure, StopAsyncIteration as it is.

    A provider that ignores its cancellation is left behind, not waited for.
    """
    task = asyncio.ensure_future(doing)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        task.add_done_callback(_seen)
        raise _Failed("late")
    if task.cancelled():
        raise _Failed("failed")
    if error := task.exception():
        if isinstance(error, _Over):
            raise error
        raise _Failed("failed") from None
    return task.result()


def _seen(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()


class _Over(Exception):
    """No more sound comes (a task cannot carry StopAsyncIteration)."""


async def _next(pieces: AsyncIterator[Pcm]) -> Pcm:
    try:
        return await anext(pieces)
    except StopAsyncIteration:
        raise _Over from None


class SynthesiserChain:
    """Speaks with the first provider that does, and goes on with the next where one breaks off."""

    def __init__(
        self,
        providers: Sequence[Synthesiser],
        patience: Patience | None = None,
        on_trouble: OnTrouble | None = None,
        clock: Clock = time.monotonic,
    ):
        self._providers = _Providers(providers, on_trouble, clock)
        self._patience = patience or Patience()

    @property
    def name(self) -> str:
        return self._providers.names

    async def speak(self, text: str, manner: Manner = PLAIN) -> AsyncIterator[Pcm]:
        """The sentence. Raises SpeechFailed when all have failed."""
        rest = text
        in_turn = self._providers.in_turn()
        for provider in in_turn:
            samples = 0
            last = provider is in_turn[-1]
            pieces = provider.speak(rest, manner)
            try:
                while True:
                    piece = await _within(self._wait(samples, last), _next(pieces))
                    if len(piece):
                        samples += len(piece)
                        yield piece
            except _Over:
                if samples or not _words(rest):
                    self._providers.succeeded(provider)
                    return
                self._providers.failed(provider, "failed")
            except _Failed as failure:
                self._providers.failed(provider, "broke off" if samples else str(failure))
            finally:
                await _closed(pieces)
            rest = await self._rest(provider, rest, manner, samples)
            if not rest:
                return
        raise SpeechFailed("no synthesiser spoke")

    def _wait(self, samples: int, last: bool) -> float:
        if last:
            return self._patience.last
        return self._patience.next_sound if samples else self._patience.first_sound

    @staticmethod
    async def _rest(provider: Synthesiser, text: str, manner: Manner, samples: int) -> str:
        """What is still to be said after ``samples`` of it."""
        if not samples or not isinstance(provider, KnowsWords):
            return text
        try:
            said = await _within(0.2, provider.spoken(text, manner, samples))
        except _Failed:
            return text
        return text[len(said) :].lstrip() if text.startswith(said) else text

    async def close(self) -> None:
        await self._providers.close()


def _words(text: str) -> bool:
    return any(c.isalnum() for c in text)


async def _closed(pieces: AsyncIterator[Pcm]) -> None:
    """End a generator that may be left in the middle; its failures at this point matter to nobody."""
    close = getattr(pieces, "aclose", None)
    if close is not None:
        try:
            await _within(0.2, close())
        except _Failed:
            return


class _Leg:
    """One provider at work on a turn: opened behind the caller's back, fed from the turn's sound."""

    def __init__(self, provider: Recogniser, hints: Hints, on_partial: OnPartial | None, sound: list[Pcm]):
        self.provider = provider
        self._sound = sound
        self._recognition: Recognition | None = None
        self._broken = False
        self._opening = asyncio.create_task(self._open(hints, on_partial))
        self._opening.add_done_callback(self._opened)

    async def _open(self, hints: Hints, on_partial: OnPartial | None) -> None:
        recognition = await self.provider.open(hints, on_partial)
        for pcm in self._sound:
            recognition.feed(pcm)
        self._recognition = recognition

    def _opened(self, opening: asyncio.Task[None]) -> None:
        self._broken = opening.cancelled() or opening.exception() is not None

    @property
    def broken(self) -> bool:
        """Known to have failed already."""
        return self._broken

    def feed(self, pcm: Pcm) -> None:
        if self._recognition is None or self._broken:
            return
        try:
            self._recognition.feed(pcm)
        except Exception:  # a provider's bug must not silence the call: another leg has the sound
            self._broken = True

    async def finish(self) -> Transcription:
        await self._opening
        if self._broken or self._recognition is None:
            raise SpeechFailed("the turn broke off")
        return await self._recognition.finish()

    def cancel(self) -> None:
        self._opening.cancel()
        if self._recognition is not None and not self._broken:
            self._recognition.cancel()


class ChainedRecognition:
    """One turn: the first provider hears it, the last one along with it, and its sound is kept for those between."""

    def __init__(
        self,
        providers: _Providers[Recogniser],
        hints: Hints,
        on_partial: OnPartial | None,
        patience: Patience,
        alongside: bool,
    ):
        self._providers = providers
        self._hints = hints
        self._on_partial = on_partial
        self._patience = patience
        self._sound: list[Pcm] = []
        self._over = False
        in_turn = providers.in_turn()
        self._first = _Leg(in_turn[0], hints, self._partial, self._sound)
        self._legs = [self._first]
        self._others = in_turn[1:]
        if alongside and self._others:
            self._legs.append(_Leg(self._others.pop(), hints, self._second_partial, self._sound))

    def _partial(self, text: str) -> None:
        if self._on_partial and not self._over:
            self._on_partial(text)

    def _second_partial(self, text: str) -> None:
        """What the second hears counts only where the first is known to have failed."""
        if self._first.broken:
            self._partial(text)

    def feed(self, pcm: Pcm) -> None:
        """Take sound; returns at once."""
        if self._over:
            return
        self._sound.append(pcm)
        for leg in self._legs:
            leg.feed(pcm)

    async def finish(self) -> Transcription:
        """The words of the first provider that has them. Raises SpeechFailed when all have failed."""
        self._over = True
        finishing = [(leg, asyncio.create_task(leg.finish())) for leg in self._legs]
        for _, task in finishing:
            task.add_done_callback(_seen)
        try:
            for leg, task in finishing[:1]:
                if heard := await self._heard(leg, task, last=len(finishing) == 1 and not self._others):
                    return heard
            for provider in self._others:
                replayed = _Leg(provider, self._hints, None, self._sound)
                self._legs.append(replayed)
                last = len(finishing) == 1 and provider is self._others[-1]
                if heard := await self._heard(replayed, asyncio.create_task(replayed.finish()), last):
                    return heard
            for leg, task in finishing[1:]:
                if heard := await self._heard(leg, task, last=True):
                    return heard
        finally:
            self._drop(finishing)
        raise SpeechFailed("no recogniser heard the turn")

    async def _heard(self, leg: _Leg, task: asyncio.Task[Transcription], last: bool) -> Transcription | None:
        try:
            heard = await _within(self._patience.last if last else self._patience.finish, _result(task))
        except _Failed as failure:
            self._providers.failed(leg.provider, str(failure))
            return None
        self._providers.succeeded(leg.provider)
        return heard

    def _drop(self, finishing: list[tuple[_Leg, asyncio.Task[Transcription]]]) -> None:
        for leg, task in finishing:
            if not task.done():
                task.cancel()
                leg.cancel()

    def cancel(self) -> None:
        """The turn is not wanted any more."""
        self._over = True
        for leg in self._legs:
            leg.cancel()


async def _result(task: asyncio.Task[T]) -> T:
    return await task


class RecogniserChain:
    """Hears with the first provider that does.

    ``alongside``: the last provider (the local one) hears every turn along with the first, so that its words are
    there at once when the first fails; else the turn's sound is played to it again.
    """

    def __init__(
        self,
        providers: Sequence[Recogniser],
        patience: Patience | None = None,
        on_trouble: OnTrouble | None = None,
        alongside: bool = True,
        clock: Clock = time.monotonic,
    ):
        self._providers = _Providers(providers, on_trouble, clock)
        self._patience = patience or Patience()
        self._alongside = alongside

    @property
    def name(self) -> str:
        return self._providers.names

    async def open(self, hints: Hints, on_partial: OnPartial | None = None) -> ChainedRecognition:
        """Begin a turn; returns at once, the providers are opened behind it."""
        return ChainedRecognition(self._providers, hints, on_partial, self._patience, self._alongside)

    async def close(self) -> None:
        await self._providers.close()
