"""The session core: signals in, effects out; no transport, no clock, no chance.

The same signals give the same effects, so a call can be replayed from its signals alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.brain import Brain
from agent.effects import Effect, End, Escalate, Say, Transfer
from agent.signals import BargeIn, Emotion, HangUp, Operator, Partial, Signal, Utterance
from agent.transcript import Transcript


class Session:
    """One conversation with one brain. After End or Transfer it answers nothing but tool results."""

    def __init__(self, brain: Brain):
        self.brain = brain
        self.transcript = Transcript()
        self.over = ""
        self.operator = False
        self.emotions: list[Emotion] = []

    def handle(self, signal: Signal) -> tuple[Effect, ...]:
        """Take one signal and return what to do about it, in order."""
        if isinstance(signal, Partial):
            return ()
        if isinstance(signal, BargeIn):
            self.transcript.cut(signal.heard)
            return ()
        if isinstance(signal, Emotion):
            self.emotions.append(signal)
        turn = self._heard(signal)
        if isinstance(signal, Operator):
            taken = self._operated(signal)
            if taken is not None:
                return taken
        if self._is_mute(signal):
            return ()
        return self._numbered(self.brain.respond(signal, turn), signal)

    def _heard(self, signal: Signal) -> int:
        return self.transcript.add("caller", signal.text, signal.at) if isinstance(signal, Utterance) else 0

    def _is_mute(self, signal: Signal) -> bool:
        if isinstance(signal, HangUp):
            gone, self.over = self.over == "hang-up", self.over or "hang-up"
            return gone
        return (self.operator or bool(self.over)) and isinstance(signal, Utterance)

    def _operated(self, signal: Operator) -> tuple[Effect, ...] | None:
        if signal.action == "take_over":
            self.operator = True
            return ()
        if signal.action == "guide":
            return self._numbered((Say(signal.text, 0),), signal)
        self.operator = False
        return None

    def _numbered(self, effects: Sequence[Effect], signal: Signal) -> tuple[Effect, ...]:
        """Join what is said in one breath into one turn and give it its number."""
        out: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Say) and out and isinstance(out[-1], Say):
                out[-1] = Say(f"{out[-1].text} {effect.text}", 0)
            else:
                out.append(effect)
        for i, effect in enumerate(out):
            if isinstance(effect, Say):
                out[i] = replace(effect, turn=self.transcript.add("agent", effect.text, signal.at))
            elif isinstance(effect, End | Transfer) or (isinstance(effect, Escalate) and effect.hard):
                self.over = self.over or _why(effect)
        return tuple(out)


def _why(effect: End | Transfer | Escalate) -> str:
    return f"{type(effect).__name__.lower()}: {effect.reason}"
