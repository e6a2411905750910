"""All functions of the language that work on values, by name."""

from __future__ import annotations

from fhirserver.model.fhirpath.functions import (
    boundaries,
    clock,
    collections,
    conversion,
    fhir,
    numbers,
    strings,
    terminologies,
)
from fhirserver.model.fhirpath.functions.signature import Functions

FUNCTIONS: Functions = {
    **collections.FUNCTIONS,
    **strings.FUNCTIONS,
    **numbers.FUNCTIONS,
    **conversion.FUNCTIONS,
    **boundaries.FUNCTIONS,
    **clock.FUNCTIONS,
    **fhir.FUNCTIONS,
    **terminologies.FUNCTIONS,
}
