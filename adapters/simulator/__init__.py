"""A simulated EHR: somebody else's FHIR R4 server, in a process of its own, that can be made to misbehave."""
