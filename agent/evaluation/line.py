"""The line of a simulated caller: what the persona does, as signals of a call by text."""

from __future__ import annotations

from collections.abc import Callable

from agent.evaluation.persona import Act, Persona
from agent.evaluation.scenario import InvalidScenario, Meanwhile
from agent.line import WrittenLine
from agent.manner import PLAIN, Manner
from agent.requests import Request
from agent.signals import BargeIn, HangUp, Keys, Signal, Silence, Utterance
from fhirserver.kernel.instants import Clock

MOST_TURNS = 60
"""After so many turns the caller hangs up: the conversation does not get on."""


class PersonaLine(WrittenLine):
    """A caller who listens, thinks and answers. ``put`` takes what happens while a tool runs."""

    def __init__(self, persona: Persona, clock: Clock, meanwhile: tuple[Meanwhile, ...] = ()):
        self._persona, self._clock = persona, clock
        self._meanwhile = list(meanwhile)
        self._said: list[str] = []
        self._turn = 0
        self._acts: list[Act] = []
        self.turns = 0
        self.failure = ""
        self.put: Callable[[Signal], None] = lambda _: None

    async def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        self._said.append(text)
        self._turn = turn

    def working(self, request: Request | None) -> None:
        """A tool has begun: the time for what the scenario lets the caller do meanwhile."""
        now = [m for m in self._meanwhile if m.during == type(request).__name__]
        for meanwhile in now[:1]:
            self._meanwhile.remove(meanwhile)
            acts = self._persona.acts(meanwhile.act)
            for act in acts:
                self.put(self._signal(act))

    async def listen(self) -> Signal:
        if not self._acts:
            self.turns += 1
            said, self._said = " ".join(self._said), []
            self._acts = self._reply(said) if self.turns <= MOST_TURNS else [Act("hangup")]
        return self._signal(self._acts.pop(0))

    def _reply(self, said: str) -> list[Act]:
        """What the caller does; where the scenario has no answer, the caller hangs up and ``failure`` says why."""
        try:
            return self._persona.reply(said)
        except InvalidScenario as error:
            self.failure = str(error)
            return [Act("hangup")]

    def _signal(self, act: Act) -> Signal:
        now = self._clock.now()
        if act.kind == "silence":
            return Silence(now)
        if act.kind == "hangup":
            return HangUp(now)
        if act.kind == "keys":
            return Keys(now, act.text)
        if act.kind == "barge":
            return BargeIn(now, act.text, self._turn)
        return Utterance(now, act.text)
