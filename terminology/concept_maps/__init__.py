"""Translating codes by ConceptMaps, and closure tables. https://hl7.org/fhir/R4/conceptmap.html"""
