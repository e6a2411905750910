"""After the call: the transcript and a clinical summary as DocumentReferences on the Communication."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.memory import Memory
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Turn
from fhirserver.world.judge.transcript import Reading, attachments, second_attachment

LOINC = "http://loinc.org"
_TRANSCRIPT = {"system": LOINC, "code": "75476-2", "display": "Physician Telephone encounter Note"}
_SUMMARY = {"system": LOINC, "code": "34748-4", "display": "Telephone encounter Note"}
_KIND = "https://credence.health/fhir/CodeSystem/document-kind"
CAPTURED = ("insurance", "phone", "address", "answer")
"""The kinds of business that capture a fact about the patient."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its lines."""

    title: str
    lines: tuple[str, ...]


def summary(memory: Memory) -> tuple[Section, ...]:
    """Reason, what was done, facts captured, follow-up: only what the call itself showed."""
    reasons = tuple(dict.fromkeys(memory.reasons)) or ("no request was understood",)
    who = f"Caller spoke for the patient ({memory.third_party})" if memory.third_party else "Caller"
    identity = "identified by name and birth date" if memory.patient else "not identified"
    acted = tuple(_line(d.text, d.turns, d.reference) for d in memory.done if d.kind not in CAPTURED)
    facts = tuple(_line(d.text, d.turns, d.reference) for d in memory.done if d.kind in CAPTURED)
    follow_up = list(memory.follow_up)
    if any(d.checked_later for d in memory.done):
        follow_up.append("Facts captured on the call wait for verification.")
    if memory.frustration:
        follow_up.append(f"The caller sounded frustrated {memory.frustration} time(s).")
    asked = [f"{_named(name)}: {told or 'not told'}." for name, told in memory.answers.items()]
    walked = (
        (Section("Asked by the practice", (*asked, f"Went by {', '.join(memory.walked)}.")),)
        if memory.walked
        else ()
    )
    return (
        Section("Reason for call", (f"{who}, {identity}; {'; '.join(reasons)}.",)),
        Section("What was done", acted or ("Nothing was changed.",)),
        Section("Facts captured", facts or ("None.",)),
        Section("Follow-up", tuple(follow_up) or ("None.",)),
        *walked,
    )


def _named(state: str) -> str:
    return state.replace("-", " ").replace("_", " ")


def _line(text: str, turns: Sequence[int], reference: str) -> str:
    third = text.replace("I ", "The agent ", 1).replace("your", "the patient's")
    shown = f" (turns {', '.join(map(str, sorted(set(turns))))})" if turns else ""
    return f"{third}{shown}{f' [{reference}]' if reference else ''}."


def as_text(sections: Sequence[Section]) -> str:
    """The summary as plain text."""
    return "\n\n".join(f"{s.title}\n" + "\n".join(f"- {line}" for line in s.lines) for s in sections) + "\n"


def transcript_document(
    turns: Sequence[Turn],
    communication: str,
    patient: str,
    zone: str,
    started: datetime,
    at: datetime,
    awaited: bool = False,
) -> JsonObject:
    """The DocumentReference that carries the transcript. ``awaited``: the call will be heard again."""
    document = _document("transcript", _TRANSCRIPT, "Call transcript", communication, patient, at)
    document["content"] = attachments(turns, communication, zone, started, awaited)
    document["context"]["period"] = {"start": instant(started), "end": instant(at)}
    return document


def summary_document(
    sections: Sequence[Section], communication: str, patient: str, transcript: str, at: datetime
) -> JsonObject:
    """The DocumentReference that carries the summary; it transforms the transcript."""
    document = _document("summary", _SUMMARY, "Call summary", communication, patient, at)
    data = base64.b64encode(as_text(sections).encode()).decode()
    attachment = {"contentType": "text/plain; charset=utf-8", "data": data, "title": "Call summary"}
    document["content"] = [{"attachment": attachment}]
    if transcript:
        document["relatesTo"] = [{"code": "transforms", "target": {"reference": transcript}}]
    return document


def second_document(
    readings: Sequence[Reading],
    recogniser: str,
    communication: str,
    patient: str,
    transcript: str,
    at: datetime,
) -> JsonObject:
    """The DocumentReference of what a second recogniser heard otherwise, be it nothing."""
    document = _document("second-reading", _TRANSCRIPT, "Call heard again", communication, patient, at)
    document["content"] = second_attachment(readings, communication, recogniser)
    if transcript:
        document["relatesTo"] = [{"code": "appends", "target": {"reference": transcript}}]
    return document


def _document(
    kind: str, coding: JsonObject, title: str, communication: str, patient: str, at: datetime
) -> JsonObject:
    document: JsonObject = {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": "preliminary",
        "type": {"coding": [coding], "text": title},
        "category": [{"coding": [{"system": _KIND, "code": kind}]}],
        "date": instant(at),
        "description": title,
        "context": {"related": [{"reference": communication}]} if communication else {},
    }
    if patient:
        document["subject"] = {"reference": patient}
    return document
