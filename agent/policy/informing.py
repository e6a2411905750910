"""Questions about the practice itself are answered in between, whoever asks; then what was under way goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent.hearing import Heard
from agent.memory import Setting
from agent.policy.about_us import tell, topics
from agent.policy.patience import Patience
from agent.requests import ReadPractice
from agent.results import PracticeFound, Result

_SOUND_ALIKE = frozenset({"phone", "address"})
"""Wishes that a question about our own number or address may be taken for."""


class Informing(Patience):
    """What the practice tells of itself is read once, when it is first asked for."""

    def __init__(self, setting: Setting, now: datetime):
        super().__init__(setting, now)
        self.asked_of_us: tuple[Sequence[str], Heard] | None = None

    def tells_about_us(self, heard: Heard) -> bool:
        """Answer what is asked of the practice; whether that was all that was said."""
        asked = topics(heard)
        if not asked or self.memory.ended:
            return False
        alone = not set(heard.wishes) - _SOUND_ALIKE
        self.memory.misunderstood = 0
        self.memory.reasons.append("asked about the practice")
        if alone and self.memory.patient is None:
            self.identity.listen(self.memory, heard)
        if self.memory.places is not None:
            self._tell(asked, heard, again=alone)
        else:
            waits, self.asked_of_us = self.asked_of_us is not None, (asked, heard)
            if not waits:
                self.desk.fill("loading")
                self.desk.run(ReadPractice(self.memory.setting.practice), self)
        return alone

    def practice_read(self, result: Result) -> None:
        """What the practice tells of itself is there, or cannot be read now."""
        if isinstance(result, PracticeFound):
            self.memory.places = result.places
        asked, self.asked_of_us = self.asked_of_us, None
        if asked is not None and not self.memory.ended:
            self._tell(*asked, again=True)

    def _tell(self, asked: Sequence[str], heard: Heard, again: bool) -> None:
        if not tell(self.desk, asked, heard):
            self.question = "person"
            self.desk.say("not_known")
        elif again:
            self.ask_again()

    def ask_again(self) -> None:
        """Put the question that was open, where one was."""
        if self.question == "person":
            self.desk.say("offer_person")
        elif self.current is None or self.current.state not in ("searching", "writing"):
            self._ask_open_question()
