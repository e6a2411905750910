"""A call with a voice, as a telephone runs it: made ready while it rings, recorded, and kept afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from agent.call import Call, CallRecord
from agent.signals import AnsweredBy
from agent.voice.media import Media
from agent.voice.voice_line import VoiceLine


class After(Protocol):
    """What is done with a call that is over: its recording, how it sounded, how good it was."""

    async def done(self, record: CallRecord, line: VoiceLine) -> None:
        """The record is written."""
        ...

    async def unanswered(self, record: CallRecord, reason: str) -> None:
        """Nobody took the transfer, and the caller was promised a call back."""
        ...


class VoiceCall:
    """One call over one :class:`VoiceLine`."""

    def __init__(
        self,
        call: Call,
        line: VoiceLine,
        after: After,
        run: Callable[[], Awaitable[CallRecord]] | None = None,
        prepare: Callable[[], Awaitable[None]] | None = None,
    ):
        self.call, self.line = call, line
        self._after = after
        self._run = run or call.run
        self._prepare = prepare
        self._sound: asyncio.Task[None] | None = None
        self._record: asyncio.Future[CallRecord] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """From ringing to the record and all that belongs to it."""
        preparing = asyncio.ensure_future(self._prepare()) if self._prepare else None
        try:
            record = await self._run()
            self._record.set_result(record)
            await self._after.done(record, self.line)
        finally:
            if preparing is not None:
                preparing.cancel()
            if self._sound is not None:
                await self.line.hang_up()
                await asyncio.wait({self._sound}, timeout=5)
            if not self._record.done():
                self._record.cancel()

    async def record(self) -> CallRecord:
        """The call's record, once it is written. Raises CancelledError where the call came to none."""
        return await asyncio.shield(self._record)

    async def ready(self) -> None:
        """Return when the greeting can be said at once."""
        await self.line.ready.wait()

    def attach(self, media: Media) -> None:
        """The caller's sound has begun."""
        self._sound = asyncio.create_task(self.line.attach(media))

    def abandon(self, reason: str) -> None:
        """The caller is gone before there was sound."""
        if self.call.setting.errand is not None:
            self.call.unreached = reason
        self.line.abandon()

    def answered_by(self, who: str) -> None:
        """Who or what answered a call out, as Twilio's detection has it."""
        self.call.put(AnsweredBy(self.call.clock.now(), who))

    def onward(self) -> str | None:
        """Why a person takes over now; None to hang up."""
        return self.line.transferred or None

    async def unanswered(self, reason: str) -> None:
        """Nobody took the transfer: have it written down that the caller is to be called back."""
        await self._after.unanswered(await self._record, reason)
