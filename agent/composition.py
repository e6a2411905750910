"""The summary of a call as a Composition, each fact with its evidence: the turns and where they are in the sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from agent.after_call import CAPTURED, Section
from agent.memory import Memory
from agent.tools.provenance import CANONICAL
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.judge import Turn

_LOINC = "http://loinc.org"
_TYPE = {"system": _LOINC, "code": "34748-4", "display": "Telephone encounter Note"}
_TURNS = f"{CANONICAL}/StructureDefinition/transcript-turns"
_OFFSET = f"{CANONICAL}/StructureDefinition/audio-offset"
FACTS = "Facts captured"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a captured fact rests on. ``offset``: seconds into the sound of the call at which its first turn begins,
    None without sound or turn."""

    text: str
    reference: str
    turns: tuple[int, ...]
    offset: float | None


def evidence(memory: Memory, turns: Sequence[Turn], began: datetime | None) -> tuple[Evidence, ...]:
    """The evidence of each fact that the call captured and wrote; ``began``: when its sound did, None without."""
    at = {turn.number: (turn.at - began).total_seconds() if began else None for turn in turns}
    found = []
    for done in memory.done:
        if done.kind in CAPTURED:
            heard = tuple(sorted({number for number in done.turns if number in at}))
            offset = at[heard[0]] if heard else None
            placed = None if offset is None else max(0.0, offset)
            found.append(Evidence(done.text, done.reference, heard, placed))
    return tuple(found)


def composition(
    sections: Sequence[Section],
    facts: Sequence[Evidence],
    writer: JsonObject,
    about: tuple[str, str],
    period: tuple[datetime, datetime],
) -> JsonObject:
    """The Composition (https://hl7.org/fhir/R4/composition.html).

    ``about``: references of Communication and patient, empty where not known; ``period``: start and end of the call.
    """
    communication, patient = about
    started, ended = period
    event: JsonObject = {"period": {"start": instant(started), "end": instant(ended)}}
    if communication:
        event["detail"] = [{"reference": communication}]
    made: JsonObject = {
        "resourceType": "Composition",
        "status": "preliminary",
        "type": {"coding": [_TYPE], "text": "Call summary"},
        "date": instant(ended),
        "author": [writer],
        "title": "Call summary",
        "event": [event],
        "section": [_section(one, facts if one.title == FACTS else ()) for one in sections],
    }
    return made | ({"subject": {"reference": patient}} if patient else {})


def _section(section: Section, facts: Sequence[Evidence]) -> JsonObject:
    lines = [*section.lines, *(where(fact) for fact in facts if fact.turns)]
    body = "".join(f"<li>{escape(line)}</li>" for line in lines)
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><ul>{body}</ul></div>'
    made: JsonObject = {"title": section.title, "text": {"status": "generated", "div": div}}
    entries = [_entry(fact) for fact in facts if fact.reference]
    return made | ({"entry": entries} if entries else {})


def _entry(fact: Evidence) -> JsonObject:
    extensions: list[JsonObject] = []
    if fact.turns:
        extensions.append({"url": _TURNS, "valueString": ",".join(map(str, fact.turns))})
    if fact.offset is not None:
        extensions.append({"url": _OFFSET, "valueDecimal": round(fact.offset, 3)})
    return {"reference": fact.reference} | ({"extension": extensions} if extensions else {})


def where(fact: Evidence) -> str:
    """Where a fact can be heard, or read, in words."""
    at = "" if fact.offset is None else f"said at {int(fact.offset) // 60}:{int(fact.offset) % 60:02d}, "
    return f"{fact.reference or fact.text}: {at}turns {', '.join(map(str, fact.turns))}"
