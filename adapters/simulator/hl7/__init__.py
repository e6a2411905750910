"""A simulated EHR that speaks HL7v2: it keeps patients and appointments, takes ADT and SIU over MLLP, and tells of its
own changes by the same. Control over HTTP. ``python -m adapters.simulator.hl7 --help``.
"""
