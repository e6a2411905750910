"""Sentences over a Realtime session, word for word: what the model says it said is compared with what it was given.

A sentence with facts (a date, a time, a number, an id, a name) is held until its transcript is there and the same;
any other is handed out as it comes and given up where the transcript departs from the text.
"""

from __future__ import annotations

import asyncio
import itertools
from base64 import b64decode
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from openai.types.realtime import RealtimeServerEvent
from openai.types.realtime.response_done_event import ResponseDoneEvent

from agent.audio import mulaw
from agent.audio.frames import Pcm
from agent.manner import Manner
from agent.speech.openai.failures import GRAVE, refused
from agent.speech.openai.prompting import instructions
from agent.speech.openai.socket import RealtimeSocket
from agent.speech.ports import Reworded, SpeechFailed
from agent.speech.verbatim import carries_facts, same, strays

_WORD_TOKENS = 40
"""Of one spoken word at most, sound included: a model that talks on is cut short."""
_LEAST_TOKENS = 400


@dataclass(frozen=True, slots=True)
class _Happened:
    kind: Literal["sound", "words", "transcript", "done"]
    pcm: Pcm | None = None
    text: str = ""


@dataclass
class _Utterance:
    key: str
    response: str = ""
    over: bool = False
    dropped: bool = False
    inbox: asyncio.Queue[_Happened | SpeechFailed] = field(default_factory=asyncio.Queue)


