"""Expansion of value sets: from ``compose`` to ``expansion``. https://hl7.org/fhir/R4/valueset.html#compositions"""
