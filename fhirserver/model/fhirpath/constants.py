"""``%names``. https://hl7.org/fhir/R4/fhirpath.html#variables"""

from __future__ import annotations

from fhirserver.model.fhirpath.code import ANYTHING, Code, Static, one_of
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.syntax import Constant
from fhirserver.model.fhirpath.values import (
    BOOLEAN,
    DECIMAL,
    INTEGER,
    STRING,
    TERMINOLOGIES,
    Items,
    Typed,
    string,
)

_URLS = {"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}
_PREFIXES = {"vs-": "http://hl7.org/fhir/ValueSet/", "ext-": "http://hl7.org/fhir/StructureDefinition/"}
RESERVED = frozenset({"context", "resource", "rootResource", "terminologies", *_URLS})
"""Names that an expression cannot define."""


def constant(node: Constant, context: str | None, defined: bool) -> Code:
    """The code of a ``%name``, ``defined`` in the expression or not; an unknown one is an execution error."""
    name = node.name
    if defined:
        return Code(lambda frame, focus: frame.variables.get(name, []), ANYTHING)
    if name == "context":
        known = Static(frozenset({context}), many=False) if context else ANYTHING
        return Code(lambda frame, focus: frame.context, known)
    if name in ("resource", "rootResource"):
        return Code(_resource if name == "resource" else _root_resource, Static(None, many=False))
    if name == "terminologies":
        service: Items = [TERMINOLOGIES]
        return Code(lambda frame, focus: service, Static(None, many=False))
    url = _url(name)
    if url is not None:
        result = string(url)
        return Code(lambda frame, focus: result, one_of(STRING))
    return Code(lambda frame, focus: _variable(frame, name, node.at), ANYTHING)


def _url(name: str) -> str | None:
    if name in _URLS:
        return _URLS[name]
    return next((url + name[len(p) :] for p, url in _PREFIXES.items() if name.startswith(p)), None)


def _as_resource(value: object) -> Items:
    return [Typed(value, str(value.get("resourceType", "Resource")))] if isinstance(value, dict) else []


def _resource(frame: Frame, focus: Items) -> Items:
    return _as_resource(frame.resource)


def _root_resource(frame: Frame, focus: Items) -> Items:
    return _as_resource(frame.environment.root_resource or frame.resource)


def _variable(frame: Frame, name: str, at: int) -> Items:
    if name not in frame.environment.variables:
        raise FhirPathError("the environment has no such variable", at)
    return as_items(frame.environment.variables[name])


def as_items(value: object) -> Items:
    """A variable's value as a collection: Typed items as they are, plain JSON with System types."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [one if isinstance(one, Typed) else Typed(one, _plain_type(one)) for one in values]


def _plain_type(value: object) -> str:
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int):
        return INTEGER
    if isinstance(value, str):
        return STRING
    if isinstance(value, dict):
        return str(value.get("resourceType", "Element"))
    return DECIMAL
