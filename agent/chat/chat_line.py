"""The line of a conversation by text: a user's messages in, one at a time. What the agent says stands in the diary."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

from agent.line import WrittenLine
from agent.manner import PLAIN, Manner
from agent.signals import HangUp, Signal, Utterance
from fhirserver.kernel.instants import Clock


class Written(NamedTuple):
    """A message with the number of its event; ``confidence`` is below 1 for what was read from a ``picture``, whose
    reference that is."""

    number: int
    text: str
    confidence: float = 1.0
    picture: str = ""


class ChatLine(WrittenLine):
    """``idle``: seconds without a message after which the conversation is over."""

    def __init__(self, clock: Clock, idle: float):
        self._clock, self.idle = clock, idle
        self._messages: deque[Written] = deque()
        self._came = asyncio.Event()
        self.taken = 0
        """The number of the message that was taken last."""
        self.timed_out = False

    def write(self, message: Written) -> None:
        """The user has written."""
        self._messages.append(message)
        self._came.set()

    @property
    def waiting(self) -> bool:
        """Whether there is a message that nobody has taken yet."""
        return bool(self._messages)

    async def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        """It was shown when it was kept."""

    async def listen(self) -> Signal:
        try:
            async with asyncio.timeout(self.idle):
                while not self._messages:
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            self.timed_out = True
            return HangUp(self._clock.now())
        message = self._messages.popleft()
        self.taken = message.number
        return Utterance(
            self._clock.now(), message.text, confidence=message.confidence, picture=message.picture
        )
