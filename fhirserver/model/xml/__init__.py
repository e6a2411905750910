"""FHIR XML to FHIR JSON, driven by the definitions. https://hl7.org/fhir/R4/xml.html"""

from __future__ import annotations

from fhirserver.model.xml.document import InvalidXml
from fhirserver.model.xml.read import read_xml

__all__ = ["InvalidXml", "read_xml"]
