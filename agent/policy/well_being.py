"""After a visit: how the patient is. Who is well is wished well, who is not is given a person."""

from __future__ import annotations

import re

from agent.hearing import Heard
from agent.memory import Done
from agent.policy.desk import Desk
from agent.results import Result

_WELL = re.compile(
    r"\b(?:good|fine|well|better|great|okay|ok|all right|alright|perfect|wonderful|no (?:problems?|complaints|pain)|"
    r"recovered|recovering)\b"
)
_UNWELL = re.compile(
    r"\b(?:not (?:so |very |really |too )?(?:good|well|great|fine|better|okay|ok)|worse|bad|badly|terrible|awful|sick|"
    r"pain\w*|hurts?|swollen|swelling|fever|bleeding|dizzy|infect\w+|problems?|worried|vomit\w*|throwing up|rash|"
    r"questions?|side effects?)\b"
)
_NONE = re.compile(r"\bno (?:problems?|questions?|pain|fever|side effects?|complaints)\b")


class WellBeing:
    """Asks once, and again where the answer says neither."""

    kind = "follow_up"

    def __init__(self) -> None:
        self.state = "how_are_you"
        self.finished = False

    def begin(self, desk: Desk, heard: Heard) -> None:
        self.ask(desk)

    def ask(self, desk: Desk) -> None:
        desk.say("ask_well")

    def hear(self, desk: Desk, heard: Heard) -> bool:
        said = _NONE.sub(" well ", heard.plain)
        if _UNWELL.search(said):
            self.finished = True
            desk.memory.follow_up.append(
                "After the visit the patient is not well, or has questions; call back."
            )
            desk.memory.reasons.append("is not well after a visit")
            desk.hand_over("unwell_person", "not well after a visit")
            return True
        if _WELL.search(said) or heard.yes:
            self.finished = True
            desk.say("glad_well")
            desk.done(Done(self.kind, "You are well after your visit", turns=(heard.turn,)))
            return True
        return False

    def result(self, desk: Desk, result: Result) -> None:
        """It runs no tool."""

    def abandon(self, desk: Desk) -> None:
        """Nothing is kept of what was not said."""
