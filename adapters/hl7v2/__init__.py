"""The adapter for HL7 version 2: messages over MLLP, in and out."""
