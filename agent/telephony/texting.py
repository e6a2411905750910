"""Conversations by text message: one for each pair of numbers, over the same session core as calls."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from agent.line import WrittenLine
from agent.manner import PLAIN, Manner
from agent.signals import HangUp, Signal, Utterance
from agent.telephony.incoming import Incoming
from agent.telephony.rest import RestFailed
from agent.telephony.settings import TelephonySettings
from fhirserver.kernel.instants import Clock, SystemClock
from fhirserver.kernel.wall import waiting

log = logging.getLogger("credence.telephony")

_REMEMBERED = 2_000
"""Messages whose answers are remembered, for webhooks that come again."""
MOST_TEXT = 1_600
"""Characters of one message; Twilio takes no more."""


ONLY_TEXT = "I can read text only. Please write what you need."


class Shown(NamedTuple):
    """A picture that was sent, by its address."""

    url: str


class SendsTexts(Protocol):
    """Sends a text message by itself, not as an answer to a webhook. Raises RestFailed."""

    async def send(self, to: str, text: str) -> str: ...


class TextLine(WrittenLine):
    """A :class:`~agent.line.Line` whose caller writes messages. ``idle``: seconds without one that end it."""

    def __init__(self, clock: Clock, idle: float, reply: Callable[[str], None]):
        self._clock, self._idle, self._reply = clock, idle, reply
        self._said: list[str] = []
        self._written: asyncio.Queue[str | Shown | None] = asyncio.Queue()
        self.look: Callable[[str], Awaitable[Utterance]] | None = None
        """What the caller says by the picture at an address; None where pictures are not looked at."""

    def write(self, text: str) -> None:
        """The caller has written."""
        self._written.put_nowait(text)

    def show(self, url: str) -> None:
        """The caller has sent a picture."""
        self._written.put_nowait(Shown(url))

    def end(self) -> None:
        """The caller wants no more messages, or the process ends."""
        self._written.put_nowait(None)

    async def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        self._said.append(text)

    async def listen(self) -> Signal:
        if self._written.empty():  # else one message answers both, such as the greeting and the first words
            self._flush()
        try:
            async with asyncio.timeout(waiting(self._idle)):
                text = await self._written.get()
        except TimeoutError:
            text = None
        if isinstance(text, Shown):
            return await self._seen(text)
        now = self._clock.now()
        return HangUp(now) if text is None else Utterance(now, text)

    async def _seen(self, shown: Shown) -> Signal:
        if self.look is not None:
            return await self.look(shown.url)
        self._said.append(ONLY_TEXT)
        return await self.listen()

    async def finish(self) -> None:
        self._flush()

    def _flush(self) -> None:
        """All that was said since the caller's last message goes out as one."""
        if self._said:
            text, self._said = " ".join(self._said), []
            self._reply(text)


Converse: TypeAlias = Callable[[Incoming, TextLine], Awaitable[object]]
"""Holds one conversation from its first message to its record, on the line it is given."""


class _Conversation:
    """``reply`` is the answer that a webhook waits for now."""

    def __init__(self) -> None:
        self.line: TextLine | None = None
        self.task: asyncio.Task[None] | None = None
        self.reply: asyncio.Future[str] | None = None


class Texting:
    """All conversations by text of this process."""

    def __init__(
        self,
        settings: TelephonySettings,
        converse: Converse,
        sender: SendsTexts,
        clock: Clock | None = None,
    ):
        self._settings, self._converse, self._sender = settings, converse, sender
        self._clock = clock or SystemClock()
        self._open: dict[tuple[str, str], _Conversation] = {}
        self._answers: OrderedDict[str, asyncio.Future[str]] = OrderedDict()
        self._sending: set[asyncio.Task[None]] = set()

    async def receive(
        self, id: str, caller: str, called: str, text: str, pictures: Sequence[str] = ()
    ) -> str:
        """A message has come (``id`` is its MessageSid, ``pictures`` the addresses of those in it); the reply, or empty
        where none goes this way.

        The same message again gets the same answer and is not said again.
        """
        answer = self._answers.get(id)
        if answer is None:
            answer = self._answers[id] = asyncio.get_running_loop().create_future()
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
            self._write(Incoming(id, caller, called), text, answer, pictures)
        await asyncio.wait({answer}, timeout=self._settings.sms_within)
        if not answer.done():
            answer.set_result("")  # the reply comes later and goes by itself
        return answer.result()

    def stop(self, caller: str, called: str) -> None:
        """The caller wants no more messages."""
        conversation = self._open.get((caller, called))
        if conversation is not None and conversation.line is not None:
            conversation.line.end()

    async def close(self, patience: float = 5.0) -> None:
        """End all conversations and wait for their records."""
        tasks = {c.task for c in self._open.values() if c.task is not None}
        for conversation in list(self._open.values()):
            if conversation.line is not None:
                conversation.line.end()
        if tasks or self._sending:
            await asyncio.wait(tasks | self._sending, timeout=patience)
        for task in tasks | self._sending:
            task.cancel()

    def _write(
        self, incoming: Incoming, text: str, answer: asyncio.Future[str], pictures: Sequence[str]
    ) -> None:
        key = (incoming.caller, incoming.called)
        conversation = self._open.get(key)
        if conversation is None:
            conversation = self._open[key] = _Conversation()
            self._begin(incoming, conversation)
        if conversation.reply is not None and not conversation.reply.done():
            conversation.reply.set_result("")  # one reply to both messages, to the newer
        conversation.reply = answer
        assert conversation.line is not None
        if text:
            conversation.line.write(text)
        for url in pictures:
            conversation.line.show(url)

    def _begin(self, incoming: Incoming, conversation: _Conversation) -> None:
        def reply(text: str) -> None:
            self._deliver(conversation, incoming.caller, text[:MOST_TEXT])

        line = TextLine(self._clock, self._settings.sms_idle, reply)
        conversation.line = line
        conversation.task = asyncio.create_task(self._hold(incoming, line, conversation))

    async def _hold(self, incoming: Incoming, line: TextLine, conversation: _Conversation) -> None:
        try:
            await self._converse(incoming, line)
        except Exception as error:  # one conversation's trouble is not the others'
            log.error("a conversation by text failed: %s", type(error).__name__)
            self._deliver(conversation, incoming.caller, self._settings.failed)
        finally:
            self._open.pop((incoming.caller, incoming.called), None)
            if conversation.reply is not None and not conversation.reply.done():
                conversation.reply.set_result("")

    def _deliver(self, conversation: _Conversation, to: str, text: str) -> None:
        """As the answer of the webhook that waits; by itself where none does."""
        if conversation.reply is not None and not conversation.reply.done():
            conversation.reply.set_result(text)
            return
        task = asyncio.create_task(self._send(to, text))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, to: str, text: str) -> None:
        try:
            await self._sender.send(to, text)
        except RestFailed as failed:
            log.error("a text message was not sent: %s", failed)
