"""How our writes are marked in an EHR, so that each can be found there again.

A create carries its idempotency key as an identifier, or as a tag where the type has no list of identifiers;
an update carries it as a tag, in place of the one of the update before.
"""

from __future__ import annotations

from functools import cache
from urllib.parse import urlencode

from adapters.fhir.exchange import member, members
from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions
from fhirserver.ports.ehr import Record

SYSTEM = "https://credence.health/fhir/identifier/writeback"


def for_create(content: JsonObject, key: str) -> JsonObject:
    """The content with the key on it."""
    if not _has_identifiers(content["resourceType"]):
        return for_update(content, key)
    others = [item for item in content.get("identifier", []) if item.get("system") != SYSTEM]
    return {**content, "identifier": [*others, {"system": SYSTEM, "value": key}]}


def for_update(content: JsonObject, key: str) -> JsonObject:
    """The content with the key as its only writeback tag."""
    meta = content.get("meta") or {}
    others = [tag for tag in meta.get("tag", []) if tag.get("system") != SYSTEM]
    kept = {name: value for name, value in meta.items() if name not in ("versionId", "lastUpdated")}
    return {**content, "meta": {**kept, "tag": [*others, {"system": SYSTEM, "code": key}]}}


def search(type: str, key: str) -> dict[str, str]:
    """The search that finds what was created under the key."""
    return {"identifier" if _has_identifiers(type) else "_tag": f"{SYSTEM}|{key}"}


def condition(type: str, key: str) -> str:
    """The same search as an ``If-None-Exist`` header."""
    return urlencode(search(type, key), safe=":/|")


def is_marked(record: Record, key: str) -> bool:
    """Whether the record carries the key of this very update."""
    tags = members(member(record.content, "meta"), "tag")
    return any(tag.get("system") == SYSTEM and tag.get("code") == key for tag in tags)


@cache
def _has_identifiers(type: str) -> bool:
    """Whether R4 gives the type a list of identifiers, and a search parameter for them."""
    definition = definitions().type(type)
    element = definition.elements.get("identifier") if definition else None
    return element is not None and element.is_list and "identifier" in definitions().search_parameters(type)
