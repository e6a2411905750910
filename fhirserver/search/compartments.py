"""In whose compartments a resource is. https://hl7.org/fhir/R4/compartmentdefinition-patient.html"""

from __future__ import annotations

from functools import cache
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.search.index import Extraction
from fhirserver.search.parameters import searchable
from fhirserver.search.values import ReferenceValue

PATIENT: Final = "Patient"


def patients(resource: JsonObject) -> frozenset[str]:
    """The ids of the patients in whose compartments a resource is; a Patient is in its own."""
    type: str = resource["resourceType"]
    found = {
        value.target
        for value in _extraction(type)(resource)
        if isinstance(value, ReferenceValue) and value.type == PATIENT and ":" not in value.param
    }
    return frozenset(found | {resource["id"]} if type == PATIENT else found)


def may_be_in(type: str) -> bool:
    """Whether resources of a type may be in the compartment of a patient."""
    return type == PATIENT or bool(definitions().compartment(PATIENT).get(type))


@cache
def _extraction(type: str) -> Extraction:
    known = searchable(type)
    return Extraction(type, [known[code] for code in definitions().compartment(PATIENT).get(type, ())])
