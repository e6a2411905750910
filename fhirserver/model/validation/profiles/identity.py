"""What must stand once in a resource: ids of elements, security labels.

https://hl7.org/fhir/R4/element.html#id and https://hl7.org/fhir/R4/resource.html#Meta
"""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.objects import objects, text
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place


def element_id(element: JsonObject, place: Place, run: Run) -> None:
    """An id that another element of the resource has could not be pointed at."""
    name = text(element, "id")
    if name:
        if name in run.ids:
            run.add("duplicate", "another element of the resource has this id", (place, "id", -1))
        run.ids.add(name)


def labels(resource: JsonObject, place: Place, run: Run) -> None:
    """Each security label once."""
    seen: set[tuple[str, str]] = set()
    for label, at in objects(resource.get("meta"), "security", (place, "meta", -1)):
        named = text(label, "system"), text(label, "code")
        if named[1] and named in seen:
            run.add("duplicate", "this security label stands here already", at)
        seen.add(named)
