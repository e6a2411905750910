"""Validation of resources against profiles, with bindings, invariants and the rules of single types.

    from fhirserver.model.validation.profiles import Rules, Validator

    validator = Validator(conformance, terminology)
    issues = validator.validate(resource, ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"])

https://hl7.org/fhir/R4/validation.html and https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from fhirserver.model.validation.profiles.rules import Rules
from fhirserver.model.validation.profiles.validator import Validator

__all__ = ["Rules", "Validator"]