class Speaking:
    """The sentences of one session. ``context`` gives the id of an item the voice may fit its tone to, or nothing."""

    def __init__(
        self,
        socket: RealtimeSocket,
        first_sound_seconds: float,
        gap_seconds: float,
        context: Callable[[], str] = lambda: "",
    ):
        self._socket, self._first, self._gap, self._context = (
            socket,
            first_sound_seconds,
            gap_seconds,
            context,
        )
        self._said: list[_Utterance] = []
        self._over: deque[str] = deque(maxlen=64)
        self._numbers = itertools.count(1)
        socket.listeners.append(self)

    async def speak(self, text: str, manner: Manner) -> AsyncIterator[Pcm]:
        """The sound of one sentence; none of one without a word. Raises SpeechFailed, Reworded."""
        await self._socket.ensure()
        if not any(letter.isalnum() for letter in text):
            return
        utterance = _Utterance(f"utterance_{next(self._numbers)}")
        self._said.append(utterance)
        self._socket.send(self._create(utterance, text, manner))
        try:
            async for pcm in self._checked(utterance, text):
                yield pcm
        finally:
            self._leave(utterance)

    def _create(self, utterance: _Utterance, text: str, manner: Manner) -> dict[str, Any]:
        item = self._context()
        before = [{"type": "item_reference", "id": item}] if item else []
        content = [{"type": "input_text", "text": text}]
        return {
            "type": "response.create",
            "event_id": utterance.key,
            "response": {
                "conversation": "none",
                "input": [*before, {"type": "message", "role": "user", "content": content}],
                "instructions": instructions(manner),
                "output_modalities": ["audio"],
                "max_output_tokens": min(_LEAST_TOKENS + _WORD_TOKENS * len(text.split()), 4096),
                "metadata": {"utterance": utterance.key},
            },
        }

    async def _checked(self, utterance: _Utterance, text: str) -> AsyncIterator[Pcm]:
        held, kept, said, begun, right = carries_facts(text), list[Pcm](), "", False, False
        async for happened in self._happens(utterance):
            if happened.kind == "sound" and happened.pcm is not None:
                kept.append(happened.pcm)
            elif happened.kind == "words":
                said += happened.text
            elif happened.kind == "transcript":
                right = same(text, happened.text)
                said = happened.text
            if (happened.kind == "transcript" and not right) or (
                happened.kind == "words" and strays(text, said)
            ):
                raise Reworded(begun)
            if right or not held:
                for pcm in kept:
                    begun = True
                    yield pcm
                kept.clear()
        if not right:
            raise Reworded(begun) if said else SpeechFailed("OpenAI: no transcript of what was said")
        if not begun:
            raise SpeechFailed("OpenAI: no sound")

    async def _happens(self, utterance: _Utterance) -> AsyncIterator[_Happened]:
        seconds = self._first
        while True:
            try:
                async with asyncio.timeout(seconds):
                    happened = await utterance.inbox.get()
            except TimeoutError:
                raise SpeechFailed(f"OpenAI: no sound within {seconds:g} s") from None
            if isinstance(happened, SpeechFailed):
                raise happened
            if happened.kind == "done":
                return
            seconds = self._gap
            yield happened

    def _leave(self, utterance: _Utterance) -> None:
        """Nobody waits for it any more: what the model still says of it is not wanted."""
        utterance.dropped = True
        if utterance.over or utterance not in self._said:
            return
        if utterance.response:
            self._cancel(utterance)

    def _cancel(self, utterance: _Utterance) -> None:
        self._socket.send({"type": "response.cancel", "response_id": utterance.response})
        self._ended(utterance)

    def _ended(self, utterance: _Utterance) -> None:
        utterance.over = True
        self._said.remove(utterance)
        if utterance.response:
            self._over.append(utterance.response)

    # what the API says

    def opened(self) -> None:
        """A new session owes nothing."""

    def lost(self, error: SpeechFailed, final: bool) -> None:
        """Sentences under way are lost: to say one again is for who asked."""
        for utterance in list(self._said):
            self._ended(utterance)
            utterance.inbox.put_nowait(error)
        self._over.clear()

    def event(self, event: RealtimeServerEvent) -> None:
        """Take what belongs to a sentence."""
        if event.type == "response.created":
            metadata = event.response.metadata or {}
            self._bind(event.response.id or "", str(metadata.get("utterance", "")))
        elif event.type == "response.output_audio.delta":
            self._put(event.response_id, _Happened("sound", mulaw.decode(b64decode(event.delta))))
        elif event.type == "response.output_audio_transcript.delta":
            self._put(event.response_id, _Happened("words", text=event.delta))
        elif event.type == "response.output_audio_transcript.done":
            self._put(event.response_id, _Happened("transcript", text=event.transcript))
        elif event.type == "response.done":
            self._done(event)
        elif event.type == "error":
            self._refused(event.error.event_id or "", event.error.code, event.error.type)

    def _bind(self, response: str, key: str = "") -> _Utterance | None:
        """The sentence of a response, by the key it was given, else the first that has none."""
        if response in self._over:
            return None
        bound = next((u for u in self._said if u.response == response), None)
        free = [u for u in self._said if not u.response]
        utterance = (
            bound or next((u for u in free if u.key == key), None) or (free[0] if free and not key else None)
        )
        if utterance is None:
            return None
        utterance.response = response
        if utterance.dropped:
            self._cancel(utterance)
            return None
        return utterance

    def _put(self, response: str, happened: _Happened) -> None:
        utterance = self._bind(response)
        if utterance is not None:
            utterance.inbox.put_nowait(happened)

    def _done(self, event: ResponseDoneEvent) -> None:
        response = event.response
        utterance = self._bind(response.id or "")
        if utterance is None:
            return
        self._ended(utterance)
        if response.status == "completed":
            self._socket.worked()
            utterance.inbox.put_nowait(_Happened("done"))
            return
        details = response.status_details
        error = details.error if details is not None else None
        codes = (
            (error.code, error.type)
            if error is not None
            else (details.reason if details is not None else None,)
        )
        utterance.inbox.put_nowait(refused(f"the sentence is {response.status}", *codes))

    def _refused(self, cause: str, *codes: str | None) -> None:
        for utterance in list(self._said):
            if utterance.key == cause or GRAVE.intersection(codes):
                self._ended(utterance)
                utterance.inbox.put_nowait(refused("the sentence was refused", *codes))
