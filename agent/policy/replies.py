"""Answers by message to what we wrote first: ``YES``, ``MOVE``, ``OK``, from a number that we wrote to.

A bare yes confirms the one appointment that the message was about: nothing is disclosed by that, and whoever holds the
telephone has just been told of it. Everything else needs to know who writes, as on a call.
"""

from __future__ import annotations

import re

from agent.errand import Errand
from agent.hearing import Heard
from agent.memory import Done, Memory
from agent.policy.desk import Desk
from agent.policy.errands import WISHES
from agent.policy.slots import basis
from agent.requests import Confirm
from agent.results import Result, Taken, Written

_KEYWORDS = (
    (
        r"^(?:ok )?(?:y|yes|yep|yeah|si|confirm|confirmed|c|1|see you(?: then)?|i'll be there)"
        r"(?: (?:please|thanks|thank you|i'll be there|i will be there))?$",
        "yes",
    ),
    (r"^(?:move|change|reschedule|r|cambiar|2|another time)$", "reschedule"),
    (r"^(?:book|reservar|new time)$", "book"),
    (r"^(?:cancel|cancelar|3)$", "cancel"),
    (r"^(?:ok|okay|sure)$", "ok"),
    (r"^(?:good|fine|well|better|bien)$", "well"),
    (r"^(?:call me|llamar|call)$", "person"),
)
_COMPILED = [(re.compile(pattern), word) for pattern, word in _KEYWORDS]


def keyword(heard: Heard) -> str:
    """What a short answer stands for; empty for none of them."""
    said = heard.plain.strip(" .!")
    return next((word for pattern, word in _COMPILED if pattern.match(said)), "")


def answered_errand(memory: Memory) -> Errand | None:
    """The one message that an answer can be to; None where there are several for different patients."""
    sent = [errand for errand in memory.outreach if errand.channel in ("sms", "chat")]
    return sent[0] if sent and len({errand.patient for errand in sent}) == 1 else None


def wish_of(word: str, errand: Errand | None) -> str:
    """The wish that a keyword stands for, empty for none."""
    if word in ("reschedule", "book", "cancel"):
        return word
    if word in ("yes", "ok") and errand is not None:
        return WISHES.get(errand.purpose, "")
    return ""


class BareYes:
    """The confirmation that runs."""

    kind = "confirm"

    def __init__(self, errand: Errand):
        self.errand = errand

    def begin(self, desk: Desk, heard: Heard) -> bool:
        """Write it down; False where the message was about no appointment."""
        visit = next((one for one in self.errand.about if one.startswith("Appointment/")), "")
        if not visit:
            return False
        id = visit.removeprefix("Appointment/")
        desk.run(Confirm(self.errand.patient, id, basis(desk, [heard.turn])), self)
        return True

    def result(self, desk: Desk, result: Result) -> None:
        if isinstance(result, Written):
            desk.say("confirmed_by_text")
            desk.done(Done(self.kind, "I noted that you will come", result.reference))
            desk.end("confirmed by message")
        elif isinstance(result, Taken):
            desk.memory.follow_up.append(
                "The appointment was changed while it was being confirmed by message."
            )
            desk.say("not_confirmed")
            desk.end("not confirmed")
        else:
            desk.memory.follow_up.append("A confirmation by message could not be recorded; do it by hand.")
            desk.say("not_confirmed")
            desk.end("not confirmed")
