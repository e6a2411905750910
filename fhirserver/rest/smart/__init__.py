"""The authorization server over HTTP. https://hl7.org/fhir/smart-app-launch/"""
