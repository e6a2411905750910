"""What goes before everything else that an utterance may say: danger, a person, machines, children, abuse."""

from __future__ import annotations

from agent.effects import Escalate
from agent.hearing import Heard
from agent.policy.desk import Desk
from agent.policy.errands import machine_heard
from agent.policy.opting_out import no_more


def first_of_all(desk: Desk, heard: Heard) -> bool:
    """Deal with what cannot wait; whether the utterance is dealt with."""
    return (
        machine_heard(desk, heard)
        or _danger(desk, heard)
        or no_more(desk, heard)
        or _somebody_else(desk, heard)
        or _abuse(desk, heard)
        or _staff(desk, heard)
    )


_REASONS = {"self_harm": "self-harm words", "emergency": "emergency words"}


def _danger(desk: Desk, heard: Heard) -> bool:
    """Words of danger are acted upon at once; those that were not heard well are asked back first, once."""
    doubted, desk.memory.doubted = desk.memory.doubted, ""
    found = heard.danger
    if found and not heard.sure and not doubted:
        desk.memory.doubted = found
        desk.say(f"sure_{found}")
    elif found or (doubted and not heard.no and not heard.wishes):
        danger(desk, found or doubted)
    elif doubted and not heard.wishes:
        desk.say("no_danger")
    else:
        return False
    return True


def danger(desk: Desk, kind: str) -> None:
    """Say what to do, and hand over at once."""
    desk.hand_over(kind, _REASONS[kind], hard=True)


def _somebody_else(desk: Desk, heard: Heard) -> bool:
    """A machine, or somebody who wants another number: nothing to be said to them."""
    if desk.memory.patient is not None:
        return False
    if heard.voicemail and not desk.memory.human:
        desk.end("voicemail")
    elif heard.wrong_number:
        desk.say("wrong_number")
        if desk.memory.setting.errand is not None:
            desk.memory.follow_up.append("The number called may be wrong.")
        desk.end("wrong number")
    else:
        return False
    return True


def _abuse(desk: Desk, heard: Heard) -> bool:
    """Warned of once; whoever goes on is taken leave of. A wish said along with it is still served."""
    if not heard.abusive:
        return False
    desk.memory.abuse += 1
    if desk.memory.abuse == 1:
        desk.say("abuse_warning")
        return not heard.wishes
    desk.effects.append(Escalate("abusive caller"))
    desk.memory.follow_up.append("The call was ended because of abuse.")
    desk.say("abuse_end")
    desk.end("abuse")
    return True


def _staff(desk: Desk, heard: Heard) -> bool:
    """What only a person may do."""
    memory = desk.memory
    if heard.person and not (heard.no and "don't" in heard.plain):
        desk.hand_over("person", "the caller asked for a person")
    elif heard.minor and memory.patient is None and not heard.third_party:
        desk.hand_over("minor", "a minor called alone")
    elif memory.patient is not None and heard.wishes and heard.third_party and not memory.third_party:
        desk.hand_over("third_party_person", "asked about another patient")
    elif heard.new_patient and memory.patient is None:
        desk.hand_over("new_patient", "new patient")
    else:
        return False
    return True
