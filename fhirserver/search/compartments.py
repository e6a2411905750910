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
BESIDE: Final[dict[str, tuple[str, ...]]] = {
    "Contract": ("patient",),
    "Device": ("patient",),
    "GuidanceResponse": ("patient",),
    "Task": ("patient",),
}
"""Types outside of R4's Patient compartment that are about a patient all the same: by these parameters."""


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
    return type == PATIENT or bool(making_a_patients(type))


@cache
def making_a_patients(type: str) -> tuple[str, ...]:
    """The search parameters by which resources of a type are a patient's; of a Patient those of its links."""
    return tuple(definitions().compartment(PATIENT).get(type, ())) or BESIDE.get(type, ())


@cache
def _extraction(type: str) -> Extraction:
    known = searchable(type)
    return Extraction(type, [known[code] for code in making_a_patients(type)])
