"""Turns of a caller over a Realtime session: our own turn-taking says where one ends, so the API's is off.

A turn's sound is kept until its words are there: where the session breaks, it is sent again to the next one.
"""

from __future__ import annotations

import asyncio
import itertools
import math
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from openai.types.realtime import RealtimeServerEvent
from openai.types.realtime.conversation_item_input_audio_transcription_completed_event import (
    ConversationItemInputAudioTranscriptionCompletedEvent as Completed,
)

from agent.audio import mulaw
from agent.audio.frames import Pcm
from agent.hints import Hints
from agent.speech.openai.failures import GRAVE, refused
from agent.speech.openai.socket import RealtimeSocket
from agent.speech.ports import OnPartial, SpeechFailed, Transcription

PCMU = {"type": "audio/pcmu"}
_TRANSCRIPTION = "conversation.item.input_audio_transcription."
_AT_ONCE = 640
"""Bytes of one append: 80 ms."""
_LEAST = 800
"""Bytes below which the API commits nothing: 100 ms."""
_UNSTATED = 0.8
"""The confidence of words for which the model gives no probabilities."""


class Turn:
    """One turn (:class:`~agent.speech.ports.Recognition`)."""

    def __init__(self, hearing: Hearing, number: int, told: dict[str, Any], on_partial: OnPartial | None):
        self._hearing, self.number, self.told, self._on_partial = hearing, number, told, on_partial
        self.audio, self.sent = bytearray(), 0
        self.item = ""
        self.committed = self.dropped = self.clearing = False
        self.heard = ""
        self.result: asyncio.Future[Transcription] = asyncio.get_running_loop().create_future()

    def feed(self, pcm: Pcm) -> None:
        """Take sound; after ``finish`` or ``cancel`` none is taken."""
        if not (self.committed or self.dropped):
            self.audio += mulaw.encode(pcm)
            self._hearing.flush(self, _AT_ONCE)

    async def finish(self) -> Transcription:
        """The words, within the deadline. Raises SpeechFailed."""
        return await self._hearing.finish(self)

    def cancel(self) -> None:
        """Forget the turn."""
        self._hearing.cancel(self)

    def partial(self, delta: str) -> None:
        """More words."""
        self.heard += delta
        if self._on_partial is not None and not self.dropped and self.heard.strip():
            self._on_partial(self.heard.strip())


