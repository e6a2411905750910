"""The OpenAPI document: https://spec.openapis.org/oas/v3.1.0 - what the registry routes and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fhirserver.interactions.openapi.components import components, parameter_ref
from fhirserver.interactions.openapi.forms import REPEATED, Form, form_of
from fhirserver.interactions.openapi.operations import operation_items
from fhirserver.interactions.openapi.search_parameters import component_name, in_path_order
from fhirserver.interactions.registry import Interaction, Registry
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions

PATHS = {
    "system": "/",
    "type": "/{type}",
    "type-search": "/{type}/_search",
    "instance": "/{type}/{id}",
    "version": "/{type}/{id}/_history/{vid}",
    "instance-history": "/{type}/{id}/_history",
    "type-history": "/{type}/_history",
    "system-history": "/_history",
    "system-search": "/_search",
    "compartment": "/{compartment}/{id}/{type}",
    "compartment-search": "/{compartment}/{id}/{type}/_search",
}
"""Where an interaction of each level of the registry lives; ``{type}`` stands for each resource type."""

_TEXT = (
    "FHIR R4 (4.0.1), in JSON as described here and in XML alike (`application/fhir+xml`). Every error is an "
    "OperationOutcome. A search parameter may carry a modifier "
    "(`name:exact`) or be chained (`subject:Patient.name`, `_has:Observation:patient:code`), which OpenAPI cannot "
    "express: see `x-fhir-modifiers` and https://hl7.org/fhir/R4/search.html. What is not described is refused."
)


def openapi_document(
    registry: Registry, base_url: str, version: str, types: Sequence[str] | None = None
) -> JsonObject:
    """The description of everything the registry has; ``types`` are the resource types it speaks of, None for all."""
    chosen = sorted(definitions().resource_types if types is None else set(types))
    paths: dict[str, JsonObject] = {"/metadata": {"get": _METADATA}, "/openapi.json": {"get": _OPENAPI}}
    for path, method, item in _items(registry, chosen):
        paths.setdefault(path, _path_item(path))[method] = item
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Credence, a FHIR R4 server",
            "version": version,
            "description": _TEXT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base_url}],
        "security": [{"bearer": []}],
        "tags": [{"name": "system"}, *({"name": type} for type in chosen)],
        "paths": paths,
        "components": components(chosen),
    }


def _items(registry: Registry, types: Sequence[str]) -> Iterator[tuple[str, str, JsonObject]]:
    """Path, method and description of each interaction and operation."""
    for one in registry.interactions:
        if one.level == "metadata":
            continue  # described with the paths of the server
        for path, type in _places(PATHS[one.level], types):
            yield path, one.method.lower(), _interaction(one, type, path)
    for operation in registry.operations:
        yield from operation_items(operation, types)


def _places(template: str, types: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The paths of a level and the types they speak of: a compartment's only where it holds the type."""
    if "{compartment}" in template:
        for name in sorted(definitions().compartments & set(types)):
            inside = template.replace("{compartment}", name)
            yield from _places(inside, [type for type in types if type in definitions().compartment(name)])
    else:
        for type in types if "{type}" in template else ("",):
            yield template.replace("{type}", type), type


def _path_item(path: str) -> JsonObject:
    names = [name for name in ("id", "vid") if f"{{{name}}}" in path]
    return {"parameters": [parameter_ref(name) for name in (*names, "_format", "_pretty")]}


def _interaction(one: Interaction, type: str, path: str) -> JsonObject:
    form = form_of(one.code, one.level, one.method)
    names: Iterable[str] = form.parameters
    if form.searches:
        names = (*names, *(component_name(type, code) for code in in_path_order(type)))
    repeated = REPEATED.get((one.code, one.level))
    around = path.split("/")[1] if one.level.startswith("compartment") else ""
    if form.searches and around == "Patient":
        names = (*names, "_asOf")
    item: JsonObject = {
        "operationId": "-".join(filter(None, (around, type, *one.code.split(), repeated))),
        "summary": form.summary.replace("{type}", type),
        "tags": [type or "system"],
        "security": [{"bearer": [one.role]}],
        "parameters": [parameter_ref(name) for name in names],
        "responses": _responses(form, type),
    }
    if form.body:
        item["requestBody"] = _body(form.body, type)
    return {name: value for name, value in item.items() if value != []}


def _responses(form: Form, type: str) -> JsonObject:
    answers: JsonObject = {}
    for status, (text, body) in form.answers.items():
        answers[str(status)] = {"description": text, **({"content": _content(body, type)} if body else {})}
    return {**answers, "default": {"$ref": "#/components/responses/refused"}}


def _content(body: str, type: str) -> JsonObject:
    name = type if body == "resource" and type else body[:1].upper() + body[1:]
    return {
        "application/fhir+json": {"schema": {"$ref": f"#/components/schemas/{name}"}},
        "application/fhir+xml": {},
    }


def _body(body: str, type: str) -> JsonObject:
    if body in ("patch", "form"):
        return {"$ref": f"#/components/requestBodies/{body}"}
    return {"required": True, "content": _content(body, type)}


_METADATA: JsonObject = {
    "operationId": "capabilities",
    "summary": "The CapabilityStatement",
    "tags": ["system"],
    "security": [{}],
    "responses": {
        "200": {"description": "The CapabilityStatement", "content": _content("resource", "")},
        "default": {"$ref": "#/components/responses/refused"},
    },
}
_OPENAPI: JsonObject = {
    "operationId": "openapi",
    "summary": "This description",
    "tags": ["system"],
    "security": [{"bearer": ["read"]}],
    "parameters": [parameter_ref("openapi-type")],
    "responses": {
        "200": {
            "description": "The description",
            "content": {"application/vnd.oai.openapi+json": {"schema": {"type": "object"}}},
        },
        "default": {"$ref": "#/components/responses/refused"},
    },
}
