"""What the simulated EHR does with a message, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.hl7v2.acknowledgement import Verdict
from adapters.hl7v2.message import NULL, Message, Segment
from adapters.simulator.hl7.book import AUTHORITY, Appointment, Book, Patient, Taken

_KEPT = (5, 7, 8, 11, 13, 14, 15, 16, 29, 30)
_SCHEDULED = (6, 7, 8, 9, 10)
_BOOKINGS = ("S12", "S13", "S14", "S15", "S17", "S26")
_STATUS = {"S15": "Cancelled", "S17": "Deleted", "S26": "Noshow"}
_MORE = ("NK1", "IN1")
TAKEN = "SLOT_TAKEN"


@dataclass(frozen=True, slots=True)
class Done:
    """The answer, and what changed: the event by which the EHR tells of it, and the number."""

    verdict: Verdict
    own: str = ""
    event: str = ""
    number: str = ""


def take(book: Book, message: Message) -> Done:
    """Do what a message says."""
    if message.type == "SIU" and message.event in _BOOKINGS:
        return _booking(book, message)
    if message.type == "ADT" and message.event in ("A04", "A08", "A28", "A31"):
        pid = message.first("PID")
        if pid is None:
            return Done(Verdict("AE", "101", "PID", "a patient is needed"))
        known = book.patient_by(_numbers(pid))
        patient = _patient(book, pid)
        patient.more = [_plain(segment) for name in _MORE for segment in message.all(name)] or patient.more
        return Done(Verdict("AA"), event="A31" if known else "A28", number=patient.mrn)
    return Done(Verdict("AR", "201", "MSH-9", "this event is not taken in"))


def _booking(book: Book, message: Message) -> Done:
    sch, pid = message.first("SCH"), message.first("PID")
    if sch is None or pid is None:
        return Done(Verdict("AE", "101", "SCH" if sch is None else "PID", "a segment is missing"))
    found = book.appointment_by(sch.value(2) or "", _entity(sch, 1))
    if found is None and message.event != "S12":
        return Done(Verdict("AE", "204", "SCH-1", "this appointment is not known"))
    wanted = _wanted(found, message, sch)
    try:
        if wanted.stands:
            book.check_free(wanted)
    except Taken:
        return Done(Verdict("AE", "207", "SCH-11", "the time is taken"), own=TAKEN)
    patient = book.patient_by(_numbers(pid)) or _patient(book, pid)
    wanted.mrn, wanted.revision = patient.mrn, found.revision + 1 if found else 1
    wanted.filler = wanted.filler or f"F{book.next_number()}"
    book.appointments[wanted.filler] = wanted
    return Done(Verdict("AA"), event=message.event, number=wanted.filler)


def _wanted(found: Appointment | None, message: Message, sch: Segment) -> Appointment:
    """The appointment as it would be."""
    start, end = _times(message, sch)
    who = [
        f"{one.name}:{one.value(3)}" for name in ("AIP", "AIL") for one in message.all(name) if one.value(3)
    ]
    taken = [_plain(one) for one in message.segments if one.name in ("RGS", "AIS", "AIL", "AIP", "AIG")]
    return Appointment(
        filler=found.filler if found else "",
        placer=found.placer if found and found.placer else _entity(sch, 1),
        mrn="",
        start=start or (found.start if found else ""),
        end=end or (found.end if found else ""),
        status=_STATUS.get(message.event, sch.value(25) or "Booked"),
        fields=_fields(sch, _SCHEDULED, dict(found.fields) if found else {}),
        who=who or (found.who if found else []),
        resources=taken or (found.resources if found else []),
    )


def _times(message: Message, sch: Segment) -> tuple[str, str]:
    """Start and end: SCH-11, else TQ1, else the service's start."""
    start, end = sch.value(11, component=4) or "", sch.value(11, component=5) or ""
    start = start or message.value("TQ1", 7) or message.value("AIS", 4) or ""
    return start, end or message.value("TQ1", 8) or ""


def _patient(book: Book, pid: Segment) -> Patient:
    """The patient as the PID says, made where nobody has the number."""
    numbers = _numbers(pid)
    patient = book.patient_by(numbers)
    if patient is None:
        patient = Patient(f"H{book.next_number()}")
        book.patients[patient.mrn] = patient
    else:
        patient.revision += 1
    for value, authority in numbers:
        other = f"{value}^^^{authority}"
        if authority != AUTHORITY and other not in patient.others:
            patient.others.append(other)
    patient.fields = _fields(pid, _KEPT, patient.fields)
    return patient


def _fields(segment: Segment, wanted: tuple[int, ...], known: dict[str, str]) -> dict[str, str]:
    """The fields that are stated, over those that were; an explicit null takes one away."""
    for number in wanted:
        text = _plain_text(segment, segment.field(number))
        if text == NULL:
            known.pop(str(number), None)
        elif text:
            known[str(number)] = text
    return known


def _numbers(pid: Segment) -> list[tuple[str, str]]:
    found = [(cx.value() or "", cx.value(4) or cx.value(4, 2) or "") for cx in pid.repetitions(3)]
    return [one for one in found if one[0] and one[0] != NULL]


def _entity(segment: Segment, field: int) -> str:
    """An EI as ``number^namespace``; empty for none."""
    value = segment.value(field)
    return f"{value}^{segment.value(field, component=2) or ''}" if value else ""


def _plain(segment: Segment) -> str:
    return _plain_text(segment, segment.text)


def _plain_text(segment: Segment, text: str) -> str:
    """A text in the usual separators."""
    theirs = segment.separators
    ours = str.maketrans(
        theirs.field + theirs.component + theirs.repetition + theirs.escape + theirs.subcomponent, "|^~\\&"
    )
    return text.translate(ours) if theirs.encoding_characters[:4] != "^~\\&" or theirs.field != "|" else text
