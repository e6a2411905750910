"""ValueSet: systems, codes and filters of its compose. https://hl7.org/fhir/R4/valueset.html"""

from __future__ import annotations

from fhirserver.kernel.json import JsonObject
from fhirserver.model.fhirpath import FhirPathError, compile_path
from fhirserver.model.validation.profiles.code_formats import SNOMED, is_malformed
from fhirserver.model.validation.profiles.objects import objects, text, value_of
from fhirserver.model.validation.profiles.resource_rules.code_system import STANDARD_TYPES
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

_EXPRESSION = "http://hl7.org/fhir/StructureDefinition/cqf-expression"
_BOOLEAN = frozenset(name for name, kind in STANDARD_TYPES.items() if kind == "boolean")
_HIERARCHY = frozenset({"is-a", "descendent-of", "is-not-a", "generalizes"})
_SNOMED_OPERATORS = frozenset({"=", "in"})
_CODED_PROPERTIES = frozenset({"concept", "code", "parent", "child"})


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """Every include and exclude."""
    compose = resource.get("compose")
    for name in ("include", "exclude"):
        for part, at in objects(compose, name, (place, "compose", -1)):
            run.beat()
            _part(part, at, run)


def _part(part: JsonObject, place: Place, run: Run) -> None:
    system = text(part, "system")
    if system and (":" not in system or system.startswith("#")):
        run.add("invalid", "the uri of a code system must be absolute", (place, "system", -1))
        return
    if "/ValueSet/" in system and run.profiles.conformance.find(system, "ValueSet") is not None:
        run.add("invalid", "is a value set; a code system must stand here", (place, "system", -1))
    for concept, at in objects(part, "concept", place):
        if run.codes.is_unknown(system, text(concept, "code")):
            run.add("code-invalid", "the code system has no such code", (at, "code", -1), "warning")
    for condition, at in objects(part, "filter", place):
        _filter(condition, system, at, run)


def _filter(condition: JsonObject, system: str, place: Place, run: Run) -> None:
    _expressions(condition, place, run)
    name, operator, value = (text(condition, key) for key in ("property", "op", "value"))
    if not value:
        return
    if name in _BOOLEAN and operator in ("=", "") and value not in ("true", "false"):
        run.add("invalid", f"the value of a filter by {name} is true or false", (place, "value", -1))
    codes = value.split(",") if operator in ("in", "not-in") else [value]
    by_code = name in _CODED_PROPERTIES and operator not in ("regex", "exists")
    if (by_code or operator in _HIERARCHY) and any(_is_unknown(system, code.strip(), run) for code in codes):
        run.add("invalid", "the value of this filter is no code of the code system", (place, "value", -1))
    if system == SNOMED and name.isdigit() and operator not in _SNOMED_OPERATORS:
        run.add("invalid", "this operator is not allowed for an attribute of SNOMED CT", (place, "op", -1))


def _is_unknown(system: str, code: str, run: Run) -> bool:
    return is_malformed(system, code) or run.codes.is_unknown(system, code)


def _expressions(condition: JsonObject, place: Place, run: Run) -> None:
    """A filter whose value is computed: by FHIRPath, which must be well formed."""
    holder = condition.get("_value")
    for extension, at in (
        *objects(condition, "extension", place),
        *objects(holder, "extension", (place, "value", -1)),
    ):
        value = value_of(extension)
        if text(extension, "url") == _EXPRESSION and value is not None and isinstance(value[1], dict):
            _expression(value[1], (at, "value.ofType(Expression)", -1), run)


def _expression(expression: JsonObject, place: Place, run: Run) -> None:
    if text(expression, "language") != "text/fhirpath":
        run.add("invalid", "the language of an expression in a value set is text/fhirpath", place)
        return
    try:
        compile_path(text(expression, "expression"), None, strict=False)
    except FhirPathError as error:
        run.add("exception", f"the expression is no valid FHIRPath: {error.message}", place)
