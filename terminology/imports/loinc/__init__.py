"""LOINC: the complete download (Loinc_2.xx.zip), or as much of it as there is. https://loinc.org/downloads/

https://hl7.org/fhir/R4/loinc.html says how it is used in FHIR,
https://loinc.org/kb/loinc-structure/ what the files hold.
"""
