"""FHIRPath N1 for R4: parsed once, typed against the element model, compiled to closures.

    path = compile_path("Patient.name.given", context="Patient")
    path(resource)          # [Typed("Eve", "string"), …]

https://hl7.org/fhirpath/N1/ and https://hl7.org/fhir/R4/fhirpath.html
"""

from __future__ import annotations

from fhirserver.model.fhirpath.environment import Environment, Terminology
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.path import Path, compile_path
from fhirserver.model.fhirpath.values import Typed

__all__ = ["Environment", "FhirPathError", "Path", "Terminology", "Typed", "compile_path"]
