"""The adapter for EHRs that speak FHIR R4 over HTTP."""
