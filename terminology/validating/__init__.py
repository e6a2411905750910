"""``$validate-code``: whether a code is in a value set or a code system, and what is to be said of it.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html,
https://build.fhir.org/ig/HL7/fhir-tx-ecosystem-ig/requirements.html
"""
