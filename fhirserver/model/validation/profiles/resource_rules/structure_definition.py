"""StructureDefinition: what the elements say can be carried out. https://hl7.org/fhir/R4/structuredefinition.html"""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import FhirPathError, compile_path
from fhirserver.model.validation.profiles.objects import objects, text, value_of
from fhirserver.model.validation.profiles.resource_rules import derivation
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """The base is known, constraints can be read, fixed values have the element's type, cardinalities fit."""
    if text(resource, "derivation") == "constraint":
        _constrains(resource, place, run)
    _extension(resource, place, run)
    for name in ("snapshot", "differential"):
        seen: set[str] = set()
        for element, at in objects(resource.get(name), "element", (place, name, -1)):
            run.beat()
            _element(element, text(resource, "type"), at, run)
            _once(element, seen, at, run)


def _constrains(resource: JsonObject, place: Place, run: Run) -> None:
    """A profile constrains the type that its base is for, and only elements that the base has."""
    url = text(resource, "baseDefinition")
    base = run.profiles.definition(url) if url else None
    if base is None:
        run.add(
            "not-found", "the base definition is not known here", (place, "baseDefinition", -1), "warning"
        )
    elif text(base, "type") != text(resource, "type"):
        run.add("invalid", "constrains another type than its base definition", (place, "type", -1))
    elif not run.profiles.carries_out(resource):
        words = "the elements cannot be carried out: one of them is not in the base definition, or malformed"
        run.add("invalid", words, place)
    else:
        if text(base, "kind") != text(resource, "kind"):
            run.add("invalid", "is of another kind than its base definition", (place, "kind", -1))
        derivation.check(resource, place, run)


def _extension(resource: JsonObject, place: Place, run: Run) -> None:
    """An extension fixes its url to its own; only an extension says where it may stand."""
    if text(resource, "type") != "Extension":
        for name in ("context", "contextInvariant"):
            if name in resource:
                run.add("invalid", "only an extension says where it may stand", (place, name, -1))
        return
    for view in ("snapshot", "differential"):
        for element, at in objects(resource.get(view), "element", (place, view, -1)):
            fixed = text(element, "fixedUri")
            if text(element, "path") == "Extension.url" and fixed and fixed != text(resource, "url"):
                words = "is not the url of this extension"
                run.add("invalid", words, (at, "fixed.ofType(uri)", -1))


def _element(element: JsonObject, type_name: str, place: Place, run: Run) -> None:
    path = text(element, "path")
    is_logical = definitions().type(type_name) is None
    if path.partition(".")[0] != type_name.rpartition("/")[2] and not is_logical:
        run.add(
            "invalid",
            "the path begins with another type than the one that is constrained",
            (place, "path", -1),
        )
    _cardinality(element, place, run)
    for constraint, at in objects(element, "constraint", place):
        _constraint(constraint, at, run)
    for problem in _values(element):
        run.add("invalid", problem, place)
    for discriminator, at in objects(element.get("slicing"), "discriminator", (place, "slicing", -1)):
        _discriminator(discriminator, at, run)


def _once(element: JsonObject, seen: set[str], place: Place, run: Run) -> None:
    name = text(element, "id")
    if name and name in seen:
        run.add("invalid", "another element has this id", (place, "id", -1))
    seen.add(name)


def _cardinality(element: JsonObject, place: Place, run: Run) -> None:
    least, most = element.get("min"), text(element, "max")
    if isinstance(least, int) and most.isdigit() and least > int(most):
        run.add("invalid", "the minimum is more than the maximum (eld-2)", place)


def _constraint(constraint: JsonObject, place: Place, run: Run) -> None:
    expression = text(constraint, "expression")
    if not expression:
        return
    try:
        compile_path(expression, None, strict=False)
    except FhirPathError as error:
        run.add("invalid", f"the expression is no valid FHIRPath: {error.message}", (place, "expression", -1))


def _values(element: JsonObject) -> Iterator[str]:
    """A fixed value or pattern has the one type of the element, or one of its types."""
    types = {text(t, "code") for t in element.get("type", ()) if isinstance(t, dict)}
    codes = {code[:1].upper() + code[1:] for code in types if ":" not in code}
    if not codes or len(codes) < len(types):
        return
    for prefix in ("fixed", "pattern"):
        found = value_of(element, prefix)
        if found is not None and found[0] not in codes:
            yield f"has a {prefix} value of a type that the element does not have"


def _discriminator(discriminator: JsonObject, place: Place, run: Run) -> None:
    path = text(discriminator, "path")
    try:
        compile_path(path.replace("[x]", "") or "$this", None, strict=False)
    except FhirPathError:
        run.add("invalid", "the path of the discriminator cannot be read", (place, "path", -1))
