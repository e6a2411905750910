"""SNOMED CT in Release Format 2: the International Edition, national editions, and extensions with what they extend.

https://docs.snomed.org (Release File Specification), https://hl7.org/fhir/R4/snomedct.html
"""
