"""Calls out: say who calls, learn who answers, then what it is about; and leave a machine what it may keep."""

from __future__ import annotations

from agent.effects import Say
from agent.hearing import Heard, hear
from agent.memory import Memory
from agent.policy.desk import Desk
from agent.signals import AnsweredBy

WISHES = {
    "confirm": "confirm",
    "reschedule": "reschedule",
    "insurance": "insurance",
    "rebook": "book",
    "follow_up": "follow_up",
}
"""The wish that a purpose stands for; the others ask what the patient wants."""
_REASONS = {
    "confirm": "was called to confirm an appointment",
    "reschedule": "was called to move an appointment",
    "insurance": "was called for new insurance",
    "call_back": "was called back",
    "follow_up": "was called after a visit",
    "rebook": "was called about a missed appointment",
    "missing": "was called for what the record lacks",
    "custom": "was called",
}
_LEFT = 6
"""Silences after which a machine that nobody tells of any more is left."""


def is_machine(answered: AnsweredBy) -> bool:
    """Whether Twilio takes what answered for an answering machine or a fax."""
    return answered.by.startswith(("machine", "fax"))


def begin(desk: Desk) -> str:
    """Who was called is identified: say what the call is about. The wish that the caller is given by it; or empty."""
    errand, patient = desk.memory.setting.errand, desk.memory.patient
    if errand is None or patient is None:
        return ""
    if errand.patient and errand.patient != patient.reference:
        desk.memory.follow_up.append("Somebody else answered; the patient was not reached.")
        desk.say("errand_other")
        return ""
    if errand.words:
        desk.effects.append(Say(errand.words, 0))
    else:
        desk.say(f"errand_{errand.purpose}")
    desk.memory.reasons.append(_REASONS[errand.purpose])
    return WISHES.get(errand.purpose, "")


def called_back(desk: Desk) -> str:
    """Somebody whom we reached out to calls, and wants nothing else: say why we did. The wish that is, or empty."""
    memory = desk.memory
    patient = memory.patient.reference if memory.patient else ""
    errand = next((one for one in memory.outreach if one.patient == patient), None)
    if errand is None:
        return ""
    desk.say(f"back_{errand.purpose}")
    return WISHES.get(errand.purpose, "")


def wished() -> Heard:
    """What a caller would have said to want it."""
    return hear(0, "")


def answered_by(desk: Desk, signal: AnsweredBy) -> None:
    """Twilio has found out who answered: a machine is left the message, which it records from now on."""
    memory = desk.memory
    errand = memory.setting.errand
    if errand is None or memory.patient is not None or memory.ended:
        return
    if not is_machine(signal):
        _person(desk, signal)
    elif errand.message and signal.by.startswith("machine_end"):
        desk.effects.append(Say(errand.message, 0, shielded=True))
        desk.end("voicemail: message left")
    else:
        desk.end("fax" if signal.by == "fax" else "voicemail")


def _person(desk: Desk, signal: AnsweredBy) -> None:
    """A person, says Twilio: whoever was taken for a machine by their words is spoken to again."""
    memory = desk.memory
    memory.human = signal.by == "human"
    if memory.human and memory.machine:
        memory.machine = 0
        desk.say("ask_identity")


def machine_heard(desk: Desk, heard: Heard) -> bool:
    """Words of a machine that answered a call out: nothing is said to it but the message, after its tone."""
    memory = desk.memory
    errand = memory.setting.errand
    if errand is None or memory.patient is not None or memory.human:
        return False
    if not heard.voicemail and (heard.danger or not memory.machine):
        return False  # words of danger alone are a person's
    memory.machine = memory.machine or 1
    if not errand.message:
        desk.end("voicemail")
    return True


def machine_silent(desk: Desk) -> bool:
    """Whether it is a machine that is silent: it is waited for, not asked whether it is still there."""
    memory = desk.memory
    if not memory.machine or memory.ended:
        return False
    memory.machine += 1
    if memory.machine > _LEFT:
        desk.end("voicemail")
    return True


def says_hello(memory: Memory, heard: Heard) -> bool:
    """Whether somebody who was called only answers: "hello", "yes, speaking", "who is this?"."""
    if memory.setting.errand is None:
        return False
    asks = ("who is this", "who's this", "who is calling", "who's calling", "what is this", "what's this")
    speaking = ("speaking", "this is she", "this is he", "that's me", "this is her", "this is him")
    return heard.greeting or heard.yes or any(words in heard.plain for words in (*asks, *speaking))
