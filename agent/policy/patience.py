"""Where a conversation does not get on: misunderstandings, silence, a caller who is upset, a line that is gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agent.effects import Escalate
from agent.hearing import Heard
from agent.memory import Setting
from agent.policy import errands
from agent.policy.agenda import Agenda
from agent.policy.ending import infer_phone
from agent.policy.first import danger
from agent.signals import Emotion

_PATIENCE = 3
"""Silences in a row after which the call ends."""
_EMPATHY = {"full empathy": 1, "hold space": 2}
"""Tiers in which the caller hears that we noticed."""


class Patience(Agenda):
    """What is tried again, how often, and when a person is offered instead."""

    def __init__(self, setting: Setting, now: datetime):
        super().__init__(setting, now)
        self.silences = 0
        self.felt = 0
        self.acknowledged = False

    def _not_understood(self, again: Callable[[], None]) -> None:
        self.memory.misunderstood += 1
        patience = self.memory.setting.escalation.misunderstandings
        if self.memory.misunderstood > patience:
            self.desk.hand_over("person", "the conversation did not get on")
            return
        self.desk.say("not_understood")
        if self.memory.misunderstood == patience:
            self.question = "person"
            self.desk.say("offer_person")
            return
        if self.memory.misunderstood == 2 and self.current is None and not self._identifying:
            self.desk.say("menu")
        again()

    def _not_ours(self, heard: Heard) -> bool:
        """Something is wanted that this agent does not do, and nothing that it does: the staff is offered."""
        if not self.unoffered or self.memory.ended or self._first_waiting(heard):
            return False
        self.identity.listen(self.memory, heard)  # who says both at once is not asked for a name again
        self._beyond(heard)
        return True

    def _beyond(self, heard: Heard) -> None:
        self.question = "person"
        self.desk.say("advice" if heard.advice else "beyond")

    def _offered_person(self, heard: Heard) -> bool:
        self.question = ""
        if heard.yes:
            self.desk.hand_over("person", "the caller accepted a person")
            return True
        if heard.no:
            self.memory.misunderstood = 0
            self._ask_open_question()
            return True
        return False

    def _ask_open_question(self) -> None:
        if self.current is not None:
            self.current.ask(self.desk)
        elif self._identifying:
            self.identity.ask(self.desk)
        else:
            self.desk.say("anything_else" if self.memory.done else "how_help")

    def _acknowledge(self, heard: Heard) -> None:
        self.acknowledged = heard.frustrated
        if not heard.frustrated:
            return
        self.memory.frustration += 1
        self.desk.say("sorry_trouble")
        if self.memory.frustration == self.memory.setting.escalation.outbursts:
            self.desk.effects.append(Escalate("frustrated caller"))
            self.memory.follow_up.append("The caller was frustrated; a call back may help.")

    def _felt(self, signal: Emotion) -> None:
        """Acknowledge a voice that has become upset once; words of the caller's own were answered already."""
        risen = _EMPATHY.get(signal.tier, 0)
        if risen > self.felt and not self.acknowledged:
            self.desk.fill(
                "take_your_time" if signal.tier == "hold space" else "sorry_trouble", kind="empathy"
            )
        self.felt, self.acknowledged = risen, False

    def _silence(self) -> None:
        self.silences += 1
        if self.memory.ended or errands.machine_silent(self.desk):
            return
        if self.memory.doubted:
            danger(self.desk, self.memory.doubted)
            return
        if self._working:
            self._wait_longer()
        elif self.silences >= _PATIENCE:
            self.desk.say("silent_end")
            self._gone()
            self.desk.end("silence")
        else:
            self.desk.say("still_there")
            if self.silences == 2:
                self._ask_open_question()

    @property
    def _working(self) -> bool:
        """Whether a tool runs whose answer the conversation waits for."""
        patient = self.memory.patient.reference if self.memory.patient else None
        return any(
            p.owner in (self.identity, self.current) or getattr(p.request, "patient", "") == patient
            for p in self.desk.pending.values()
            if p.owner is not None
        )

    def _wait_longer(self) -> None:
        """A tool takes its time; one that never answers is not waited for without end."""
        if self.silences > _PATIENCE:
            self.desk.hand_over("trouble", "a tool did not answer in time")
        else:
            self.desk.say("still_working")

    def _gone(self) -> None:
        """The line is gone: keep what was mentioned."""
        if self.current is not None and not self.current.finished:
            self.current.abandon(self.desk)
        self.current = None
        for _, _, begun in self.waiting:
            if begun is not None:
                begun.abandon(self.desk)
        self.waiting = []
        infer_phone(self.desk)
        self.memory.ended = self.memory.ended or "hang-up"
