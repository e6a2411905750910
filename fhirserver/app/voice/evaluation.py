"""Scenarios by audio: the telephone as in production on a socket, and a simulated one that calls it.

Everything runs in this process but what hears and speaks; that is started once, for all calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import time
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import uvicorn
from starlette.applications import Starlette

from agent.brain import Brain
from agent.call import Event
from agent.emotion.analyst import Analyst, prosody_analyst
from agent.emotion.track import Track
from agent.evaluation.on_the_phone import PersonaOnPhone
from agent.evaluation.persona import Persona
from agent.evaluation.runner import Mind, Played, Server, TimedBrain, caller_of, setting_of, troubled
from agent.evaluation.scenario import NOISES, Scenario
from agent.live.board import LiveBoard
from agent.memory import Setting
from agent.simulator.calls import CallResult, Ears, SimulatedCall, SimulatedCaller
from agent.simulator.carrier import Line, PhoneCarrier
from agent.speech.local.espeak import EspeakSynthesiser, EspeakVoice
from agent.speech.ports import SpeechFailed
from agent.telephony.incoming import Incoming
from agent.telephony.settings import TelephonySettings
from agent.telephony.telephone import Telephone
from agent.tools.client import FhirClient
from agent.voice.voice_call import VoiceCall
from fhirserver.app.commands.init import configuration
from fhirserver.app.settings import Settings, parse_settings
from fhirserver.app.voice.room import Room
from fhirserver.app.voice.speech import Speech

if TYPE_CHECKING:
    from agent.call import CallRecord

LONGEST = 240.0
"""Seconds after which a caller hangs up: the call does not get on."""
VOICES = (
    EspeakVoice("en-us+m3", 155, 40),
    EspeakVoice("en-us+f2", 150, 50),
    EspeakVoice("en-us+m6", 160, 45),
    EspeakVoice("en-us+f5", 150, 45),
    EspeakVoice("en-us+m7", 155, 42),
)
"""Callers' voices; none is the agent's."""
_MOOD = {"anxious": "hurried"}
"""Moods of scenarios that the simulator has by another name."""
_RECORD = 20.0
_LATE = 0.5
"""Seconds by which the caller's sound may leave late before a run says so."""


class RunningClock:
    """Begins at a moment of the scenario and goes on as real time does."""

    def __init__(self, begin: datetime):
        self._begin, self._zero = begin, time.monotonic()

    def now(self) -> datetime:
        return self._begin + timedelta(seconds=time.monotonic() - self._zero)


@dataclass
class AudioDriver:
    """Plays scenarios with sound; use it as an asynchronous context manager. ``recordings``: a folder for the stereo
    sound of every call and its moments, None to keep none."""

    mind: Mind = field(default_factory=Mind)
    recordings: Path | None = None
    seconds: float = LONGEST + 60

    def __post_init__(self) -> None:
        self._settings = _settings()
        self._speech = Speech(self._settings)
        self._voices = [EspeakSynthesiser(voice) for voice in VOICES]
        self._analyst: Analyst[Track] | None = None

    async def __aenter__(self) -> AudioDriver:
        """Start what hears and speaks. Raises OSError where the callers' voices do not start."""
        try:
            await asyncio.gather(self._speech.start(), *(voice.start() for voice in self._voices))
        except SpeechFailed as failed:
            raise OSError(f"no caller can speak: {failed}") from failed
        self._analyst = prosody_analyst()
        return self

    async def __aexit__(self, *trouble: object) -> None:
        await self._speech.close()
        await asyncio.gather(*(voice.close() for voice in self._voices), return_exceptions=True)
        if self._analyst is not None:
            await self._analyst.close()

    async def play(self, scenario: Scenario, seed: int, server: Server) -> Played:
        async with troubled(scenario, server) as (client, others):
            call = _AudioCall(scenario, seed, self.mind)
            room = self._room(client, call)
            async with _telephone(self._settings, call.make(room)) as line:
                result = await self._dial(scenario, seed, call.person, line)
                record = await call.record()
        return call.played(record, result, (*others, *room.board.told_operators(result.outcome.call)))

    def _room(self, client: FhirClient, call: _AudioCall) -> Room:
        board = LiveBoard(self._settings.safety)
        settings = replace(
            self._settings, voice=replace(self._settings.voice, ring_seconds=call.scenario.ring_seconds)
        )
        return Room(
            settings,
            client,
            board,
            self._speech,
            self._analyst,
            model=self.mind.model,
            clock=RunningClock(call.scenario.now),
            think=call.think,
            setting=setting_of(call.scenario),
        )

    async def _dial(self, scenario: Scenario, seed: int, person: PersonaOnPhone, line: Line) -> CallResult:
        mood = _MOOD.get(scenario.mood, scenario.mood)
        caller = SimulatedCaller(
            caller_of(scenario),
            (),
            self._voices[(seed + len(scenario.name)) % len(self._voices)],
            mood,
            NOISES[scenario.noise],
            hang_up_after=LONGEST,
            person=person,
        )
        folder = self.recordings / f"{scenario.name}-{seed}" if self.recordings else None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        async with httpx.AsyncClient(timeout=httpx.Timeout(15), trust_env=False) as http:
            return await SimulatedCall(caller, Ears(), folder, seed).run(PhoneCarrier(line, http))


