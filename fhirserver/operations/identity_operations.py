"""The operations on who is who, as the registry has them."""

from __future__ import annotations

from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.operations.patient_match import patient_match

_MATCH = (
    Parameter("resource", "Resource", "The Patient to look for; it may also be the body itself", 1),
    Parameter("onlyCertainMatches", "boolean", "Only the one patient that is certain, or none"),
    Parameter("count", "integer", "How many at most; 20 without"),
    Parameter(
        "return", "Bundle", "A searchset with score, grade and explanation, the best first", 1, use="out"
    ),
)

IDENTITY = (
    Operation(
        "match",
        "type",
        ("Patient",),
        "read",
        patient_match,
        "http://hl7.org/fhir/OperationDefinition/Patient-match",
        parameters=_MATCH,
        takes_any_body=True,
    ),
)
