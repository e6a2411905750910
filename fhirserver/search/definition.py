"""A SearchParameter resource as the parameters it defines, or what keeps it from defining any.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.definitions import SearchComponent, SearchParameter, definitions
from fhirserver.model.definitions.unions import part_for
from fhirserver.model.fhirpath import FhirPathError, compile_path
from fhirserver.search.convert import converter
from fhirserver.search.routes import Route, routes
from fhirserver.search.values import KINDS

Find = Callable[[str], JsonObject | None]
"""The SearchParameter with a canonical url."""

_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9\-]{0,63}\Z")
_USAGES: Final = frozenset({"normal", "phonetic"})
_MOST_COMPONENTS: Final = 3
_ABSTRACT: Final = frozenset({"Resource", "DomainResource"})


@dataclass(slots=True)
class Definition:
    """What a resource defines: a parameter per type. ``same``: the types that have this one from R4 already."""

    by_type: dict[str, SearchParameter] = field(default_factory=dict)
    same: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def wrong(self, element: str, text: str, code: str = "invalid") -> None:
        self.issues.append(Issue(code, text, (f"SearchParameter.{element}",)))


def is_active(resource: JsonObject) -> bool:
    """Whether a resource is a SearchParameter that is to be taken up."""
    return resource.get("resourceType") == "SearchParameter" and resource.get("status") == "active"


def read_definition(resource: JsonObject, find: Find | None = None) -> Definition:
    """The parameters that a structurally valid, active SearchParameter defines; issues where it cannot be used."""
    made = Definition()
    kind, code = str(resource.get("type")), str(resource.get("code"))
    types = list(_types(resource.get("base", ())))
    made.same = [type for type in types if _is_same(resource, type, code)]
    types = [type for type in types if type not in made.same]
    if not types and made.same:
        return made
    if not _CODE.match(code):
        made.wrong("code", "A code is a letter and up to 63 letters, digits and hyphens", "value")
    if kind not in KINDS:
        made.wrong("type", f"Search parameters of type {kind} cannot be defined", "not-supported")
    if resource.get("xpathUsage", "normal") not in _USAGES:
        made.wrong("xpathUsage", "Only normal and phonetic usage is supported", "not-supported")
    if not resource.get("expression"):
        made.wrong("expression", "Without an expression nothing can be found", "required")
    for type in types:
        if code in definitions().search_parameters(type):
            made.wrong("code", f"{type} has the search parameter {code} from R4 already", "duplicate")
    components = _components(made, resource, find) if kind == "composite" else ()
    if not made.issues:
        for type in types:
            _define(made, type, resource, components)
    return made


def _types(bases: Iterable[str]) -> Iterator[str]:
    """The concrete types among the bases."""
    for base in bases:
        if base not in _ABSTRACT:
            yield base
            continue
        for type in sorted(definitions().resource_types):
            if definitions().is_a(type, base):
                yield type


def _is_same(resource: JsonObject, type: str, code: str) -> bool:
    """Whether R4's own parameter is meant: under its url, or as what this one is derived from."""
    standard = definitions().search_parameters(type).get(code)
    if standard is None or standard.type != resource.get("type"):
        return False
    urls = {str(resource.get(name, "")).partition("|")[0] for name in ("url", "derivedFrom")}
    return standard.url in urls or _part(resource.get("expression", ""), type) == standard.expression


def _define(made: Definition, type: str, resource: JsonObject, of: tuple[SearchComponent, ...]) -> None:
    expression = _part(resource["expression"], type)
    if not expression:
        made.wrong("expression", f"No part of the expression is about {type}")
        return
    try:
        expression = _compilable(expression, type)
    except FhirPathError as error:
        made.wrong("expression", f"Not an expression on {type}: {error}")
        return
    parameter = SearchParameter(
        resource["code"],
        resource["url"],
        resource["type"],
        expression,
        tuple(resource.get("target", ())),
        of,
        tuple(resource.get("comparator", ())),
        resource.get("xpathUsage", "normal"),
    )
    found = routes(expression, type)
    if parameter.type == "composite":
        _check_composite(made, parameter, found)
    elif found is not None and not any(_converts(parameter.code, parameter.type, route) for route in found):
        yielded = ", ".join(sorted({route.type for route in found}))
        made.wrong("expression", f"{yielded} cannot be searched as {parameter.type}")
    made.by_type[type] = parameter


def _compilable(expression: str, type: str) -> str:
    """The expression, its choices said as FHIRPath has it where it says them as JSON does (US Core does).

    Raises :class:`FhirPathError`, with the place in the expression as it was given.
    """
    try:
        compile_path(expression, context=type)
    except FhirPathError:
        said = _CHOICE.sub(_as_choice, expression)
        if said == expression:
            raise
        try:
            compile_path(said, context=type)
        except FhirPathError:
            compile_path(expression, context=type)
        return said
    return expression


_CHOICE: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\.([a-z][A-Za-z0-9]*)\b(?!\()")


def _as_choice(match: re.Match[str]) -> str:
    """``.valueDateTime`` as ``.value.ofType(dateTime)``; a text in quotes and any other name as they are."""
    name, type = _choices().get(match[1] or "", ("", ""))
    return f".{name}.ofType({type})" if name else match[0]


@cache
def _choices() -> dict[str, tuple[str, str]]:
    """JSON names of choices to their name and type."""
    known = definitions()
    elements = (e for name in known.type_names if (t := known.type(name)) for e in t.elements.values())
    return {element.json_name: (element.name, element.type) for element in elements if element.choice}


def _converts(code: str, kind: str, route: Route) -> bool:
    return converter(code, kind, route.type) is not None


def _check_composite(made: Definition, parameter: SearchParameter, found: list[Route] | None) -> None:
    if found is None:
        text = "The expression of a composite is a path: steps, choices of type, simple filters"
        made.wrong("expression", text, "not-supported")
        return
    for number, component in enumerate(parameter.components):
        if not all(_is_path(component, route) for route in found):
            text = f"The expression is no path from {parameter.expression} to a {component.type}"
            made.wrong(f"component[{number}].expression", text)


def _is_path(component: SearchComponent, route: Route) -> bool:
    expression, origin = component.expression, route.type
    if expression.startswith("%resource."):
        return False
    try:
        inner = routes(expression, origin)
    except FhirPathError:
        return False
    return bool(inner) and any(_converts(component.code, component.type, one) for one in inner or ())


def _components(made: Definition, resource: JsonObject, find: Find | None) -> tuple[SearchComponent, ...]:
    given = resource.get("component", ())
    if not 2 <= len(given) <= _MOST_COMPONENTS:
        made.wrong("component", f"A composite has 2 to {_MOST_COMPONENTS} components", "not-supported")
    components = []
    for number, one in enumerate(given):
        url = str(one.get("definition", "")).partition("|")[0]
        part = definitions().conformance(url) or (find(url) if find else None)
        if part is None or part.get("resourceType") != "SearchParameter":
            made.wrong(f"component[{number}].definition", "There is no such SearchParameter", "not-found")
        elif part["type"] not in KINDS or part["type"] == "composite":
            text = f"A parameter of type {part['type']} cannot be a component"
            made.wrong(f"component[{number}].definition", text, "not-supported")
        else:
            targets = tuple(part.get("target", ()))
            components.append(SearchComponent(part["code"], url, part["type"], one["expression"], targets))
    return tuple(components)


def _part(expression: str, type: str) -> str:
    return part_for(type, expression, definitions().resource_types.__contains__)
