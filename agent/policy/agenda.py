"""One piece of business at a time: what is at hand, what waits, and how one gives way to the other."""

from __future__ import annotations

from datetime import datetime

from agent.hearing import Heard
from agent.memory import Memory, Setting
from agent.policy.desk import Business, Desk
from agent.policy.ending import take_leave
from agent.policy.identity import Identity
from agent.policy.wishes import BUSINESS, REASONS, VISITS, belongs_to, rivals


class Agenda:
    """What the caller wants, in the order in which it is served.

    ``waiting``: the kind of a wish, the utterance it was in, and its business where that was begun and put aside.
    ``question``: one of the agent's own that is open and about no business (``person``: whether one is wanted).
    """

    def __init__(self, setting: Setting, now: datetime):
        self.memory = Memory(setting, now)
        self.desk = Desk(self.memory)
        self.identity = Identity()
        self.current: Business | None = None
        self.waiting: list[tuple[str, Heard, Business | None]] = []
        self.stage = "ringing"
        self.unheard = False
        """Whether something came between what is read back and the caller's answer: the caller spoke over it before
        it was heard, or a person spoke after it."""
        self.question = ""
        self.unoffered = False
        """Whether the last utterance wanted something that the agent does not do."""

    @property
    def _identifying(self) -> bool:
        return self.memory.patient is None and bool(self.identity.asked)

    def _note_wishes(self, heard: Heard) -> None:
        memory = self.memory
        if heard.third_party and memory.patient is None and not heard.for_self:
            memory.third_party = heard.third_party
        self.unoffered = False
        if self.question and (heard.yes or not set(heard.wishes) & memory.setting.offers):
            return
        self.question = ""  # who is asked whether they want a person, and wants something else, has answered
        busy = {self.current.kind if self.current else "", *(kind for kind, _, _ in self.waiting)}
        for kind in heard.wishes:
            if kind not in busy and not belongs_to(self.current, kind, heard.plain):
                if kind not in memory.setting.offers:
                    self.unoffered = True
                    continue
                self.waiting.append((kind, heard, None))
                memory.reasons.append(REASONS[kind])

    def _resume(self) -> None:
        """Start the next wish once the record is there."""
        if self.stage != "served" or self.current is not None or self.memory.ended:
            return
        patient = self.memory.patient
        if patient is None or patient.reference not in self.memory.contexts:
            return
        if self.waiting:
            self._start(*self.waiting.pop(0))
        elif not self.memory.done:
            self.desk.say("how_help")

    def _start(self, kind: str, heard: Heard, begun: Business | None = None) -> None:
        """Begin a piece of business, or go on with one that was put aside."""
        self.current = begun or BUSINESS[kind]()
        self.memory.misunderstood = 0
        if begun is not None:
            begun.ask(self.desk)
            return
        self.current.begin(self.desk, heard)
        self._after_business()

    def _first_waiting(self, heard: Heard) -> bool:
        return any(said is heard for _, said, _ in self.waiting)

    def _digresses(self, heard: Heard) -> bool:
        """A new wish that replaces the one at hand."""
        return rivals(self.current, {kind for kind, said, _ in self.waiting if said is heard})

    def _digress(self, heard: Heard) -> None:
        """Serve the new wish now; a rival is dropped, any other goes on afterwards."""
        current = self.current
        index = next(i for i, (_, said, _) in enumerate(self.waiting) if said is heard)
        kind, said, _ = self.waiting.pop(index)
        if current is not None and not current.finished and not self._replaced_by(kind):
            self.waiting.insert(0, (current.kind, heard, current))
        self._start(kind, said)

    def _replaced_by(self, kind: str) -> bool:
        return kind in VISITS and self.current is not None and self.current.kind in VISITS

    def _drop(self, heard: Heard) -> None:
        self.current = None
        self.desk.say("dropped")
        if self.waiting:
            self._start(*self.waiting.pop(0))
        else:
            self.desk.say("anything_else")

    def _after_business(self) -> None:
        if self.current is None or not self.current.finished or self.memory.ended:
            return
        self.current = None
        if self.waiting:
            self._start(*self.waiting.pop(0))
        else:
            self.desk.say("anything_else")

    def _gone_mid_business(self) -> None:
        if self.current is not None:
            self.current.abandon(self.desk)
        self.current = None
        take_leave(self.desk)
