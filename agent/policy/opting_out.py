"""Somebody wants no more calls or messages: written down at once, whoever it is, and the conversation ends."""

from __future__ import annotations

from dataclasses import dataclass

from agent.hearing import Heard
from agent.memory import Memory
from agent.policy.desk import Desk
from agent.policy.slots import basis
from agent.requests import OptOut
from agent.results import Result, Written


def no_more(desk: Desk, heard: Heard) -> bool:
    """Deal with it; whether that was said."""
    channels = heard.opt_out
    if not channels:
        return False
    memory = desk.memory
    patients, whole = _whose(memory, heard)
    memory.opted_out = not heard.wrong_number
    memory.reasons.append("wants no more calls" if channels == ("call",) else "wants not to be contacted")
    wish = _Wish("wrong number" if heard.wrong_number else "no more contact wanted")
    if patients:
        desk.run(OptOut(patients, memory.caller, channels, whole, basis(desk, [heard.turn])), wish)
    else:
        memory.follow_up.append("The caller wants not to be contacted any more; no record has the number.")
        wish.end(desk)
    return True


@dataclass(frozen=True)
class _Wish:
    """Promised once it is written down: whatever dies then, it holds. Where the server is away it is written down as
    soon as it is back, and more is not said. ``ending``: as what the conversation ends."""

    ending: str

    def result(self, desk: Desk, result: Result) -> None:
        written = isinstance(result, Written)
        if not written:
            desk.memory.follow_up.append(
                "The wish not to be contacted was not recorded at once; see that it is."
            )
        self.end(desk, "no_more" if written else "no_more_noted")

    def end(self, desk: Desk, words: str = "no_more") -> None:
        if not desk.memory.ended:
            desk.say(words)
            desk.end(self.ending)


def _whose(memory: Memory, heard: Heard) -> tuple[tuple[str, ...], bool]:
    """On whose records it is put, and whether it is the patient's own wish: else only the number is barred."""
    if memory.patient is not None:
        return (memory.patient.reference,), not memory.third_party
    errand = memory.setting.errand
    if errand is not None and errand.patient:
        return (errand.patient,), not heard.wrong_number
    known = tuple(patient.reference for patient in memory.candidates)
    return known, len(known) == 1 and not heard.wrong_number
