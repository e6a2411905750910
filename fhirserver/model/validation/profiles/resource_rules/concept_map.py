"""ConceptMap: its codes are of the code systems that it names. https://hl7.org/fhir/R4/conceptmap.html"""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.objects import objects, text
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_R4 = "http://hl7.org/fhir/ConceptMap/"


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """Sources and targets of every group. Maps that R4 itself publishes name codes that are no more."""
    severity = run.rules.lapses if text(resource, "url").startswith(_R4) else "error"
    for group, at in objects(resource, "group", place):
        source, target = text(group, "source"), text(group, "target")
        for element, where in objects(group, "element", at):
            run.beat()
            _code(element, source, severity, where, run)
            for one, here in objects(element, "target", where):
                _code(one, target, severity, here, run)


def _code(holder: JsonObject, system: str, severity: str, place: Place, run: Run) -> None:
    code = text(holder, "code")
    if system and code and run.codes.is_unknown(system, code):
        run.add("code-invalid", f"the code system {system} has no such code", (place, "code", -1), severity)
