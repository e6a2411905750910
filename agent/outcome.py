"""What became of an outreach, by what was said: a code of outreach-outcome."""

from __future__ import annotations

from agent.errand import Errand
from agent.memory import Memory

_ENDS = (
    ("voicemail: message left", "voicemail-left"),
    ("voicemail", "voicemail"),
    ("fax", "fax"),
    ("wrong number", "wrong-number"),
    ("transfer", "transferred"),
    ("escalate", "transferred"),
)


def outcome_code(memory: Memory, ended: str) -> str:
    """``ended`` is why the conversation is over (:attr:`agent.session.Session.over`)."""
    if memory.opted_out:
        return "opted-out"
    if memory.done:
        return "done"
    ended = ended.removeprefix("end: ")
    for start, code in _ENDS:
        if ended.startswith(start):
            return code
    if (errand := errand_in(memory)) and memory.patient and memory.patient.reference == errand.patient:
        return "reached"
    return "hung-up"


def errand_in(memory: Memory) -> Errand | None:
    """What the conversation is about for us: our own errand, or what whoever answers was contacted about."""
    if memory.setting.errand is not None:
        return memory.setting.errand
    patient = memory.patient.reference if memory.patient else ""
    meant = [errand for errand in memory.outreach if not patient or errand.patient == patient]
    several = not patient and len({errand.patient for errand in meant}) > 1
    return meant[0] if meant and not several else None
