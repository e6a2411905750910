"""The extensions as StructureDefinitions. https://hl7.org/fhir/R4/defining-extensions.html"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from fhirserver.interactions.conformance.frame import computer_name, frame
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.world.vocabulary import (
    ASSERTION_METHOD,
    ASSERTION_METHODS,
    ASSERTION_MODE,
    ASSERTION_MODES,
    AUDIO_OFFSET,
    CLAIMED_UNTIL,
    CONFIDENCE,
    ENTRY_PROVENANCE,
    MAPPED_BY,
    MAPPED_FROM,
    MAPPING_EQUIVALENCE,
    MATCH_EXPLANATION,
    OUTREACH_DUE,
    PREFERRED_PHARMACY,
    REFUSED_BY_EHR,
    REPLACED_BY,
    REPLACES,
    SAID_AGAIN,
    TRANSCRIPT_TURNS,
)

_EXTENSION = "http://hl7.org/fhir/StructureDefinition/Extension"

_MERGED = ("Practitioner", "Organization", "Location")


@dataclass(frozen=True, slots=True)
class SimpleExtension:
    """An extension with one value. ``contexts`` are element paths; a binding is a value set and its strength."""

    url: str
    title: str
    description: str
    value: str
    contexts: tuple[str, ...]
    binding: tuple[str, str] | None = None


EXTENSIONS = (
    SimpleExtension(
        CONFIDENCE,
        "Confidence",
        "How far a value can be trusted, from 0 to 1: 0.0 rejected, 0.2 inferred, 0.3 mentioned, 0.5 confirmed, "
        "0.7 verified by machine, 0.9 stated by a clinician, 0.95 approved, 1.0 authoritative or corrected. In "
        "meta it is the resource's; on an element that of an element trusted less; in a Provenance the statement's.",
        "decimal",
        ("Element", "Provenance"),
    ),
    SimpleExtension(
        ASSERTION_METHOD,
        "Assertion method",
        "How a statement was made.",
        "code",
        ("Provenance",),
        (ASSERTION_METHODS, "extensible"),
    ),
    SimpleExtension(
        ASSERTION_MODE,
        "Assertion mode",
        "Whether a statement is about the whole resource (full: what is absent is stated absent) or only about "
        "the elements it has (partial).",
        "code",
        ("Provenance",),
        (ASSERTION_MODES, "required"),
    ),
    SimpleExtension(
        TRANSCRIPT_TURNS,
        "Transcript turns",
        "The turns of the conversation that a statement rests on: numbers with commas between them.",
        "string",
        ("Provenance.entity", "Composition.section.entry"),
    ),
    SimpleExtension(
        AUDIO_OFFSET,
        "Audio offset",
        "Seconds from the start of a call to where something was said.",
        "decimal",
        ("Composition.section.entry",),
    ),
    SimpleExtension(
        ENTRY_PROVENANCE,
        "Provenance of one entry",
        "The X-Provenance of one entry of a transaction or batch, as the JSON text of a Provenance; it counts "
        "instead of that of the whole.",
        "string",
        ("Bundle.entry.request",),
    ),
    SimpleExtension(
        CLAIMED_UNTIL,
        "Claimed until",
        "Until when the owner of a review item holds it. Afterwards any reviewer may take it.",
        "instant",
        ("Task",),
    ),
    SimpleExtension(
        MATCH_EXPLANATION,
        "Explanation of a match",
        "How the score of a match comes about: for each field how far it agrees, and how many bits of evidence that "
        "is for (or, negative, against) the two being one.",
        "string",
        ("Bundle.entry.search",),
    ),
    SimpleExtension(
        REPLACED_BY,
        "Replaced by",
        "What a resource was merged into, where its type has no element that says so; see $merge.",
        "Reference",
        _MERGED,
    ),
    SimpleExtension(
        REPLACES,
        "Replaces",
        "What was merged into a resource, where its type has no element that says so; see $merge.",
        "Reference",
        _MERGED,
    ),
    SimpleExtension(
        SAID_AGAIN,
        "Said again",
        "The target is as it was: what was stated of it had been stated before, and is evidence all the same.",
        "boolean",
        ("Provenance.target",),
    ),
    SimpleExtension(
        MAPPED_BY,
        "Mapped by",
        "The ConceptMap by which a code of a connector was translated, with its version; on an original code that it "
        "has no translation for, the ConceptMap that was asked.",
        "canonical",
        ("Coding",),
    ),
    SimpleExtension(
        MAPPING_EQUIVALENCE,
        "Equivalence of a mapping",
        "How a translated code stands to the original one; unmatched on an original code without a translation.",
        "code",
        ("Coding",),
        ("http://hl7.org/fhir/ValueSet/concept-map-equivalence", "required"),
    ),
    SimpleExtension(
        MAPPED_FROM,
        "Mapped from",
        "The original code, where there is no room for it beside the translated one.",
        "Coding",
        ("Coding",),
    ),
    SimpleExtension(
        REFUSED_BY_EHR,
        "Refused by an EHR",
        "The writeback of an appointment that an EHR refused: it does not stand there. It goes by itself once the EHR "
        "has the appointment, or the appointment is called off.",
        "Reference",
        ("Appointment",),
    ),
    SimpleExtension(
        OUTREACH_DUE,
        "Outreach due",
        "When an outreach was due first; from then on it is good for as long as its campaign says.",
        "dateTime",
        ("CommunicationRequest",),
    ),
    SimpleExtension(
        PREFERRED_PHARMACY,
        "Preferred pharmacy",
        "Where the patient has prescriptions filled, in the patient's own words.",
        "Reference",
        ("Patient",),
    ),
)


def structure_definition(one: SimpleExtension) -> JsonObject:
    """The StructureDefinition of an extension, with differential and snapshot."""
    id = one.url.rpartition("/")[2]
    return {
        **frame("StructureDefinition", id, computer_name(id), one.title, one.description),
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": path} for path in one.contexts],
        "type": "Extension",
        "baseDefinition": _EXTENSION,
        "derivation": "constraint",
        "snapshot": {"element": _snapshot(one)},
        "differential": {
            "element": [{"id": id, "path": id, **rest} for id, rest in _constraints(one).items()]
        },
    }


def _constraints(one: SimpleExtension) -> dict[str, JsonObject]:
    """What differs from a plain Extension, by element id."""
    value: JsonObject = {"min": 1, "type": [{"code": one.value}]}
    if one.binding:
        value_set, strength = one.binding
        value["binding"] = {"strength": strength, "valueSet": value_set}
    return {
        "Extension": {"short": one.title, "definition": one.description},
        "Extension.extension": {"max": "0"},
        "Extension.url": {"fixedUri": one.url},
        "Extension.value[x]": value,
    }


def _snapshot(one: SimpleExtension) -> list[JsonObject]:
    base = definitions().conformance(_EXTENSION) or {}
    elements: list[JsonObject] = copy.deepcopy(base["snapshot"]["element"])
    constraints = _constraints(one)
    return [{**element, **constraints.get(element["id"], {})} for element in elements]
