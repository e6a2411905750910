"""Changes of the world as HL7v2 messages to an EHR: see docs/hl7v2-outbound.md."""
