"""Answers in Spanish to what we wrote: a confirmation, no more of it, help. All else is handed to a person, in Spanish.

The dialogue itself speaks English. Nothing is disclosed here that it would not disclose.
"""

from __future__ import annotations

from agent.errand import Errand
from agent.hearing import Heard, hear
from agent.memory import Done, Memory
from agent.policy import replies
from agent.policy.desk import Business, Desk
from agent.policy.first import danger
from agent.policy.opting_out import no_more
from agent.policy.spanish import meaning
from agent.wording_es import LINES_ES

_DANGER = frozenset({"emergency", "self_harm"})
_PERSON = {
    "move": ("es_person_move", "wants another time"),
    "cancel": ("es_person_cancel", "wants to cancel"),
    "no": ("es_person_no", "will not come"),
    "book": ("es_person", "wants a new appointment"),
    "person": ("es_person", "asks to be called"),
}
_AT_ANY_TIME = frozenset({*_DANGER, "stop", "person"})
"""What is heard in Spanish also in the middle of something else."""


class SpanishReplies:
    """Of one conversation by text. ``asked`` is what was asked in Spanish last."""

    def __init__(self) -> None:
        self.asked = ""

    def hear(self, desk: Desk, heard: Heard, current: Business | None, identifying: bool) -> Heard | None:
        """What the dialogue is to go on with: the same where it is not Spanish, English for a yes or no to what it
        asks itself; None where it is dealt with."""
        memory = desk.memory
        if memory.medium != "written" or memory.ended:
            return heard
        idle = current is None and not identifying
        word = meaning(heard.text, expected=idle and _expected(memory, self.asked))
        if not word:
            desk.wording.speak({})
            return heard
        if current is not None and current.kind == "confirm":
            return self._about_a_visit(desk, heard, current, word)
        if idle and memory.patient is not None and memory.done and word in ("no", "thanks"):
            desk.wording.speak(LINES_ES)
            return hear(heard.turn, "no thanks", heard.confidence)  # nothing else is wanted
        if idle or word in _AT_ANY_TIME:
            desk.wording.speak(LINES_ES)
            self._deal(desk, heard, word)
            return None
        return heard

    def _about_a_visit(self, desk: Desk, heard: Heard, current: Business, word: str) -> Heard | None:
        """The dialogue asks about a visit, in English: a plain yes to that goes into it."""
        desk.wording.speak(LINES_ES)
        if word == "yes" and current.state == "will_you_come":
            return hear(heard.turn, "yes", heard.confidence)
        self._deal(desk, heard, word)
        return None

    def _deal(self, desk: Desk, heard: Heard, word: str) -> None:
        asked, self.asked = self.asked, ""
        if word in _DANGER:
            danger(desk, word)
        elif word == "stop":
            no_more(desk, hear(heard.turn, "stop texting me"))
        elif word == "wrong":
            desk.memory.follow_up.append("Somebody else answered in Spanish: the number may be wrong.")
            desk.say("wrong_number")
            desk.end("wrong number")
        elif word == "help":
            desk.say("es_help")
        elif word == "thanks":
            desk.say("es_thanks")
        elif word == "cancel_what" and asked != word:
            self._ask(desk, word)
        elif word == "visit" and asked == "cancel_what":
            self._to_a_person(desk, "cancel")
        elif not self._answered(desk, heard, word):
            self._unclear(desk, word, asked)

    def _answered(self, desk: Desk, heard: Heard, word: str) -> bool:
        errand = replies.answered_errand(desk.memory)
        if errand is None:
            return False
        if word == "yes" and errand.purpose == "confirm":
            return replies.BareYes(errand).begin(desk, heard)
        if word == "well" and errand.purpose == "follow_up":
            desk.say("glad_well")
            desk.done(Done("follow_up", "You are well after your visit", turns=(heard.turn,)))
            desk.end("well after the visit")
            return True
        return False

    def _unclear(self, desk: Desk, word: str, asked: str) -> None:
        """Asked again once, where an answer would do; else a person has to."""
        errand = replies.answered_errand(desk.memory)
        if word == "ok" and asked != "again" and errand is not None and errand.purpose == "confirm":
            self._ask(desk, "again")
        else:
            self._to_a_person(desk, word)

    def _ask(self, desk: Desk, what: str) -> None:
        self.asked = what
        desk.say(f"es_{what}")

    def _to_a_person(self, desk: Desk, word: str) -> None:
        line, why = _PERSON.get(word, ("es_person", "wrote in Spanish"))
        desk.memory.follow_up.append("It was written in Spanish: get back to them in Spanish.")
        desk.hand_over(line, f"answered in Spanish: {why}")


def _expected(memory: Memory, asked: str) -> bool:
    """Whether what we wrote last was in Spanish."""
    sent = [errand for errand in memory.outreach if errand.channel in ("sms", "chat", "form")]
    return bool(asked) or (bool(sent) and all(_speaks(errand) for errand in sent))


def _speaks(errand: Errand) -> bool:
    return errand.language.partition("-")[0] == "es"
