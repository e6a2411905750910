"""One media stream in real time: the caller's frames every 20 ms, what comes back on a virtual playback clock."""

from __future__ import annotations

import asyncio
import binascii
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

from agent.audio.frames import FRAME, RATE, Pcm
from agent.simulator.faults import Faults
from agent.simulator.measure import spans
from agent.simulator.moments import Moments
from agent.simulator.moods import Noise
from agent.simulator.mouth import Mouth
from agent.simulator.person import Act, AgentHeard, Caller, HangUp, KeepSilent, Press, Speak
from agent.simulator.text_socket import TextSocket, opened
from agent.simulator.timeline import Playback, Track

_FRAME_SECONDS = FRAME / RATE
_KEY_SECONDS = 0.25
_AT_ONCE = [0.0]

Voice: TypeAlias = Callable[[Speak], Awaitable[Pcm]]
"""Makes the sound of what a caller says."""


class _Sound(msgspec.Struct):
    payload: bytes
    """Mu-law; base64 on the wire."""


class _Mark(msgspec.Struct):
    name: str


class _Message(msgspec.Struct):
    event: str
    media: _Sound | None = None
    mark: _Mark | None = None


_READER = msgspec.json.Decoder(_Message)


@dataclass
class CallStream:
    """``call`` is the CallSid, ``number`` the call's place among those at once: the seed of its chance."""

    call: str
    person: Caller
    voice: Voice
    faults: Faults = field(default_factory=Faults)
    noise: Noise | None = None
    hang_up_after: float = 0.0
    number: int = 0

    def __post_init__(self) -> None:
        self.playback = Playback()
        self.said = Track()
        self.moments = Moments(noise_peak=self.noise.peak if self.noise else 0)
        self.begun = asyncio.Event()
        self._sid = f"MZ{self.call[2:]}"
        self._chance = self.faults.source(self.number)
        self._begin = 0.0
        self._sequence = 0
        self._chunk = 0
        self._last_sound = -1.0
        self._socket: TextSocket | None = None
        self._voicing: asyncio.Task[Pcm] | None = None
        self._mouth = Mouth(self.noise)
        self._act: Speak | None = None
        self._keys: list[tuple[float, str]] = []
        self._gone = self._ended = False
        self._quiet_since: float | None = None
        self.latest = 0.0
        """The most by which a frame left later than it should, in seconds."""

    @property
    def now(self) -> float:
        """Seconds since ``start`` was sent; 0 before."""
        return time.monotonic() - self._begin if self._begin else 0.0

    @property
    def _sample(self) -> int:
        return int(self.now * RATE)

    async def run(self, url: str, signature: str, parameters: dict[str, str]) -> str:
        """Carry the sound until somebody ends it: ``caller`` or ``server``. Raises Refused, OSError."""
        socket = self._socket = await opened(url, {"X-Twilio-Signature": signature}, self._take)
        try:
            self._open(parameters)
            await self._pump(socket)
            if self._gone:
                self._tell("stop", {"callSid": self.call})
            else:
                await socket.close()  # which tells why the server has closed it
        finally:
            self._end(socket.close_code)
            await socket.close()
        return "caller" if self._gone else "server"

    def _open(self, parameters: dict[str, str]) -> None:
        self._send(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        start = {
            "streamSid": self._sid,
            "accountSid": "AC" + "0" * 32,
            "callSid": self.call,
            "tracks": ["inbound"],
            "customParameters": parameters,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        }
        self._begin = time.monotonic()
        self._tell("start", start)
        self.begun.set()
        self.moments.note("start", 0.0)

    def _end(self, code: int | None) -> None:
        self._ended = True
        if self._voicing is not None:
            self._voicing.cancel()
        self.playback.track.cut(max(self._sample, 0))
        self._end_quiet()
        self.moments.note("over", self.now, by="caller" if self._gone else "server", code=code)

    def _tell(self, event: str, content: dict[str, Any]) -> None:
        self._tell_text(event, json.dumps(content, separators=(",", ":")))

    def _tell_text(self, event: str, content: str) -> None:
        """Send an event with its content, which is JSON."""
        self._sequence += 1
        self._send(
            f'{{"event":"{event}","sequenceNumber":"{self._sequence}","streamSid":"{self._sid}",'
            f'"{event}":{content}}}'
        )

    def _send(self, text: str) -> None:
        if self._socket is not None:
            self._socket.send(text)

    # what comes

    def _take(self, text: bytes) -> None:
        """A message of the server's. Raises ValueError where it is none."""
        message = _READER.decode(text)
        if self._ended:
            return
        if message.event == "media" and message.media is not None:
            self._hear(message.media.payload)
        elif message.event == "mark" and message.mark is not None:
            self.playback.mark(message.mark.name)
        elif message.event == "clear":
            self.moments.note("clear", self.now)
            self._return(self.playback.clear(self._sample))

    def _return(self, marks: list[str]) -> None:
        for name in marks:
            self._tell("mark", {"name": name})

    def _hear(self, codes: bytes) -> None:
        now = self._last_sound = self.now
        if self.playback.first is None:
            self.moments.note("first frame", now)
        self._end_quiet()
        self.playback.push(codes, int(now * RATE))

    # what goes

    async def _pump(self, socket: TextSocket) -> None:
        """A frame every 20 ms by an absolute schedule: being late once makes no frame later than its own time.

        Raises OSError where the server sends what is no message of a stream.
        """
        frame = 0
        while socket.open and not self._gone:
            due = (frame + 1) * _FRAME_SECONDS
            await asyncio.sleep(max(due - self.now, 0))
            now = self.now
            self.latest = max(self.latest, now - due)
            self._return(self.playback.due(int(now * RATE)))
            self._live(now)
            self._speak(frame * FRAME)
            frame += 1
        if socket.over.done() and (wrong := socket.over.exception()) is not None:
            raise OSError(f"the server sends no message of a media stream: {wrong}")

    def _live(self, now: float) -> None:
        """Let the caller decide, and do it."""
        if self.hang_up_after and now >= self.hang_up_after:
            self._do(HangUp())
        act = self.person.step(now, self._agent(int(now * RATE)))
        if act is not None:
            self._do(act)
        while self._keys and self._keys[0][0] <= now:
            self._tell("dtmf", {"track": "inbound_track", "digit": self._keys.pop(0)[1]})
            if not self._keys:
                self.person.said(now)

    def _agent(self, sample: int) -> AgentHeard:
        speaking = self.playback.playing(sample)
        since = self.playback.begun if speaking else self.playback.end
        return AgentHeard(speaking, since / RATE, self._last_sound)

    def _do(self, act: Act) -> None:
        if isinstance(act, Speak):
            self._act, self._voicing = act, asyncio.ensure_future(self.voice(act))
        elif isinstance(act, Press):
            self.moments.note("keys", self.now, digits=act.digits)
            self._keys = [(self.now + i * _KEY_SECONDS, digit) for i, digit in enumerate(act.digits)]
        elif isinstance(act, KeepSilent):
            self._quiet_since = self.now
        else:
            self.moments.note("hang-up", self.now)
            self._gone = True

    def _end_quiet(self) -> None:
        if self._quiet_since is not None:
            self.moments.quiet.append((round(self._quiet_since, 3), round(self.now, 3)))
            self._quiet_since = None

    def _begin_speech(self, pcm: Pcm, at: int) -> None:
        act, self._voicing = self._act or Speak(""), None
        self._mouth.begin(pcm, at)
        self._end_quiet()
        heard = spans(pcm)
        first, last = (
            (float(heard.starts[0]), float(heard.ends[-1])) if len(heard.starts) else (0.0, FRAME / RATE)
        )
        words = act.words or act.file
        self.moments.utterance(at / RATE + first, at / RATE + last, words, act.interrupts, act.answers)

    def _speak(self, at: int) -> None:
        """Send the caller's 20 ms that begin at sample ``at`` of the axis."""
        if self._voicing is not None and self._voicing.done():
            self._begin_speech(self._voicing.result(), at)
        was_speaking = self._mouth.speaking
        codes = self._mouth.frame(at)
        if was_speaking and not self._mouth.speaking:
            self.person.said((at + FRAME) / RATE)
        self.said.write(at, codes)
        fate = list(self.faults.fate(self._chance)) if self.faults.any else _AT_ONCE
        if not fate:
            return
        self._chunk += 1
        media = (
            f'{{"track":"inbound","chunk":"{self._chunk}","timestamp":"{at * 1000 // RATE}",'
            f'"payload":"{binascii.b2a_base64(codes, newline=False).decode()}"}}'
        )
        for delay in fate:
            if delay:
                asyncio.get_running_loop().call_later(delay, self._tell_text, "media", media)
            else:
                self._tell_text("media", media)