class _AudioCall:
    """What is kept of one call while it goes on."""

    def __init__(self, scenario: Scenario, seed: int, mind: Mind):
        self.scenario, self._mind = scenario, mind
        self.person = PersonaOnPhone(Persona(scenario, seed), scenario.meanwhile)
        self._brain: TimedBrain | None = None
        self._call: VoiceCall | None = None
        self._events: list[Event] = []

    def think(self, setting: Setting, now: datetime) -> Brain:
        self._brain = TimedBrain(self._mind.make(setting, now))
        return self._brain

    def make(self, room: Room) -> Any:
        def made(incoming: Incoming) -> VoiceCall:
            self._call = room.make(incoming)
            watched = self._call.call.on_event

            def see(event: Event) -> None:
                self._events.append(event)
                self.person.see(event)
                if watched is not None:
                    watched(event)

            self._call.call.on_event = see
            return self._call

        return made

    async def record(self) -> CallRecord:
        """Raises TimeoutError where the telephone never made a call of it."""
        if self._call is None:
            raise TimeoutError
        async with asyncio.timeout(_RECORD):
            return await self._call.record()

    def played(self, record: CallRecord, result: CallResult, others: tuple[str, ...]) -> Played:
        trouble = str(result.as_json()["trouble"])
        if result.latest > _LATE:
            self.person.spoken.append(f"up to {result.latest:.1f} s too late: the machine is too busy")
        late = "the call did not end" if result.seconds >= LONGEST else ""
        times = tuple(self._brain.times) if self._brain else ()
        return Played(
            record, tuple(self._events), self.person.turns, times, others,
            self.person.failure or trouble or late, tuple(self.person.spoken), result.latencies,
        )  # fmt: skip


def _settings() -> Settings:
    """Those of a new installation, with a telephone."""
    text, _ = configuration()
    telephony = TelephonySettings(
        secrets.token_hex(16), "http://127.0.0.1", "AC" + "0" * 32, transfer_number="+15555550111"
    )
    return replace(parse_settings(tomllib.loads(text, parse_float=Decimal), Path()), telephony=telephony)


@contextlib.asynccontextmanager
async def _telephone(settings: Settings, make: Any) -> AsyncIterator[Line]:
    """A telephone on a port of its own, for as long as the block lasts."""
    assert settings.telephony is not None
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    telephony = replace(settings.telephony, public_url=base)
    telephone = Telephone(telephony, make)
    config = uvicorn.Config(
        Starlette(routes=telephone.routes()), log_level="warning", access_log=False, lifespan="off",
        ws_max_size=65_536, ws_per_message_deflate=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    serving = uvicorn.Server(config)
    task = asyncio.create_task(serving._serve([listener]))
    try:
        yield Line(f"{base}/telephony/voice", telephony.auth_token, base)
    finally:
        await telephone.close()
        serving.should_exit = True
        await task
        listener.close()
