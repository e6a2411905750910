"""The tools: FHIR calls over HTTP. The agent reaches the world only here."""
