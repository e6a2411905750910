"""Another terminology server behind the port: asked over HTTP, its answers kept for a while, what is here beside it.

Only codes, systems, canonical urls and definitions of value sets go out; never a display, a text or a resource of a
patient. https://hl7.org/fhir/R4/terminology-service.html
"""
