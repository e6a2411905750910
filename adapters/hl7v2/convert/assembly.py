"""From drafts to resources: empty ones left out, equal ones made one, what R4 requires added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from adapters.hl7v2.convert import events
from adapters.hl7v2.convert.conversion import Explained, Mapped
from adapters.hl7v2.convert.drafts import Draft
from adapters.hl7v2.convert.required import IS_LIST, PATIENT, complete
from fhirserver.kernel.json import dumps

Json = dict[str, Any]
SHARED = frozenset({"Practitioner", "Organization", "Location", "PractitionerRole", "Device"})
"""Types of which two with the same content are one resource."""


class Assembly:
    """``roots`` were made by the message map; whatever else there is must be referred to by one of them."""

    def __init__(self, roots: Iterable[Draft], event: str, feeds: dict[str, dict[str, set[str]]]):
        self.event = event
        self.feeds = feeds
        self.counts: dict[str, int] = {}
        self.shared: dict[bytes, Draft] = {}
        self.doubles: set[int] = set()
        self.contents: dict[int, Json] = {}
        self.drafts = [draft for draft in _reachable(roots) if not draft.is_empty]

    def resources(self, patients: dict[int, Draft]) -> tuple[Mapped, ...]:
        """``patients`` says which patient a draft is about, where it names none itself; so are those it refers to."""
        for draft in self.drafts:
            if draft.refers and (patient := patients.get(id(draft))) is not None:
                for other in draft.refers:
                    if other is not patient:
                        patients.setdefault(id(other), patient)
        for draft in self.drafts:
            if draft.type not in SHARED:
                self._name(draft)
        done: set[int] = set()
        for draft in self.drafts:
            if draft.type in SHARED:
                self._share(draft, done)
        return tuple(
            self._mapped(draft, patients)
            for draft in self.drafts
            if draft.local and id(draft) not in self.doubles
        )

    def _name(self, draft: Draft) -> None:
        self.counts[draft.type] = number = self.counts.get(draft.type, 0) + 1
        draft.local = f"{draft.type}[{number}]"

    def _share(self, draft: Draft, done: set[int]) -> None:
        """Name a shared resource, after those it refers to; one like another takes the other's name."""
        if id(draft) in done:
            return
        done.add(id(draft))
        for other in draft.refers:
            if other.type in SHARED and not other.is_empty:
                self._share(other, done)
        self.contents[id(draft)] = content = draft.finished()
        key = draft.type.encode() + dumps(content)
        first = self.shared.setdefault(key, draft)
        if first is draft:
            self._name(draft)
        else:
            draft.local = first.local
            self.doubles.add(id(draft))

    def _mapped(self, draft: Draft, patients: dict[int, Draft]) -> Mapped:
        made = self.contents.get(id(draft))
        if made is None:
            made = draft.finished()
        content: Json = {"resourceType": draft.type, **made}
        patient = patients.get(id(draft))
        if patient is not None and patient.local:
            _about(patient, draft.type, content)
        meaning = _MEANINGS.get(draft.type)
        is_meant = meaning is not None and bool(meaning(self.event, content))
        complete(draft.type, content)
        origin = draft.origin
        if not origin.keys() <= content.keys():
            origin = {name: place for name, place in origin.items() if name in content}
        if is_meant:
            origin["status"] = "MSH-9"
        supplied = frozenset([name for name in content if name not in made and name != "resourceType"])
        nulled, absent = self._nothing(draft, content) if draft.nulls else ({}, _NONE)
        return Mapped(draft.local, content, absent, origin, nulled, supplied)

    def _nothing(self, draft: Draft, content: Json) -> tuple[dict[str, str], frozenset[str]]:
        """The fields that are stated to be nothing, and the elements that are."""
        nulled = {place: element for place, element in draft.nulls.items() if element}
        absent = {e for e in nulled.values() if e not in content and self._all_null(draft.type, e, nulled)}
        return nulled, frozenset(absent)

    def _all_null(self, type: str, element: str, nulled: dict[str, str]) -> bool:
        """Whether every field of the segment that feeds the element is null: one left out says nothing of its part."""
        for place in (place for place, fed in nulled.items() if fed == element):
            segment = place.partition("-")[0]
            if self.feeds.get(f"{segment}/{type}", {}).get(element, set()) <= set(nulled):
                return True
        return False


def _about(patient: Draft, type: str, content: Json) -> None:
    """Name the patient where the resource names none itself."""
    if type == "Appointment":
        reference = {"reference": f"urn:local:{patient.local}"}
        participants = content.setdefault("participant", [])
        if all(one.get("actor") != reference for one in participants):
            participants.append({"actor": reference})
        return
    element = PATIENT.get(type)
    if element is not None and element not in content:
        reference = {"reference": f"urn:local:{patient.local}"}
        content[element] = [reference] if (type, element) in IS_LIST else reference


_NONE: frozenset[str] = frozenset()
_MEANINGS = {
    "Encounter": events.encounter,
    "Appointment": events.appointment,
    "DocumentReference": events.document,
}


def _reachable(roots: Iterable[Draft]) -> Iterator[Draft]:
    """Each draft once, those that it refers to after it."""
    seen: set[int] = set()
    waiting = list(roots)
    for draft in waiting:
        if id(draft) in seen:
            continue
        seen.add(id(draft))
        yield draft
        waiting.extend(draft.refers)


def explained(traces: Iterable[Any]) -> tuple[Explained, ...]:
    """The traces of drafts that became resources, each once."""
    found = dict.fromkeys(
        Explained(trace.draft.local, trace.element, trace.place, trace.source)
        for trace in traces
        if trace.draft.local
    )
    return tuple(found)
