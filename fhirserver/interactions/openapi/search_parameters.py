"""Search parameters as OpenAPI parameters. https://hl7.org/fhir/R4/search.html#ptypes"""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import SearchParameter
from fhirserver.search.parameters import NotKnown, reader, searchable

MODIFIERS = (
    "above",
    "below",
    "contains",
    "exact",
    "identifier",
    "in",
    "missing",
    "not",
    "not-in",
    "of-type",
    "text",
)
_PREFIXES = "(eq|ne|gt|lt|ge|le|sa|eb|ap)?"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-]0[0-9]:00)?"
_DATE = rf"[0-9]{{4}}(-(0[1-9]|1[0-2])(-(0[1-9]|1[0-9]|2[0-8])(T{_TIME})?)?)?"
_NUMBER = r"-?[0-9]{1,9}(\.[0-9]{1,6})?"

KINDS: dict[str, JsonObject] = {
    "string": {"description": "Values that start with it; no case, no accents", "minLength": 1},
    "token": {"description": "`code`, `system|code`, `|code` or `system|`", "minLength": 1},
    "reference": {"description": "`id`, `Type/id` or a URL", "minLength": 1},
    "uri": {"description": "A whole URI", "minLength": 1},
    "composite": {"description": "`a$b`: parts that hold of one and the same element", "minLength": 1},
    "date": {"description": "A partial date, with a prefix", "pattern": f"^{_PREFIXES}{_DATE}$"},
    "number": {"description": "A number, with a prefix", "pattern": f"^{_PREFIXES}{_NUMBER}$"},
    "quantity": {
        "description": "`number`, `number|system|code` or `number||code`, with a prefix",
        "pattern": rf"^{_PREFIXES}{_NUMBER}(\|[a-z:/.]{{0,40}}\|[a-zA-Z%/\[\]]{{1,12}})?$",
    },
    "special": {"description": "As the definition of the parameter says", "minLength": 1},
}
"""The schema of one value, by the parameter's type. Commas between values are OR."""


def in_path_order(type: str) -> list[str]:
    """The codes a type can be searched by, those of all types first."""
    return sorted(searchable(type), key=lambda code: (not code.startswith("_"), code))


def component_name(type: str, code: str) -> str:
    """``Patient.birthdate``; those that all types have stand once, as ``_id``."""
    return code if code.startswith("_") else f"{type}.{code}"


def search_parameters(types: Iterable[str]) -> dict[str, JsonObject]:
    """The components of all parameters of the types."""
    made: dict[str, JsonObject] = {}
    for type in types:
        for code, parameter in searchable(type).items():
            name = component_name(type, code)
            if name not in made:
                made[name] = _component(type, parameter)
    return made


def _component(type: str, parameter: SearchParameter) -> JsonObject:
    made: JsonObject = {
        "name": parameter.code,
        "in": "query",
        "description": parameter.url,
        "schema": {"type": "array", "items": {"$ref": f"#/components/schemas/search.{parameter.type}"}},
        "x-fhir-type": parameter.type,
        "x-fhir-modifiers": [name for name in MODIFIERS if _takes(type, parameter.code, name)],
    }
    if parameter.targets:
        made["x-fhir-targets"] = list(parameter.targets)
    return made


def _takes(type: str, code: str, modifier: str) -> bool:
    try:
        reader(type, f"{code}:{modifier}")
    except NotKnown:
        return False
    return True
