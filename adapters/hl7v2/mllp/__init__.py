"""MLLP: HL7v2 messages over TCP, framed by a start and an end block, each answered on the same connection."""