class Hearing:
    """The turns of one session; ``guide`` makes the transcription's parameters from the turn's hints.

    What the API says names no turn of ours, so it is owed one answer at a time: the first of ``_turns`` has been sent,
    the others wait with their sound until its answer has come, or the session has been begun anew.
    """

    def __init__(
        self,
        socket: RealtimeSocket,
        guide: Callable[[Hints], dict[str, Any]],
        finish_seconds: float,
        name: str,
    ):
        self._socket, self._guide, self._seconds, self._name = socket, guide, finish_seconds, name
        self.transcription = guide(Hints())
        self._turns: list[Turn] = []
        self._over: deque[str] = deque(maxlen=64)
        self.last_item = ""
        """The conversation's item with the caller's last words; empty where there is none."""
        self._numbers = itertools.count(1)
        socket.listeners.append(self)

    async def open(self, hints: Hints, on_partial: OnPartial | None = None) -> Turn:
        """Begin a turn; one still open ends here. Raises SpeechFailed."""
        await self._socket.ensure()
        for former in list(self._turns):
            self._commit(former)
        turn = Turn(self, next(self._numbers), self._guide(hints), on_partial)
        self._turns.append(turn)
        if self._turns[0] is turn:
            self._send(turn)
        return turn

    async def finish(self, turn: Turn) -> Transcription:
        """The words of a turn, within the deadline. Raises SpeechFailed."""
        self._commit(turn)
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.shield(turn.result)
        except TimeoutError:
            self.cancel(turn)
            error = SpeechFailed(f"OpenAI: no words within {self._seconds:g} s")
            self._overdue(turn, error)
            raise error from None
        except asyncio.CancelledError:
            self.cancel(turn)
            raise

    def cancel(self, turn: Turn) -> None:
        """Forget a turn; where it has been sent, the next one waits until the API has done with it."""
        if turn.result.done():
            return
        turn.dropped = True
        turn.result.cancel()
        if turn is not self._turns[0]:
            self._turns.remove(turn)
            return
        if not turn.committed:
            self._clear(turn)
        late = SpeechFailed("OpenAI: no answer about a turn that was called off")
        asyncio.get_running_loop().call_later(self._seconds, self._overdue, turn, late)

    def _overdue(self, turn: Turn, error: SpeechFailed) -> None:
        """What is still owed would be taken for the next turn's: begin anew."""
        if turn in self._turns:
            self._socket.reset(error)

    def _commit(self, turn: Turn) -> None:
        if turn.committed or turn.dropped:
            return
        turn.committed = True
        if turn.result.done():
            return
        if len(turn.audio) < _LEAST:
            turn.result.set_result(Transcription("", 0.0, (), self._name))
            if turn is self._turns[0]:
                self._clear(turn)
            else:
                self._turns.remove(turn)
        elif turn is self._turns[0]:
            self._send(turn)

    def flush(self, turn: Turn, least: int = 1) -> None:
        """Send what has come in of the turn whose turn it is, where it is at least so many bytes."""
        first = bool(self._turns) and self._turns[0] is turn
        if first and self._socket.connected and len(turn.audio) - turn.sent >= least:
            piece = b64encode(turn.audio[turn.sent :]).decode()
            self._socket.send({"type": "input_audio_buffer.append", "audio": piece})
            turn.sent = len(turn.audio)

    def _send(self, turn: Turn) -> None:
        """What there is of it: its hints, its sound, its end."""
        if turn.told != self.transcription:
            self.transcription = turn.told
            session = self._socket.session()
            told = {"type": session["type"], "audio": {"input": session["audio"]["input"]}}
            self._socket.send({"type": "session.update", "session": told})
        self.flush(turn)
        if turn.committed:
            self._socket.send({"type": "input_audio_buffer.commit", "event_id": f"turn_{turn.number}"})

    def _clear(self, turn: Turn) -> None:
        """Empty the API's buffer; until it says so, what it hears is still of this turn."""
        turn.clearing = self._socket.connected and turn.sent > 0
        if turn.clearing:
            self._socket.send({"type": "input_audio_buffer.clear"})
        else:
            self._over_with(turn)

    def _over_with(self, turn: Turn) -> None:
        """The API has done with the first turn: the next one is sent."""
        self._turns.remove(turn)
        if turn.item:
            self._over.append(turn.item)
        if self._turns and self._socket.connected:
            self._send(self._turns[0])

    # what the API says

    def opened(self) -> None:
        """Send again what has not been answered."""
        if self._turns:
            self._send(self._turns[0])

    def lost(self, error: SpeechFailed, final: bool) -> None:
        """Keep the turns for the next session, or give them up."""
        self.last_item = ""
        self._over.clear()
        for turn in self._turns:
            turn.item, turn.heard, turn.sent = "", "", 0
            if final and not turn.result.done():
                _fail(turn, error)
        self._turns = [] if final else [t for t in self._turns if not (t.dropped or t.clearing)]

    def event(self, event: RealtimeServerEvent) -> None:
        """Take what belongs to a turn."""
        if event.type == "input_audio_buffer.committed":
            self._bind(event.item_id)
        elif event.type == "input_audio_buffer.cleared":
            if self._turns and self._turns[0].clearing:
                self._over_with(self._turns[0])
        elif event.type == "error":
            self._refused(event.error.event_id or "", event.error.code, event.error.type)
        elif event.type.startswith(_TRANSCRIPTION):
            self._transcribed(event)

    def _transcribed(self, event: Any) -> None:
        turn = self._bind(event.item_id)
        if turn is None:
            return
        if event.type == _TRANSCRIPTION + "delta":
            turn.partial(event.delta or "")
        elif event.type == _TRANSCRIPTION + "failed":
            _fail(turn, refused("the transcription failed", event.error.code, event.error.type))
            self._over_with(turn)
        elif event.type == _TRANSCRIPTION + "completed":
            self._answered(turn, Transcription(event.transcript.strip(), confidence(event), (), self._name))

    def _bind(self, item: str) -> Turn | None:
        """The first turn, where the item is its own, or is the first that is heard of it."""
        turn = self._turns[0] if self._turns else None
        if turn is None or item in self._over or turn.item not in ("", item):
            return None
        turn.item = item
        return turn

    def _answered(self, turn: Turn, answer: Transcription) -> None:
        if not turn.result.done():
            self._socket.worked()
            turn.result.set_result(answer)
        self.last_item = turn.item
        self._over_with(turn)

    def _refused(self, cause: str, *codes: str | None) -> None:
        """An error of one turn's commit fails that turn; a grave one all that are waiting, and the session."""
        error = refused("the turn was refused", *codes)
        grave = bool(GRAVE.intersection(codes))
        for turn in list(self._turns) if grave else self._turns[:1]:
            if turn.committed and (grave or cause == f"turn_{turn.number}"):
                _fail(turn, error)
                if not grave:
                    self._over_with(turn)
        if grave:
            self._turns = [turn for turn in self._turns if not turn.committed]
            self._socket.reset(error)


def _fail(turn: Turn, error: SpeechFailed) -> None:
    if not turn.result.done():
        turn.result.set_exception(error)
        turn.result.exception()  # a turn nobody waits for is no error of the loop


def confidence(event: Completed) -> float:
    """The geometric mean of the tokens' probabilities, where they are given."""
    values: Sequence[float] = [one.logprob for one in event.logprobs or ()]
    return math.exp(sum(values) / len(values)) if values else _UNSTATED
