"""The parts that the paths refer to: parameters, headers, schemas, bodies, the answer to what is refused."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.openapi.search_parameters import KINDS, search_parameters
from fhirserver.kernel.json import JsonObject

_ID = "^[A-Za-z0-9.-]{1,64}$"
_INSTANT = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](Z|[+-]0[0-9]:00)$"
)


def parameter_ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/parameters/{name}"}


def components(types: Sequence[str]) -> JsonObject:
    """Everything under ``components`` for a description of the given types."""
    return {
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of the server's settings; the names beside it are the role it needs",
            }
        },
        "parameters": {**_PARAMETERS, **search_parameters(types)},
        "requestBodies": _BODIES,
        "responses": {
            "refused": {
                "description": "Refused or failed: why, and in `expression` where",
                "content": {
                    "application/fhir+json": {"schema": {"$ref": "#/components/schemas/OperationOutcome"}},
                    "application/fhir+xml": {},
                },
            }
        },
        "schemas": {**_SCHEMAS, **{f"search.{kind}": _value(schema) for kind, schema in KINDS.items()}}
        | {type: _resource(type) for type in types if type not in _SCHEMAS},
    }


def _value(schema: JsonObject) -> JsonObject:
    return {"type": "string", **schema}


def _resource(type: str) -> JsonObject:
    """A resource, loosely: https://hl7.org/fhir/R4/fhir.schema.json.zip and ``$validate`` say the rest."""
    return {
        "type": "object",
        "required": ["resourceType"],
        "properties": {
            "resourceType": {"const": type},
            "id": {"type": "string", "pattern": _ID},
            "meta": {"type": "object"},
        },
        "externalDocs": {"url": f"https://hl7.org/fhir/R4/{type.lower()}.html"},
    }


def _query(name: str, description: str, schema: JsonObject) -> JsonObject:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(name: str, description: str, schema: JsonObject | None = None) -> JsonObject:
    return {"name": name, "in": "header", "description": description, "schema": schema or {"type": "string"}}


def _path(name: str, description: str, pattern: str) -> JsonObject:
    schema = {"type": "string", "pattern": pattern}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _choice(*values: str) -> JsonObject:
    return {"type": "string", "enum": list(values)}


def _many(pattern: str) -> JsonObject:
    return {"type": "array", "items": {"type": "string", "pattern": pattern}}


_TEXT: JsonObject = {"type": "string", "minLength": 1}
_COUNT: JsonObject = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
_INCLUDE = r"^(\*|[A-Z][A-Za-z]+:[a-z-]+(:[A-Z][A-Za-z]+)?)$"

_PARAMETERS: JsonObject = {
    "id": _path("id", "The logical id", _ID),
    "vid": _path("vid", "The version", "^[1-9][0-9]{0,17}$"),
    "_format": _query("_format", "The format of the answer, instead of Accept", _choice("json", "xml")),
    "_pretty": _query("_pretty", "With line breaks and indents", {"type": "boolean"}),
    "_summary": _query(
        "_summary", "Which part of each resource", _choice("true", "text", "data", "count", "false")
    ),
    "_elements": _query("_elements", "Top-level elements, with commas between them", _TEXT),
    "_sort": _query(
        "_sort", "Parameters with commas between them; - before those in descending order", _TEXT
    ),
    "_count": _query("_count", "How many on a page", _COUNT),
    "_include": _query("_include", "What matches refer to", _many(_INCLUDE)),
    "_revinclude": _query("_revinclude", "What refers to matches", _many(_INCLUDE)),
    "_total": _query("_total", "Whether to count them all", _choice("none", "estimate", "accurate")),
    "_since": _query("_since", "Only what was recorded since", {"type": "string", "pattern": _INSTANT}),
    "_at": _query("_at", "Only what was current at some time in this date", _TEXT),
    "_asOf": _query(
        "_asOf", "As of the end of this date or time, or of the commit at this position of the log", _TEXT
    ),
    "_list": _query("_list", "Only what the List of this id holds", {"type": "string", "pattern": _ID}),
    "history-sort": _query("_sort", "Newest or oldest first", _choice("-_lastUpdated", "_lastUpdated")),
    "_type": _query("_type", "Resource types with commas between them", _TEXT),
    "openapi-type": _query("_type", "Only these resource types, with commas between them", _TEXT),
    "If-Match": _header("If-Match", 'Only when this is the version now: `W/"3"`'),
    "If-None-Match": _header(
        "If-None-Match", 'Only when the version is another one: `W/"3"`; `*`: when there is none'
    ),
    "If-Modified-Since": _header("If-Modified-Since", "Only when it changed since: an HTTP date"),
    "If-None-Exist": _header("If-None-Exist", "Create only when this search finds nothing: `identifier=…`"),
    "Prefer": _header(
        "Prefer",
        "return=minimal, representation or OperationOutcome; handling=strict or lenient",
        _choice(
            "return=minimal",
            "return=representation",
            "return=OperationOutcome",
            "handling=strict",
            "handling=lenient",
        ),
    ),
    "X-Provenance": _header("X-Provenance", "A Provenance: who says so, how sure, by what method"),
}

_PATCH: JsonObject = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": _choice("add", "remove", "replace", "move", "copy", "test"),
            "path": {"type": "string"},
            "from": {"type": "string"},
            "value": True,
        },
    },
}
_BODIES: JsonObject = {
    "patch": {
        "required": True,
        "content": {
            "application/json-patch+json": {"schema": _PATCH},
            "application/fhir+json": {"schema": {"$ref": "#/components/schemas/Parameters"}},
        },
    },
    "form": {
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {"type": "object", "additionalProperties": {"type": "string"}}
            }
        }
    },
}

_OUTCOME: JsonObject = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code"],
                "properties": {
                    "severity": _choice("fatal", "error", "warning", "information"),
                    "code": _TEXT,
                    "diagnostics": _TEXT,
                    "details": {
                        "type": "object",
                        "properties": {
                            "text": _TEXT,
                            "coding": {"type": "array", "items": {"type": "object"}},
                        },
                    },
                    "expression": {"type": "array", "items": _TEXT},
                },
                "anyOf": [
                    {"required": ["diagnostics"]},
                    {"required": ["details"], "properties": {"details": {"required": ["text"]}}},
                ],
            },
        },
    },
}
_BUNDLE: JsonObject = {
    "type": "object",
    "required": ["resourceType", "type"],
    "properties": {
        "resourceType": {"const": "Bundle"},
        "type": _TEXT,
        "total": {"type": "integer", "minimum": 0},
        "entry": {"type": "array", "items": {"type": "object"}},
    },
}
_SCHEMAS: JsonObject = {
    "OperationOutcome": _OUTCOME,
    "Bundle": _BUNDLE,
    "Parameters": {
        "type": "object",
        "required": ["resourceType"],
        "properties": {
            "resourceType": {"const": "Parameters"},
            "parameter": {
                "type": "array",
                "items": {"type": "object", "required": ["name"], "properties": {"name": _TEXT}},
            },
        },
    },
    "Resource": {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"type": "string"}},
    },
}
