"""The adapter for EHRs that speak FHIR R4 over HTTP."""

from adapters.fhir.ehr import FhirEhr, FhirSettings
from adapters.fhir.retries import RetryPolicy
from adapters.fhir.tokens import StaticToken, TokenProvider

__all__ = ["FhirEhr", "FhirSettings", "RetryPolicy", "StaticToken", "TokenProvider"]
