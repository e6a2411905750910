"""The authorization server of SMART App Launch, without HTTP. https://hl7.org/fhir/smart-app-launch/"""
