"""Calls by simulated callers, one or many at once: each with its recording, its moments and its latencies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from agent.audio import wav
from agent.audio.frames import Pcm
from agent.channels.script import Script, Step
from agent.simulator.carrier import Line, Outcome, PhoneCarrier
from agent.simulator.faults import Faults
from agent.simulator.hears import Deaf, LiveFeed
from agent.simulator.measure import Latencies, latencies
from agent.simulator.moods import MOODS, Mood, Noise, levelled
from agent.simulator.person import Caller, Habits, Person, Speak, lines_of
from agent.simulator.stream import CallStream
from agent.simulator.text_socket import Refused
from agent.simulator.twiml import Stream
from agent.speech.ports import SpeechFailed, Synthesiser


@dataclass(frozen=True, slots=True)
class SimulatedCaller:
    """Who calls. ``voice`` None: only files are played."""

    number: str
    steps: Sequence[Step]
    voice: Synthesiser | None = None
    mood: str = "neutral"
    snr: float | None = None
    habits: Habits = field(default_factory=Habits)
    faults: Faults = field(default_factory=Faults)
    hang_up_after: float = 0.0
    folder: Path = Path()
    """Where the files of ``[play …]`` are."""
    person: Caller | None = None
    """Who decides what is said, in place of ``steps``."""


@dataclass(frozen=True, slots=True)
class Ears:
    """The operators' live feed, by which a caller knows what the agent says; none: it goes by turns."""

    server: str = ""
    token: str = field(default="", repr=False)


@dataclass
class CallResult:
    """One call as it was. ``latest``: the most by which a frame of ours left late, which makes figures doubtful."""

    outcome: Outcome
    latencies: Latencies = field(default_factory=Latencies)
    recording: Path | None = None
    seconds: float = 0.0
    latest: float = 0.0
    heard: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            **self.outcome.as_json(),
            **self.latencies.as_json(),
            "recording": str(self.recording or ""),
            "seconds": round(self.seconds, 3),
            "latest": round(self.latest, 4),
            "trouble": self.outcome.trouble or self.heard,
        }


class SimulatedCall:
    """One call by one caller."""

    def __init__(self, caller: SimulatedCaller, ears: Ears, folder: Path | None, number: int = 0):
        self._caller, self._ears, self._folder, self._number = caller, ears, folder, number
        self._known_as = ""
        """What the live feed calls the call, where that is not its CallSid."""
        self._stream: CallStream | None = None
        self._feed: LiveFeed | None = None

    async def run(self, carrier: PhoneCarrier) -> CallResult:
        """From ringing to the figures."""
        outcome = await carrier.call(carrier.sid(), self._caller.number, partial(self._carry, carrier.client))
        result = CallResult(outcome, heard=self._feed.trouble if self._feed else "")
        if self._stream is not None:
            await asyncio.to_thread(self._measure, self._stream, result)
        return result

    async def _carry(
        self, client: httpx.AsyncClient, call: str, verb: Stream, url: str, signature: str
    ) -> str:
        caller = self._caller
        hears, deaf = self._hears(call)
        script = Script([replace(s, when=None) if deaf else replace(s) for s in caller.steps])
        noise = Noise(caller.snr, caller.faults.seed + self._number) if caller.snr is not None else None
        self._stream = CallStream(
            call,
            caller.person or Person(script, hears, caller.habits),
            self._say,
            caller.faults,
            noise,
            caller.hang_up_after,
            self._number,
        )
        try:
            async with self._feed.following(client) if self._feed else nullcontext():
                return await self._stream.run(url, signature, dict(verb.parameters))
        except Refused as refused:
            raise OSError(f"the stream was refused: {refused}") from None

    def _hears(self, call: str) -> tuple[LiveFeed | Deaf, bool]:
        if not self._ears.server:
            return Deaf(), True
        self._feed = LiveFeed(
            self._ears.server,
            self._ears.token,
            self._known_as or call,
            lambda: self._stream.now if self._stream else 0.0,
        )
        return self._feed, False

    async def _say(self, act: Speak) -> Pcm:
        try:
            return await self._sound(act)
        except (SpeechFailed, wav.UnreadableSound) as error:
            raise OSError(f"the caller cannot speak: {error}") from error

    async def _sound(self, act: Speak) -> Pcm:
        mood = MOODS[act.mood or self._caller.mood]
        if act.file:
            return await asyncio.to_thread(wav.read, self._caller.folder / act.file)
        if self._caller.voice is None:
            raise SpeechFailed("the script has words, and no synthesiser is there")
        return await _voiced(self._caller.voice, act.words, mood)

    def _measure(self, stream: CallStream, result: CallResult) -> None:
        length = max(stream.said.end, stream.playback.track.end)
        left, right = stream.said.pcm(length), stream.playback.track.pcm(length)
        moments = stream.moments
        result.latencies = latencies(left, right, moments.spoken(), moments.quiet, moments.noise_peak)
        result.seconds, result.latest = stream.now, stream.latest
        if self._folder is not None:
            result.recording = self._folder / f"{result.outcome.call}.wav"
            wav.write_stereo(result.recording, left, right)
            told = moments.as_json() | {"live": self._feed.events if self._feed else []}
            facts = result.as_json() | told
            result.recording.with_suffix(".json").write_text(json.dumps(facts, indent=1))


async def _voiced(voice: Synthesiser, words: str, mood: Mood) -> Pcm:
    pieces = [piece async for piece in voice.speak(words, mood.manner)]
    return levelled(_joined(pieces), mood.level)


def _joined(pieces: Sequence[Pcm]) -> Pcm:
    import numpy as np

    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int16)


def runner() -> asyncio.Runner:
    """What runs the calls: uvloop where there is one, which costs half of asyncio's own loop. What the callers do not
    use is left to the server they measure."""
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def rehearse(callers: Sequence[SimulatedCaller]) -> None:
    """Have all lines said whose words are known: a synthesiser that remembers them has no work during the calls, which
    are then measured without it. What cannot be said shows in the call."""
    for caller in callers:
        if (voice := caller.voice) is not None:
            for line in lines_of(caller.steps):
                with suppress(SpeechFailed):
                    await _voiced(voice, line.words, MOODS[line.mood or caller.mood])


async def make_calls(
    line: Line,
    callers: Sequence[SimulatedCaller],
    ears: Ears,
    folder: Path | None = None,
    spread: float = 0.0,
    done: Callable[[CallResult], None] = lambda result: None,
) -> list[CallResult]:
    """All these callers call, ``spread`` seconds one after the other. ``done`` is told of each as it ends."""
    timeout = httpx.Timeout(15)  # as long as Twilio waits for a webhook
    limits = httpx.Limits(max_connections=None)  # every caller who hears holds one
    secure = any(address.startswith("https:") for address in (line.webhook, ears.server))
    async with httpx.AsyncClient(timeout=timeout, limits=limits, verify=secure) as client:
        carrier = PhoneCarrier(line, client)

        async def one(number: int, caller: SimulatedCaller) -> CallResult:
            await asyncio.sleep(number * spread)
            result = await SimulatedCall(caller, ears, folder, number).run(carrier)
            done(result)
            return result

        return list(await asyncio.gather(*(one(n, caller) for n, caller in enumerate(callers))))
