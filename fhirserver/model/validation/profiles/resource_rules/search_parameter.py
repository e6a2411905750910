"""SearchParameter: its expression, its components, what it derives from. https://hl7.org/fhir/R4/searchparameter.html"""

from __future__ import annotations

import re

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import FhirPathError, compile_path
from fhirserver.model.validation.profiles.objects import objects, text
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_CHOICE_IN_JSON = re.compile(r"\.(?:value|effective|onset|performed|occurrence|deceased|medication)[A-Z]")


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """A composite has two components or more; expressions can be read."""
    components = list(objects(resource, "component", place))
    if text(resource, "type") == "composite":
        if len(components) < 2:
            run.add("business-rule", "a composite has two or more components", place)
    elif components:
        run.add("business-rule", "only a composite has components", (place, "component", -1), "warning")
    if _expression(resource, place, run):
        _on_base(resource, place, run)
    for component, at in components:
        _expression(component, at, run)
        _definition(text(component, "definition"), (at, "definition", -1), run)
    _derived(resource, place, run)


def _expression(holder: JsonObject, place: Place, run: Run) -> bool:
    """Whether it can be read."""
    expression = text(holder, "expression")
    if not expression:
        return True
    try:
        compile_path(expression, None, strict=False)
    except FhirPathError as error:
        words = f"the expression is no valid FHIRPath: {error.message}"
        run.add("invalid", words, (place, "expression", -1))
        return False
    return True


def _on_base(resource: JsonObject, place: Place, run: Run) -> None:
    """What is for one type alone names elements of that type. A choice may be said as in JSON, as some guides do."""
    bases, expression = resource.get("base"), text(resource, "expression")
    if not isinstance(bases, list) or len(bases) != 1 or definitions().type(str(bases[0])) is None:
        return
    if not expression or _CHOICE_IN_JSON.search(expression):
        return
    try:
        compile_path(expression, str(bases[0]))
    except FhirPathError as error:
        words = f"the expression cannot be evaluated on {bases[0]}: {error.message}"
        run.add("invalid", words, (place, "expression", -1))


def _definition(url: str, place: Place, run: Run) -> None:
    if url and run.profiles.conformance.find(url, "SearchParameter") is None:
        run.add("not-found", "the search parameter is not known here", place, "warning")


def _derived(resource: JsonObject, place: Place, run: Run) -> None:
    """A derived parameter has the type of what it derives from, and no further bases."""
    url = text(resource, "derivedFrom")
    origin = run.profiles.conformance.find(url, "SearchParameter") if url else None
    if origin is None:
        return
    if text(resource, "type") != text(origin, "type"):
        run.add("business-rule", "has another type than what it derives from", (place, "type", -1))
    bases = {base for base in origin.get("base", ()) if isinstance(base, str)}
    for at, base in enumerate(resource.get("base") or ()):
        if isinstance(base, str) and base not in bases and bases.isdisjoint({"Resource", "DomainResource"}):
            run.add("business-rule", "is no base of what it derives from", (place, "base", at))
