"""The end of a call: what was done is summed up, and what the call itself showed is noted."""

from __future__ import annotations

from agent.policy.desk import Desk
from agent.requests import INFERRED, Basis, ChangePhone
from fhirserver.world.spoken.identifiers import is_nanp, phone_key


def take_leave(desk: Desk) -> None:
    """Sum up, say goodbye, hang up."""
    done = desk.memory.done
    if done:
        desk.say("recap", done=", and ".join(d.text for d in done))
        if any(d.checked_later for d in done):
            desk.say("recap_check")
    desk.say("goodbye")
    infer_phone(desk)
    desk.end("finished")


def infer_phone(desk: Desk) -> None:
    """An identified patient who calls from a number that no record knows can be reached there, it seems."""
    memory = desk.memory
    patient = memory.patient
    if memory.inferred or patient is None or not memory.setting.infer_phone or not is_nanp(memory.caller):
        return
    if memory.third_party or phone_key(memory.caller) in {phone_key(p) for p in patient.phones}:
        return
    if any(d.kind == "phone" for d in memory.done):
        return
    memory.inferred = True
    basis = Basis(INFERRED, "inferred", ())
    desk.run(ChangePhone(patient.reference, memory.caller, "mobile", basis, adds=True), None)
