"""FHIR XML to FHIR JSON and back, driven by the definitions. https://hl7.org/fhir/R4/xml.html"""

from __future__ import annotations

from fhirserver.model.xml.faults import InvalidXml, NotInXml
from fhirserver.model.xml.read import read_xml
from fhirserver.model.xml.write import write_xml

__all__ = ["InvalidXml", "NotInXml", "read_xml", "write_xml"]
