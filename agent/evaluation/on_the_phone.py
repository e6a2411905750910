"""A persona on the simulated telephone: hears what the agent says, waits until it has been heard, answers. Pure."""

from __future__ import annotations

import copy
import re
from collections import deque

from agent.call import Event
from agent.evaluation.line import MOST_TURNS
from agent.evaluation.persona import Act, Persona
from agent.evaluation.scenario import InvalidScenario, Meanwhile
from agent.simulator import person as phone
from agent.simulator.person import AgentHeard, Habits
from fhirserver.world.spoken.say import say_number, say_year

_WORD = 0.36
"""Seconds that the agent takes for a word: after so many words the caller breaks in."""
_AT_ONCE = 0.4
"""Seconds after which what the agent says in one go is all known."""
_MEANWHILE = 0.3
"""Seconds into the agent's work at which a caller says something."""


_DATE = re.compile(r"\b(\d{1,2})/(\d{1,2})/(\d{4})\b")
_TIME = re.compile(r"\b(\d{1,2}):(\d{2})\b")


def aloud(text: str) -> str:
    """Words as a person says them: the strokes of ``3/3/1982`` and the colon of ``10:30`` are for the eye."""
    text = _DATE.sub(
        lambda m: f"{say_number(int(m[1]))}, {say_number(int(m[2]))}, {say_year(int(m[3]))}", text
    )
    return _TIME.sub(lambda m: _clock(int(m[1]), int(m[2])), text)


def _clock(hour: int, minute: int) -> str:
    if not minute:
        return f"{say_number(hour)} o'clock"
    return f"{say_number(hour)} {'oh ' if minute < 10 else ''}{say_number(minute)}"


class PersonaOnPhone:
    """One caller on one call. :meth:`see` takes the events of the call as the operators' board shows them."""

    def __init__(self, persona: Persona, meanwhile: tuple[Meanwhile, ...] = (), habits: Habits | None = None):
        self._persona, self._habits = persona, habits or Habits()
        self._meanwhile = list(meanwhile)
        self._acts: deque[Act] = deque()
        self._now = 0.0
        self._words, self._newest = "", float("-inf")
        self._tools = 0
        self._begun: tuple[float, str] | None = None
        self._answered_until = -1.0
        self._busy = self._over = False
        self.turns = 0
        self.failure = ""
        self.spoken: list[str] = []

    # what is heard

    def see(self, event: Event) -> None:
        """What the agent says, and whether it is at work."""
        if event.kind == "agent":
            self._words, self._newest = f"{self._words} {event.text}".strip(), self._now
        elif event.kind in ("tool", "result"):
            self._tools += 1 if event.kind == "tool" else -1
            if event.kind == "tool":
                self._begun = (self._now, event.text)

    def said(self, at: float) -> None:
        self._busy, self._answered_until = False, at

    # what is done

    def step(self, now: float, agent: AgentHeard) -> phone.Act | None:
        self._now = now
        if self._over or self._busy:
            return None
        early = self._while_it_works(now) or (self._breaks_in(now, agent) if agent.speaking else None)
        if early is not None or agent.speaking:
            return early
        if self._may_answer(now, agent):
            return self._answer()
        if now - max(agent.since, self._answered_until) > self._habits.patience:
            self._over = True
            self.failure = self.failure or "the agent was silent until the caller gave up"
            return phone.HangUp()
        return None

    def _while_it_works(self, now: float) -> phone.Act | None:
        if not self._meanwhile or not self._begun or not self._tools or now - self._begun[0] < _MEANWHILE:
            return None
        found = [m for m in self._meanwhile if m.during == self._begun[1]]
        if not found:
            return None
        self._meanwhile.remove(found[0])
        self._acts.extend(self._persona.acts(found[0].act))
        return self._do(self._acts.popleft(), interrupts=True)

    def _breaks_in(self, now: float, agent: AgentHeard) -> phone.Act | None:
        """A caller who interrupts has decided so as soon as the words are known, and does it after some of them."""
        if self._acts or self._tools or not self._words or now - self._newest < _AT_ONCE:
            return None
        trial = copy.deepcopy(self._persona)
        acts = self._replied(trial)
        if len(acts) < 2 or acts[0].kind != "barge":
            return None
        if now - agent.since < len(acts[0].text.split()) * _WORD:
            return None
        self._persona = trial
        self._take_turn(acts[1:])
        return self._do(self._acts.popleft(), interrupts=True)

    def _may_answer(self, now: float, agent: AgentHeard) -> bool:
        if now - agent.since < self._habits.pause or not self._words or self._tools > 0:
            return False
        spoken = agent.since > self._answered_until and agent.last_sound >= self._newest
        return spoken or now - max(self._newest, self._answered_until) > self._habits.slow

    def _answer(self) -> phone.Act | None:
        if not self._acts:
            self._take_turn(self._replied(self._persona))
        else:
            self._words = ""
        act = self._acts.popleft()
        if act.kind == "barge":  # too late for it: the agent has finished
            act = self._acts.popleft()
        return self._do(act)

    def _replied(self, persona: Persona) -> list[Act]:
        if self.turns >= MOST_TURNS:
            return [Act("hangup")]
        try:
            return persona.reply(self._words)
        except InvalidScenario as error:
            self.failure = str(error)
            return [Act("hangup")]

    def _take_turn(self, acts: list[Act]) -> None:
        self.turns += 1
        self._acts.extend(acts)
        self._words = ""

    def _do(self, act: Act, interrupts: bool = False) -> phone.Act:
        if act.kind == "silence":
            self._answered_until = self._now
            return phone.KeepSilent()
        if act.kind == "hangup":
            self._over = True
            return phone.HangUp()
        self._busy = True
        if act.kind == "keys":
            return phone.Press(act.text)
        self.spoken.append(aloud(act.text))
        return phone.Speak(self.spoken[-1], interrupts=interrupts)
