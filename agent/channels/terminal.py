"""The text channel: a call in a terminal, typed or from a script."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.console import Console
from rich.prompt import Prompt

from agent.brain import Brain
from agent.call import Call, CallRecord, Model, OnEvent
from agent.channels.script import Script, parse
from agent.line import WrittenLine
from agent.manner import PLAIN, Manner
from agent.memory import Setting
from agent.signals import HangUp, Signal, Silence, Utterance
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How a call is made. ``server`` is the address without or with ``/fhir``; ``script`` a file, None "
    "to type."""

    server: str
    token: str
    caller: str
    script: Path | None = None
    setting: Setting = field(default_factory=Setting)
    clock: Clock = field(default_factory=SystemClock)
    pace: float = 0.0
    """Seconds to wait before each scripted utterance."""
    transport: httpx.AsyncBaseTransport | None = None
    quiet: bool = False
    brain: Brain | None = None
    """None: the dialogue policy."""
    model: Model | None = None

    @property
    def base(self) -> str:
        bare = self.server.rstrip("/")
        return bare if bare.endswith("/fhir") else f"{bare}/fhir"


class ScriptedLine(WrittenLine):
    """A caller who reads from a script."""

    def __init__(self, script: Script, clock: Clock, pace: float = 0.0):
        self._script, self._clock, self._pace = script, clock, pace
        self._agent_said = ""

    async def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        self._agent_said = f"{self._agent_said} {text}".strip()

    async def listen(self) -> Signal:
        said, self._agent_said = self._agent_said, ""
        text = self._script.next(said)
        while text is not None and text.startswith("[wait"):
            await asyncio.sleep(float(text.strip("[]").removeprefix("wait").strip() or 1))
            text = self._script.next(said)
        if text is None or text == "[hangup]":
            return HangUp(self._clock.now())
        if text == "[silence]":
            return Silence(self._clock.now())
        await asyncio.sleep(self._pace)
        return Utterance(self._clock.now(), text)


class TypedLine(WrittenLine):
    """A caller who types; an empty line is silence, end of input hangs up."""

    def __init__(self, clock: Clock, console: Console):
        self._clock, self._console = clock, console

    async def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        self._console.print(f"[bold cyan]Agent[/]  {text}")

    async def listen(self) -> Signal:
        try:
            text = await asyncio.to_thread(Prompt.ask, "[bold]Caller[/]", console=self._console)
        except (EOFError, KeyboardInterrupt):
            return HangUp(self._clock.now())
        if not text.strip():
            return Silence(self._clock.now())
        return HangUp(self._clock.now()) if text.strip() == "[hangup]" else Utterance(self._clock.now(), text)


async def run_call(options: CallOptions, on_event: OnEvent | None = None) -> CallRecord:
    """Make one call and return its record. Raises InvalidScript and OSError for the script file."""
    line: ScriptedLine | TypedLine
    if options.script is not None:
        steps = parse(options.script.read_text(encoding="utf-8").splitlines())
        line = ScriptedLine(Script(steps), options.clock, options.pace)
    else:
        line = TypedLine(options.clock, Console(quiet=options.quiet))
    client = FhirClient(options.base, options.token, options.transport)
    try:
        call = Call(
            client,
            line,
            options.caller,
            options.setting,
            options.clock,
            on_event=on_event,
            brain=options.brain,
            model=options.model,
        )
        return await call.run()
    finally:
        await client.close()
