"""Operations that are handed on to the other server as they were asked here.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from fhirserver.kernel.json import Json, JsonObject

PATHS: Final = {
    "lookup": "CodeSystem/$lookup",
    "expand": "ValueSet/$expand",
    "subsumes": "CodeSystem/$subsumes",
}
_URIS: Final = frozenset(
    {"url", "system", "valueSet", "conceptMap", "source", "target", "targetsystem", "context"}
)
_CODES: Final = frozenset({"code", "codeA", "codeB", "displayLanguage", "property"})
_WHOLE: Final = frozenset({"offset", "count"})
_YES_NO: Final = frozenset(
    {"includeDesignations", "includeDefinition", "activeOnly", "excludeNested", "excludeNotForUI"}
    | {"excludePostCoordinated", "abstract"}
)
_KEPT_BACK: Final = frozenset({"display", "cache-id", "tx-resource", "codeableConcept"})
"""A display may say more than a code; the others are agreed on between us and who asks."""
_DEFINING: Final = ("resourceType", "url", "version", "status", "compose", "expansion")


def told(given: Mapping[str, Sequence[Json]], language: str) -> JsonObject:
    """The parameters as a resource."""
    parts = [
        {"name": name, **_typed(name, value)}
        for name, values in given.items()
        if name not in _KEPT_BACK
        for value in values
    ]
    if language and "displayLanguage" not in given:
        parts.append({"name": "displayLanguage", "valueCode": language})
    return {"resourceType": "Parameters", "parameter": parts}


def _typed(name: str, value: Json) -> JsonObject:
    """The value under the name that its type has."""
    if isinstance(value, dict):
        if "resourceType" in value:
            return {"resource": {member: value[member] for member in _DEFINING if member in value}}
        return {
            "valueCoding": {
                member: value[member] for member in ("system", "version", "code") if member in value
            }
        }
    text = value if isinstance(value, str) else ""
    if name in _WHOLE and (isinstance(value, int) or text.isdigit()):
        return {"valueInteger": int(value)}
    if isinstance(value, bool) or (name in _YES_NO and text in ("true", "false")):
        return {"valueBoolean": value if isinstance(value, bool) else text == "true"}
    if isinstance(value, int | Decimal):
        return {"valueDecimal": value}
    if name in _URIS:
        return {"valueUri": text}
    return {"valueCode" if name in _CODES else "valueString": text}
