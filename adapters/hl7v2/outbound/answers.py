"""What a receiver's answer means for a change: done, later, for a person, or never."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.hl7v2.acknowledgement import Acknowledgement
from adapters.hl7v2.message import Message
from adapters.hl7v2.outbound.profile import Profile
from fhirserver.ports.ehr import EhrError, EhrIssue, NeedsPerson, Permanent, Retryable

# https://www.hl7.eu/HL7v2x/v251/std251/ch02.html (table 0357)
_NEVER = frozenset(("100", "101", "102", "103", "104", "200", "201", "202", "203"))
_PERSON = frozenset(("204", "205"))
_LATER = frozenset(("206",))
_KINDS: dict[str, type[EhrError]] = {"retry": Retryable, "person": NeedsPerson, "permanent": Permanent}


@dataclass(frozen=True, slots=True)
class Refused:
    """What the ERR segment says: table 0357, the application's own code, the place, and its words."""

    code: str = ""
    own: str = ""
    place: str = ""
    text: str = ""


def had_it_before(answer: Acknowledgement) -> bool:
    """Whether the receiver refuses because it took in a message of this control id before: our own, sent again."""
    found = refused(answer)
    return not answer.accepted and found.code == "205" and found.place in ("MSH-10", "MSA-2")


def is_unknown(answer: Acknowledgement) -> bool:
    """Whether the receiver refuses because it has no such record."""
    return not answer.accepted and refused(answer).code == "204"


def refusal(answer: Acknowledgement, profile: Profile) -> EhrError:
    """The error that an answer other than AA and CA is.

    What the profile says of the receiver's own code counts; then table 0357; then that AR is said of the receiver's
    state, and AE of the message.
    """
    found = refused(answer)
    reason = f"answered {answer.code}{f' {found.code}' if found.code else ''}{f' {found.own}' if found.own else ''}"
    issues = [EhrIssue(found.own or found.code or answer.code, text=found.text or answer.text)]
    said = profile.refusals.get(found.own) or profile.refusals.get(found.code)
    if said:
        return _KINDS[said](reason, issues=issues)
    if found.code in _NEVER:
        return Permanent(f"{reason}{f' at {found.place}' if found.place else ''}", issues=issues)
    if found.code in _PERSON:
        return NeedsPerson(reason, issues=issues)
    if found.code in _LATER or answer.code in ("AR", "CR"):
        return Retryable(reason, issues=issues)
    return NeedsPerson(reason, issues=issues)


def refused(answer: Acknowledgement) -> Refused:
    """The first ERR segment of an answer, in the form of 2.5 or of before."""
    err = answer.message.first("ERR")
    if err is None:
        return Refused(text=answer.text)
    if err.value(3):
        place = _place(err.value(2) or "", err.value(2, component=3) or "")
        return Refused(
            err.value(3) or "", err.value(5) or "", place, err.value(8) or err.value(7) or answer.text
        )
    place = _place(err.value(1) or "", err.value(1, component=3) or "")
    return Refused(err.value(1, component=4) or "", "", place, answer.text)


def _place(segment: str, field: str) -> str:
    return f"{segment}-{field}" if segment and field else segment


def filler_of(message: Message) -> tuple[str, str]:
    """The number, and its authority, that the receiver gives an appointment in its answer (SRR); empty for none."""
    sch = message.first("SCH")
    if sch is None:
        return "", ""
    return sch.value(2) or "", sch.value(2, component=2) or sch.value(2, component=3) or ""
