"""The session core: signals in, effects out; no transport, no clock, no chance.

The same signals give the same effects, so a call can be replayed from its signals alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.brain import Brain
from agent.effects import Effect, End, Escalate, RunTool, Say, Transfer
from agent.signals import (
    Alarm,
    Answered,
    AnsweredBy,
    BargeIn,
    Drafted,
    Emotion,
    HangUp,
    Keys,
    Operator,
    Partial,
    Signal,
    Silence,
    Spoken,
    Utterance,
)
from agent.transcript import Transcript


class Session:
    """One conversation with one brain. After End or Transfer it answers nothing but tool results.

    ``notice`` is said before everything else, to its end: that the call is recorded. ``stays``: there is nobody to
    transfer to, so whoever is handed over waits here (``waiting``) until a person comes.
    """

    def __init__(self, brain: Brain, notice: str = "", stays: bool = False):
        self.brain, self.notice, self.stays = brain, notice, stays
        self.waiting = False
        self.transcript = Transcript()
        self.over = ""
        self.operator = False
        self._taken_after = 0
        self.emotions: list[Emotion] = []

    def handle(self, signal: Signal) -> tuple[Effect, ...]:
        """Take one signal and return what to do about it, in order."""
        if isinstance(signal, Partial):
            return ()
        if isinstance(signal, BargeIn):
            signal = replace(signal, lost=self.transcript.cut(signal.heard, signal.turn))
        if isinstance(signal, Spoken):
            self.transcript.timed(signal.turn, signal.started)
            return ()
        if isinstance(signal, Emotion):
            self.emotions.append(signal)
        turn = self._heard(signal)
        if isinstance(signal, Operator):
            if signal.action == "hand_back":
                signal = replace(signal, held=tuple(self.transcript.turns[self._taken_after :]))
            taken = self._operated(signal)
            if taken is not None:
                return taken
        if isinstance(signal, Alarm):
            return self._alarmed(signal)
        if self._is_mute(signal):
            return ()
        effects = self.brain.respond(signal, turn)
        if isinstance(signal, Answered) and self.notice:
            told = self._numbered([Say(self.notice, 0, shielded=True)], signal)
            return (*told, *self._numbered(effects, signal))
        if self.operator:  # what was begun goes on, but a person speaks now
            effects = [effect for effect in effects if isinstance(effect, RunTool)]
        return self._numbered(effects, signal)

    def _heard(self, signal: Signal) -> int:
        if isinstance(signal, Keys) and signal.digits and not self.over:
            return self.transcript.add("caller", f"[keys] {signal.digits}", signal.at)
        if not isinstance(signal, Utterance):
            return 0
        return self.transcript.add("caller", signal.text, signal.started or signal.at)

    def _is_mute(self, signal: Signal) -> bool:
        if isinstance(signal, HangUp):
            gone, self.over = self.over == "hang-up", self.over or "hang-up"
            return gone
        muted = isinstance(signal, Utterance | Silence | Keys | Drafted | BargeIn | AnsweredBy)
        return (self.operator or self.waiting or bool(self.over)) and muted

    def _operated(self, signal: Operator) -> tuple[Effect, ...] | None:
        if signal.action == "take_over":
            self.operator, self._taken_after = True, len(self.transcript.turns)
            self.waiting = False
            return ()
        if signal.action == "guide":
            self.brain.respond(signal, 0)  # it only takes note: the words are the operator's
            return self._numbered((Say(signal.text, 0),), signal)
        if signal.action == "spoke":
            self.transcript.add("operator", signal.text, signal.started or signal.at)
            if not self.operator:  # understood only after the call was handed back
                self.brain.respond(signal, 0)
            return ()
        if signal.action == "say":
            return (Say(signal.text, self.transcript.add("operator", signal.text, signal.at)),)
        if signal.action == "finish":
            self.operator = False
            return self._numbered((End("operator"),), signal)
        if not self.operator:
            return ()
        self.operator = False
        if self.stays and not self.over:
            self.brain.memory.ended = ""  # who was handed over is handed back
        return None

    def _alarmed(self, signal: Alarm) -> tuple[Effect, ...]:
        """Ask for a person; hard only where the call still goes on and none is there."""
        if self.over:
            return ()
        if not signal.hard or self.operator:
            return (Escalate(signal.reason),)
        memory = self.brain.memory
        memory.ended = memory.ended or signal.reason
        memory.follow_up.append(f"Handed to a person: {signal.reason}.")
        effects = (
            Say(signal.words, 0, shielded=True),
            Escalate(signal.reason, True),
            Transfer(signal.reason),
        )
        return self._numbered(effects, signal)

    def _numbered(self, effects: Sequence[Effect], signal: Signal) -> tuple[Effect, ...]:
        """Join what is said in one breath into one turn and give it its number."""
        out: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Say) and out and isinstance(out[-1], Say):
                joined = f"{out[-1].text} {effect.text}"
                out[-1] = replace(out[-1], text=joined, shielded=out[-1].shielded or effect.shielded)
            else:
                out.append(effect)
        for i, effect in enumerate(out):
            if isinstance(effect, Say):
                out[i] = replace(effect, turn=self._said(effect, signal))
            elif self.stays and isinstance(effect, Transfer):
                self.waiting = not self.operator
            elif isinstance(effect, End | Transfer) or (
                isinstance(effect, Escalate) and effect.hard and not self.stays
            ):
                self.over = self.over or _why(effect)
        return tuple(out)

    def _said(self, effect: Say, signal: Signal) -> int:
        extended = self.transcript.extend(effect.text) if effect.more else 0
        return extended or self.transcript.add("agent", effect.text, signal.at)


def _why(effect: End | Transfer | Escalate) -> str:
    return f"{type(effect).__name__.lower()}: {effect.reason}"
