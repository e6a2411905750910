"""``ValueSet/$expand``: https://hl7.org/fhir/R4/valueset-operation-expand.html"""

from __future__ import annotations

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.instants import SystemClock, instant
from fhirserver.kernel.json import Json, JsonObject, dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.code_system_lookup import service
from fhirserver.operations.parameters import inputs, one
from fhirserver.ports.terminology import Concept


async def value_set_expand(context: Context, request: Request) -> Result:
    """The codes of a value set (``url``), with ``filter``, ``offset`` and ``count``."""
    given = inputs(request)
    url = str(one(given, "url", required=True))
    count = one(given, "count")
    expansion = (await service(context)).expand(
        url,
        str(one(given, "filter") or ""),
        _number(one(given, "offset") or 0, "offset"),
        None if count is None else _number(count, "count"),
    )
    resource: JsonObject = {
        "resourceType": "ValueSet",
        "url": expansion.url,
        "status": "active",
        "expansion": {
            "timestamp": instant(SystemClock().now()),
            "total": expansion.total,
            "offset": expansion.offset,
            "contains": [_contained(concept) for concept in expansion.concepts],
        },
    }
    if expansion.version:
        resource["version"] = expansion.version
    if not expansion.concepts:
        del resource["expansion"]["contains"]
    return Result(200, dumps(resource))


def _contained(concept: Concept) -> JsonObject:
    json: JsonObject = {"system": concept.system, "code": concept.code}
    if concept.display:
        json["display"] = concept.display
    if concept.abstract:
        json["abstract"] = True
    return json


def _number(value: Json, name: str) -> int:
    if not str(value).isdigit():
        raise refuse(Category.INVALID, "value", f"{name} is a whole number", f"http.{name}")
    return int(value)
