"""The code systems and their value sets. https://hl7.org/fhir/R4/codesystem.html"""

from __future__ import annotations

from fhirserver.interactions.conformance.frame import computer_name, frame
from fhirserver.kernel.json import JsonObject
from fhirserver.world.vocabulary import BASE, CODES, CodeList


def code_system(codes: CodeList) -> JsonObject:
    """The CodeSystem of a list of codes."""
    head = frame("CodeSystem", codes.id, computer_name(codes.id), codes.title, codes.description)
    return {
        **head,
        "caseSensitive": True,
        "valueSet": value_set_url(codes),
        "content": "fragment" if codes.open else "complete",
        "count": len(codes.concepts),
        "concept": [
            {"code": code, "display": display, "definition": definition}
            for code, display, definition in codes.concepts
        ],
    }


def value_set(codes: CodeList) -> JsonObject:
    """The ValueSet of all codes of the list's system."""
    title, text = f"{codes.title}: all codes", f"All codes of {codes.title.lower()}."
    head = frame("ValueSet", codes.id, f"{computer_name(codes.id)}Codes", title, text)
    return {**head, "compose": {"include": [{"system": codes.url}]}}


def value_set_url(codes: CodeList) -> str:
    return f"{BASE}/ValueSet/{codes.id}"


def all_codes() -> list[JsonObject]:
    """A CodeSystem and a ValueSet for each list."""
    return [made for codes in CODES for made in (code_system(codes), value_set(codes))]
