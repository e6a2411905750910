"""A simulated EHR that speaks HL7v2: it keeps patients and appointments in a database, takes ADT and SIU over MLLP, and
tells of all its changes by the same. Control over HTTP. See docs/hl7v2-simulator.md.
"""
