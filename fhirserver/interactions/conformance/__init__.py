"""The server's own definitions as FHIR resources: extensions, code systems, value sets, operations."""
