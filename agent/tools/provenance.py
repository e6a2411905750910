"""Who says it, how sure, and on what evidence: the ``X-Provenance`` of every write.

See "FHIR surface of the world model" in docs/architecture.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from agent.requests import Basis
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject, dumps

CANONICAL = "https://credence.health/fhir"
_DEFINITION = f"{CANONICAL}/StructureDefinition"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


@dataclass(frozen=True, slots=True)
class Speaker:
    """The agent as FHIR knows it: a Device reference where one is set, else its display."""

    display: str = "Credence voice agent"
    device: str = ""

    def reference(self) -> JsonObject:
        return (
            {"reference": self.device, "display": self.display} if self.device else {"display": self.display}
        )


def provenance(
    speaker: Speaker, basis: Basis, communication: str, patient: str, at: datetime, mode: str = ""
) -> JsonObject:
    """The Provenance of one write; ``mode`` is ``partial`` or ``full``, empty for what the verb implies."""
    extensions: list[JsonObject] = [
        {"url": f"{_DEFINITION}/confidence", "valueDecimal": Decimal(basis.confidence)},
        {"url": f"{_DEFINITION}/assertion-method", "valueCode": basis.method},
    ]
    if mode:
        extensions.append({"url": f"{_DEFINITION}/assertion-mode", "valueCode": mode})
    agent: JsonObject = {
        "type": {"coding": [{"system": _PARTICIPANT, "code": "assembler"}]},
        "who": speaker.reference(),
    }
    if patient:
        agent["onBehalfOf"] = {"reference": patient}
    agents = [agent]
    if basis.third_party or basis.proxy:
        informant = {"coding": [{"system": _PARTICIPANT, "code": "informant"}]}
        told = {"display": f"Caller for the patient ({basis.third_party})"}
        agents.append({"type": informant, "who": {"reference": basis.proxy} if basis.proxy else told})
    said: JsonObject = {
        "resourceType": "Provenance",
        "extension": extensions,
        "occurredDateTime": instant(at),
        "agent": agents,
    }
    entities = [_evidence(communication, basis)] if communication else []
    if basis.picture:
        entities.append({"role": "source", "what": {"reference": basis.picture}})
    if entities:
        said["entity"] = entities
    return said


def _evidence(communication: str, basis: Basis) -> JsonObject:
    entity: JsonObject = {"role": "source", "what": {"reference": communication}}
    if basis.turns:
        turns = ",".join(str(t) for t in basis.turns)
        entity["extension"] = [{"url": f"{_DEFINITION}/transcript-turns", "valueString": turns}]
    return entity


def header(said: JsonObject) -> dict[str, str]:
    """The header that carries it; JSON escaped to ASCII, as HTTP wants."""
    text = dumps(said).decode()
    return {"X-Provenance": "".join(c if c.isascii() else _escaped(c) for c in text)}


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
