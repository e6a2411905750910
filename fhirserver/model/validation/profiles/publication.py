"""What HL7 asks of the conformance resources that it publishes. https://hl7.org/fhir/R4/metadataresource.html"""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.objects import objects, text
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_GROUP = "http://hl7.org/fhir/StructureDefinition/structuredefinition-wg"
_HL7 = ("http://hl7.org/", "https://hl7.org/", "http://terminology.hl7.org/")


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """The committee is named where HL7 publishes; experimental content stands only where it may."""
    if resource.get("experimental") is True and not run.rules.experimental:
        run.add("business-rule", "experimental content is not allowed here", place)
    named = any(text(e, "url") == _GROUP for e, _ in objects(resource, "extension", place))
    if run.rules.for_publication and text(resource, "url").startswith(_HL7) and not named:
        words = f"what HL7 publishes names the committee that owns it with the extension {_GROUP}"
        run.add("business-rule", words, place)
