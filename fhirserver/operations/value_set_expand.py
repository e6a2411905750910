"""``ValueSet/$expand``: https://hl7.org/fhir/R4/valueset-operation-expand.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.instants import SystemClock, instant
from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import inputs, one
from fhirserver.operations.terminology_input import Given, flag, service, value_set_of
from fhirserver.ports.terminology import Concept, Expansion


async def value_set_expand(context: Context, request: Request) -> Result:
    """The codes of a value set, all in one list, with ``filter``, ``offset`` and ``count``."""
    given, terminology = inputs(request), await service(context)
    value_set = await value_set_of(context, request, given)
    count, text = one(given, "count"), str(one(given, "filter") or "")
    offset = _number(one(given, "offset") or 0, "offset")
    limit = None if count is None else _number(count, "count")
    if flag(given, "activeOnly"):
        expansion = _active(terminology.expand(value_set, text), offset, limit)
    else:
        expansion = terminology.expand(value_set, text, offset, limit)
    return Result(200, dumps(_resource(expansion, given)))


def _active(whole: Expansion, offset: int, limit: int | None) -> Expansion:
    """The page of what is left without the inactive codes."""
    active = [concept for concept in whole.concepts if not concept.inactive]
    end = None if limit is None else offset + limit
    return Expansion(whole.url, whole.version, len(active), offset, tuple(active[offset:end]))


def _resource(expansion: Expansion, given: Given) -> JsonObject:
    language, designations = str(one(given, "displayLanguage") or ""), flag(given, "includeDesignations")
    resource: JsonObject = {
        "resourceType": "ValueSet",
        "url": expansion.url,
        "version": expansion.version,
        "status": "active",
        "expansion": {
            "identifier": f"urn:uuid:{new_id()}",
            "timestamp": instant(SystemClock().now()),
            "total": expansion.total,
            "offset": expansion.offset,
            "contains": [_contained(concept, language, designations) for concept in expansion.concepts],
        },
    }
    if not expansion.concepts:
        del resource["expansion"]["contains"]
    return {name: value for name, value in resource.items() if value != ""}


def _contained(concept: Concept, language: str, designations: bool) -> JsonObject:
    json: JsonObject = {"system": concept.system, "code": concept.code}
    translated = next((d.value for d in concept.designations if language and d.language == language), "")
    if translated or concept.display:
        json["display"] = translated or concept.display
    if concept.abstract:
        json["abstract"] = True
    if concept.inactive:
        json["inactive"] = True
    if designations and concept.designations:
        json["designation"] = [
            {"language": d.language, "value": d.value} if d.language else {"value": d.value}
            for d in concept.designations
        ]
    return json


def _number(value: Json, name: str) -> int:
    if not str(value).isdigit() or len(str(value)) > 9:
        raise refuse(Category.INVALID, "value", f"{name} is a whole number", f"http.{name}")
    return int(value)
