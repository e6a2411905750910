"""The calls there are: each from its first webhook to its record, by Twilio's CallSid."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from agent.telephony.incoming import Incoming, MakeCall, PreparedCall
from agent.telephony.media import TwilioMedia
from agent.telephony.settings import TelephonySettings
from agent.telephony.tokens import Tokens
from fhirserver.kernel.measures import Counter
from fhirserver.kernel.tracing import span

log = logging.getLogger("credence.telephony")

CALLS = Counter("credence_calls_total", "Calls that are over, by how they ended", ("result",))

_LATE = 90.0
"""Seconds after its sound within which a call must have written its record."""
_REMEMBERED = 1_000
"""Calls that are over and still known, for webhooks that come late or again."""
_CLOSED_BY_US = frozenset({"closed"})
_ENDED_THERE = frozenset({"stopped", "call over"})


class PhoneCall:
    """One call. ``answer`` and ``after`` are the TwiML given so far: a webhook that comes again gets the same."""

    def __init__(self, incoming: Incoming, prepared: PreparedCall, settings: TelephonySettings):
        self.incoming, self.prepared, self._settings = incoming, prepared, settings
        self.answer = ""
        self.after = ""
        self.answered_by = ""
        """Who or what answered a call out, once Twilio has told; told once."""
        self.promised = False
        """Whether the caller was promised a call back."""
        self.recordings: dict[str, str] = {}
        self.failed = False
        self.closed = asyncio.Event()
        self._media: TwilioMedia | None = None
        self._abandoned = False
        self._timers: list[asyncio.TimerHandle] = []
        self._task = asyncio.create_task(self._run())

    @property
    def media(self) -> TwilioMedia | None:
        return self._media

    @property
    def over(self) -> bool:
        """Whether no sound can begin any more."""
        return self._abandoned or self._media is not None or self._task.done()

    @property
    def broken(self) -> bool:
        """Whether the agent left somebody on the line without having meant to."""
        ended = self._media.over if self._media is not None else ""
        return self.failed or ended not in _CLOSED_BY_US | _ENDED_THERE

    async def ready(self) -> None:
        """Wait for the first words, as long as the settings allow."""
        waiting = asyncio.ensure_future(self.prepared.ready())
        try:
            await asyncio.wait(
                {waiting, self._task},
                timeout=self._settings.answer_within,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            if not waiting.done():
                waiting.cancel()
            elif not waiting.cancelled() and waiting.exception() is not None:
                log.warning("a call was not made ready: %s", type(waiting.exception()).__name__)

    def expect_answer(self, seconds: float) -> None:
        """A call out rings; somebody has to answer it by then."""
        self._later(seconds, lambda: self.abandon("nobody answered"))

    def expect_stream(self) -> None:
        """The call is answered: its stream has to begin soon."""
        self._stop_timers()
        self._later(self._settings.stream_within, lambda: self.abandon("no stream came"))

    def attach(self, media: TwilioMedia) -> None:
        """Its sound has begun."""
        self._media = media
        self._stop_timers()
        self._later(self._settings.most_seconds, lambda: media.end("too long"))
        self.prepared.attach(media)

    def abandon(self, reason: str) -> None:
        """The caller is gone before there was sound."""
        if not self.over:
            self._abandoned = True
            self._stop_timers()
            self.prepared.abandon(reason)
            self._later(_LATE, self._task.cancel)

    def end(self, reason: str) -> None:
        """The call is over, says Twilio, or this server is."""
        if self._media is not None:
            self._media.end(reason)
        else:
            self.abandon(reason)

    def sound_over(self) -> None:
        """Its stream has ended: the record is to be written soon."""
        if not self._task.done():
            self._later(_LATE, self._task.cancel)

    async def wait(self) -> None:
        """Until its record is written."""
        await self.closed.wait()

    def cancel(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        result = "ended"
        try:
            with span("call"):
                await self.prepared.run()
        except asyncio.CancelledError:
            result = "cut off"
            log.error("a call did not end by itself and was cut off")
        except Exception as error:  # whatever one call meets, the others go on, and its caller is cared for
            self.failed, result = True, "failed"
            log.error("a call failed: %s", type(error).__name__)
        finally:
            self._stop_timers()
            if self._media is not None:
                self._media.end("closed")
            CALLS.add("unanswered" if self._abandoned and result == "ended" else result)
            self.closed.set()

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, act))

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


class Calls:
    """All calls of this process."""

    def __init__(
        self, settings: TelephonySettings, make: MakeCall, now: Callable[[], float] = time.monotonic
    ):
        self.settings, self._make, self._now = settings, make, now
        self._tokens = Tokens(settings.stream_within)
        self._calls: dict[str, PhoneCall] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def under_way(self) -> int:
        """Calls that are not closed."""
        return sum(not call.closed.is_set() for call in self._calls.values())

    @property
    def full(self) -> bool:
        """Whether one more would be too many."""
        return self._closing or self.under_way >= self.settings.most_calls

    def get(self, id: str) -> PhoneCall | None:
        return self._calls.get(id)

    def prepare(self, incoming: Incoming) -> PhoneCall:
        """Begin a call; whatever ``make`` raises comes through."""
        call = PhoneCall(incoming, self._make(incoming), self.settings)
        self._calls[incoming.id] = call
        self._forget_oldest()
        return call

    def rename(self, old: str, new: str) -> None:
        """Twilio has given a call out its CallSid."""
        if old in self._calls and new not in self._calls:
            call = self._calls[new] = self._calls.pop(old)
            call.incoming = replace(call.incoming, id=new)

    def token(self, id: str) -> str:
        """A token for the stream of this call."""
        return self._tokens.issue(id, self._now())

    def claim(self, id: str, token: str) -> PhoneCall | None:
        """The call whose stream has come with this token; None where it may not have it."""
        call = self._calls.get(id)
        if not self._tokens.redeem(id, token, self._now()) or call is None or call.over or self._closing:
            return None
        return call

    def end(self, id: str, reason: str) -> None:
        """The call is over, whatever was to come."""
        self._tokens.withdraw(id)
        if id in self._calls:
            self._calls[id].end(reason)

    def promise(self, call: PhoneCall, reason: str) -> None:
        """Nobody took the transfer: have it written down that the caller is to be called back. Once."""
        if not call.promised:
            call.promised = True
            self._aside(call.prepared.unanswered(reason))

    async def close(self, patience: float = 10.0) -> None:
        """End all calls and wait for their records; those that take longer are cut off."""
        self._closing = True
        for call in self._calls.values():
            call.end("shutting down")
        waiting = [c for c in self._calls.values() if not c.closed.is_set()]
        closing = [asyncio.create_task(c.wait()) for c in waiting] + list(self._background)
        if closing:
            await asyncio.wait(closing, timeout=patience)
        for call in waiting:
            call.cancel()
        for task in closing:
            task.cancel()
        await asyncio.gather(*(c.wait() for c in waiting), return_exceptions=True)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._logged(work))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _logged(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # what is beside a call ends with itself
            log.error("a promise to call back was not written down: %s", type(error).__name__)

    def _forget_oldest(self) -> None:
        closed = [id for id, call in self._calls.items() if call.closed.is_set()]
        for id in closed[: max(len(closed) - _REMEMBERED, 0)]:
            del self._calls[id]
