"""The types of the GraphQL schema and their fields, from the R4 definitions. https://hl7.org/fhir/R4/graphql.html#schema

A resource type, datatype or backbone goes by its FHIR name here (``Patient.contact``); :func:`shown` gives the
name by which clients know it (``PatientContact``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from fhirserver.model.definitions import ElementDef, definitions
from fhirserver.search.parameters import searchable

Kind = Literal["element", "sibling", "type", "read", "list", "connection", "resolve", "own"]

QUERY = "Query"
CONTROLS = ("_count", "_cursor", "_offset", "_sort")
"""Arguments of searches that are no search parameters; ``_reference`` comes with lookups inside a resource."""
_PAGE = {
    "count": "integer",
    "offset": "integer",
    "pagesize": "integer",
    "first": "id",
    "previous": "id",
    "next": "id",
    "last": "id",
}
_EDGE = {"mode": "code", "score": "decimal"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a type. ``type`` is that of its value; ``resource`` the type that a search or read is for."""

    name: str
    kind: Kind
    type: str
    is_list: bool = False
    element: ElementDef | None = None
    resource: str = ""

    @property
    def is_scalar(self) -> bool:
        return is_scalar(self.type)


def is_scalar(type: str) -> bool:
    found = definitions().type(type)
    return found is not None and found.kind == "primitive-type"


def is_resource(type: str) -> bool:
    return definitions().is_a(type, "Resource")


@cache
def fields_of(type: str) -> dict[str, Field]:
    """The fields of a type; empty for a type that there is not."""
    if type == QUERY:
        return _reads() | _lookups("")
    if type.endswith("Connection") and type[:-10] in definitions().resource_types:
        edges = Field("edges", "own", f"{type[:-10]}Edge", is_list=True)
        return {"edges": edges, **{name: Field(name, "own", of) for name, of in _PAGE.items()}}
    if type.endswith("Edge") and type[:-4] in definitions().resource_types:
        resource = Field("resource", "own", type[:-4])
        return {"resource": resource, **{name: Field(name, "own", of) for name, of in _EDGE.items()}}
    return _elements(type)


def _reads() -> dict[str, Field]:
    return {type: Field(type, "read", type, resource=type) for type in sorted(definitions().resource_types)}


def _lookups(target: str) -> dict[str, Field]:
    """Searches of every type, or of those that may refer to resources of a type."""
    found: dict[str, Field] = {}
    for type in sorted(definitions().resource_types):
        if target and not references_to(type, target):
            continue
        found[f"{type}List"] = Field(f"{type}List", "list", type, is_list=True, resource=type)
        found[f"{type}Connection"] = Field(
            f"{type}Connection", "connection", f"{type}Connection", resource=type
        )
    return found


def _elements(type: str) -> dict[str, Field]:
    definition = definitions().type(type)
    if definition is None:
        return {}
    found: dict[str, Field] = {}
    for element in definition.elements.values():
        name = element.json_name
        found[name] = Field(name, "element", element.type, element.is_list, element)
        if is_scalar(element.type) and element.type != "xhtml" and name != "id":
            found[f"_{name}"] = Field(f"_{name}", "sibling", "Element", element.is_list, element)
    if is_resource(type):
        found["resourceType"] = Field("resourceType", "type", "code")
        found.update(_lookups(type))
    if type == "Reference":
        found["resource"] = Field("resource", "resolve", "Resource")
    return found


@cache
def references_to(type: str, target: str) -> tuple[str, ...]:
    """The parameters of a type that may refer to resources of another, as ``_reference`` takes them."""
    any_target = ("Resource", target)
    return tuple(
        code
        for code, one in searchable(type).items()
        if one.type == "reference" and (not one.targets or any(of in one.targets for of in any_target))
    )


def shown(type: str) -> str:
    """The name of a type in the schema: ``PatientContact`` for ``Patient.contact``."""
    return "".join(part[:1].upper() + part[1:] for part in type.split(".")) if "." in type else type


@cache
def _by_shown() -> dict[str, str]:
    return {shown(name): name for name in definitions().type_names}


def type_named(name: str) -> str | None:
    """The type that a client calls ``name``; None where there is none."""
    if name in (QUERY,) or fields_of(name):
        return name
    return _by_shown().get(name)


def applies(condition: str, type: str) -> bool:
    """Whether a fragment on ``condition`` is for a value of ``type``."""
    return condition == type or definitions().is_a(type, condition)


def may_apply(condition: str, type: str) -> bool:
    """Whether it may be, where ``type`` is all that is known."""
    return applies(condition, type) or definitions().is_a(condition, type)


@cache
def parameters_of(type: str) -> dict[str, str]:
    """Search parameters by the names of their arguments: ``general_practitioner`` → ``general-practitioner``."""
    return {code.replace("-", "_"): code for code in searchable(type)}
