"""Who is called: a person, an answering machine with a tone, or nobody. Pure but for the tone's file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from agent.audio import wav
from agent.audio.frames import RATE
from agent.channels.script import InvalidScript, Step, parse
from agent.simulator.person import Act, AgentHeard, HangUp, Speak, check

ANSWERS = ("person", "machine", "busy", "no-answer", "failed")
"""What may become of a call; ``failed`` is what Twilio says of a number that cannot be rung."""
GREETING = (
    "Hi, this is an answering machine. We can't come to the phone right now. "
    "Please leave a message after the tone."
)
_TONE_HZ, _TONE_SECONDS, _TONE_LEVEL = 1_000, 0.5, 8_000
_BEFORE = 0.6
"""Seconds after which a machine begins to speak."""
_SILENT = 3.0
"""Seconds of silence after which a machine has recorded enough."""
_LONGEST = 60.0


@dataclass(frozen=True, slots=True)
class Callee:
    """What answers a number. ``rings``: seconds; ``greeting``: a machine's words; ``steps``: a person's."""

    answer: str = "person"
    rings: float = 1.0
    steps: Sequence[Step] = ()
    greeting: str = GREETING
    live: str = ""
    token: str = field(default="", repr=False)
    """The operators' live feed by which a person knows what the agent says, and its token; without, by turns."""


def callee_of(told: dict[str, Any]) -> Callee:
    """From JSON: ``answer``, ``rings``, ``script`` (a list of lines), ``greeting``, ``live``, ``token``. Raises
    InvalidScript for what is none."""
    answer = str(told.get("answer", "person"))
    if answer not in ANSWERS:
        raise InvalidScript(f"answer is one of {', '.join(ANSWERS)}")
    steps = parse(told.get("script", ()))
    check(steps)
    return Callee(
        answer,
        float(told.get("rings", 1.0)),
        tuple(steps),
        str(told.get("greeting", GREETING)),
        str(told.get("live", "")),
        str(told.get("token", "")),
    )


def write_tone(path: Path) -> Path:
    """The tone after which a machine records: half a second at 1000 Hz."""
    at = np.arange(round(_TONE_SECONDS * RATE)) / RATE
    wav.write_mono(path, np.asarray(_TONE_LEVEL * np.sin(2 * np.pi * _TONE_HZ * at), dtype=np.int16))
    return path


class Machine:
    """Greets, sounds its tone (``tone``: a WAV file), records until nothing is said any more, and hangs up.

    ``recording`` is called when the tone has sounded, with the second of the call.
    """

    def __init__(self, greeting: str, tone: Path, recording: Callable[[float], None] = lambda at: None):
        self._todo = [Speak(greeting), Speak("", str(tone))]
        self._recording = recording
        self._busy = self._over = False
        self._since: float | None = None
        """When it began to record."""

    def step(self, now: float, agent: AgentHeard) -> Act | None:
        if self._over or self._busy or now < _BEFORE:
            return None
        if self._todo:
            self._busy = True
            return self._todo.pop(0)
        quiet = now - max(agent.since, self._since or 0.0) if not agent.speaking else 0.0
        if quiet > _SILENT or now - (self._since or 0.0) > _LONGEST:
            self._over = True
            return HangUp()
        return None

    def said(self, at: float) -> None:
        self._busy = False
        if not self._todo:
            self._since = at
            self._recording(at)
