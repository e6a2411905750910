"""Operations as OpenAPI operations. https://hl7.org/fhir/R4/operations.html"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fhirserver.interactions.registry import Operation, Parameter
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions

_PATHS = {
    "system": "/",
    "type": "/{type}/",
    "instance": "/{type}/{id}/",
    "version": "/{type}/{id}/_history/{vid}/",
}
_NUMBERS: dict[str, JsonObject] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "positiveInt": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
    "unsignedInt": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
    "decimal": {"type": "number"},
}


def operation_items(operation: Operation, types: Sequence[str]) -> Iterator[tuple[str, str, JsonObject]]:
    """Path, method and description of each way to invoke an operation."""
    for level in operation.levels:
        path = f"{_PATHS[level]}${operation.name}"
        fitting = [type for type in types if operation.fits(level, type)]
        for type in fitting if "{type}" in path else ("",):
            if not operation.affects_state:
                yield path.replace("{type}", type), "get", _item(operation, level, type, "get")
            yield path.replace("{type}", type), "post", _item(operation, level, type, "post")


def _item(operation: Operation, level: str, type: str, method: str) -> JsonObject:
    level = level if level != "type" else ""
    given = [one for one in operation.parameters if one.use == "in"]
    item: JsonObject = {
        "operationId": "-".join(filter(None, (type, operation.name, level, method))),
        "summary": f"${operation.name}: {operation.description}".rstrip(": "),
        "tags": [type or "system"],
        "security": [{"bearer": [operation.role]}],
        "externalDocs": {"url": operation.definition},
        "responses": {
            "200": {"description": "The answer", "content": _answers(operation)},
            "default": {"$ref": "#/components/responses/refused"},
        },
    }
    if method == "get":
        item["parameters"] = [_query(one) for one in given if _is_simple(one)]
    else:
        item["requestBody"] = {"content": _content(_input(given))}
    return {name: value for name, value in item.items() if value != []}


def _content(schema: JsonObject) -> JsonObject:
    return {"application/fhir+json": {"schema": schema}}


def _answers(operation: Operation) -> JsonObject:
    """FHIR in both formats; GraphQL answers in its own."""
    if operation.name == "graphql":
        return {"application/json": {"schema": {"type": "object"}}}
    return {**_content(_answer(operation)), "application/fhir+xml": {}}


def _answer(operation: Operation) -> JsonObject:
    """The one resource named ``return``, else Parameters."""
    outs = [one for one in operation.parameters if one.use == "out"]
    types = {*definitions().resource_types, "Resource"}
    plain = len(outs) == 1 and outs[0].name == "return" and outs[0].type in types
    return {"$ref": f"#/components/schemas/{'Resource' if plain or not outs else 'Parameters'}"}


def _input(given: Sequence[Parameter]) -> JsonObject:
    """Parameters with the names that the operation takes."""
    one: JsonObject = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"enum": [parameter.name for parameter in given]}},
    }
    kind: JsonObject = {"resourceType": {"const": "Parameters"}}
    if not given:
        return {
            "type": "object",
            "required": ["resourceType"],
            "properties": kind,
            "additionalProperties": False,
        }
    members = {**kind, "parameter": {"type": "array", "items": one}}
    return {"type": "object", "required": ["resourceType"], "properties": members}


def _is_simple(one: Parameter) -> bool:
    kind = definitions().type(one.type)
    return kind is not None and kind.kind == "primitive-type"


def _query(one: Parameter) -> JsonObject:
    schema: JsonObject = _NUMBERS.get(one.type, {"type": "string", "minLength": 1})
    return {
        "name": one.name,
        "in": "query",
        "required": one.min > 0 and one.max == "1",
        "description": one.text,
        "schema": schema if one.max == "1" else {"type": "array", "items": schema},
        "x-fhir-type": one.type,
    }
