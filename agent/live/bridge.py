"""Operators on one call with sound: both sides of it in their ears, and the holder's own voice in the caller's.

Nothing here waits for an operator: what one does not take is dropped and counted, and the call goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Protocol

from agent.audio.frames import RATE, Pcm, of_bytes
from agent.live.attended import Ear, Follows
from fhirserver.ports.live_calls import SoundState

MOST_WAITING = 20
"""Chunks of a tenth of a second that wait for an operator; then the oldest are given up."""
MOST_BYTES = 2 * RATE // 2
"""Of one piece of an operator's sound: half a second."""
SILENT_SECONDS = 15.0
"""A socket from which nothing comes for so long is dead: one that takes sound says so every second."""
LOST_SECONDS = 10.0
"""How long a holder whose socket died may take to come back; then the agent goes on with the call."""

log = logging.getLogger("credence.live")


class HoldersVoice(Protocol):
    """Plays the voice of whoever holds the call to the caller."""

    async def hear(self, pcm: Pcm) -> bool:
        """Play it; False where it was dropped. Returns at once."""
        ...


class SoundBridge:
    """The sockets of one call (:class:`~agent.live.attended.Bridge`). ``patience`` and ``silence`` are in seconds."""

    def __init__(
        self, ear: Ear, voice: HoldersVoice, patience: float = LOST_SECONDS, silence: float = SILENT_SECONDS
    ):
        self.ear, self.voice, self.silence = ear, voice, silence
        self.holder = ""
        self._patience = patience
        self._sockets: set[OperatorSocket] = set()
        self._losing: dict[str, asyncio.Task[None]] = {}

    async def join(self, call: str, operator: str) -> None:
        """What this operator says is heard by the caller from now on."""
        self._held_by(operator)

    async def leave(self, call: str, operator: str) -> None:
        """It is not heard any more."""
        self._forgive(operator)
        self._held_by("")

    def _held_by(self, operator: str) -> None:
        self.holder = operator
        for socket in self._sockets:
            socket.look()

    def connect(self, operator: str, follows: Follows) -> OperatorSocket:
        """A socket of an operator who was let in; it is closed by whoever has it."""
        self._forgive(operator)
        socket = OperatorSocket(self, operator, follows)
        self._sockets.add(socket)
        return socket

    def _forgive(self, operator: str) -> None:
        losing = self._losing.pop(operator, None)
        if losing is not None and losing is not asyncio.current_task():
            losing.cancel()

    def gone(self, socket: OperatorSocket, left: bool) -> None:
        """A socket is closed; ``left``: the operator wanted it so, and may still have the call by typing."""
        self._sockets.discard(socket)
        operator = socket.operator
        if any(other.operator == operator for other in self._sockets):
            return
        socket.follows.left(operator)
        if operator == self.holder and not left:
            self._losing[operator] = asyncio.create_task(self._lose(operator, socket.follows))

    async def _lose(self, operator: str, follows: Follows) -> None:
        await asyncio.sleep(self._patience)
        if self.holder == operator:
            log.warning("the operator who held a call is gone: the agent goes on with it")
            await follows.lost(operator)


class OperatorSocket:
    """One operator's sound of one call (:class:`~fhirserver.ports.live_calls.OperatorSound`).

    ``untaken`` counts the chunks that the operator did not take in time, ``unheard`` the pieces of the operator's own
    sound that the caller did not hear: not the holder's, too long, or too many at once.
    """

    def __init__(self, bridge: SoundBridge, operator: str, follows: Follows):
        self.operator, self.follows = operator, follows
        self.untaken = self.unheard = 0
        self._bridge = bridge
        self._chunks: deque[bytes] = deque()
        self._told = SoundState("")
        self._over = self._closed = self._speaks = False
        self._more = asyncio.Event()
        self._seen = asyncio.get_running_loop().time()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async for chunk in self._bridge.ear.listen():
                if loop.time() - self._seen > self._bridge.silence:
                    await self.close()
                    break
                self._keep(chunk)
        except OSError as error:
            log.error("a call cannot be listened to: %s", type(error).__name__)
        finally:
            self._over = True
            self._more.set()

    def _keep(self, chunk: bytes) -> None:
        if len(self._chunks) >= MOST_WAITING:
            self._chunks.popleft()
            self.untaken += 1
        self._chunks.append(chunk)
        self._more.set()

    def look(self) -> None:
        """Who holds the call has changed."""
        self._speaks = False
        self._more.set()

    @property
    def _state(self) -> SoundState:
        if self._over:
            return SoundState("over")
        return SoundState("yours" if self._bridge.holder == self.operator else "listening")

    async def receive(self) -> bytes | SoundState | None:
        """What comes next for the operator; None at the end."""
        while not self._closed:  # one that was cut off may come back: the call is not over
            state = self._state
            if state != self._told:
                self._told = state
                return state
            if self._over:
                return None
            if self._chunks:
                return self._chunks.popleft()
            self._more.clear()
            await self._more.wait()
        return None

    async def send(self, sound: bytes) -> None:
        """Sound of the operator's microphone, PCM 16 bit 8 kHz; the caller hears the holder's."""
        await self.alive()
        allowed = self._bridge.holder == self.operator and len(sound) <= MOST_BYTES and not self._closed
        if not allowed or not await self._bridge.voice.hear(of_bytes(sound)):
            self.unheard += 1
        elif not self._speaks:
            self._speaks = True
            self.follows.speaks(self.operator)

    async def alive(self) -> None:
        """The operator's side is there."""
        self._seen = asyncio.get_running_loop().time()

    async def close(self, left: bool = False) -> None:
        """The socket is gone; ``left``: the operator has taken leave."""
        if self._closed:
            return
        self._closed = True
        if self._listening is not asyncio.current_task():
            self._listening.cancel()
        self._more.set()
        self._bridge.gone(self, left or self._over)
        if self.untaken or self.unheard:
            log.info(
                "an operator's sound: %d chunks were not taken, %d not heard", self.untaken, self.unheard
            )
