"""How our writes are marked in an EHR, so that each can be found there again.

A create carries its idempotency key as an identifier, or as a tag where the type has no list of identifiers;
an update carries it as a tag, in place of the one of the update before.
"""

from __future__ import annotations

from urllib.parse import urlencode

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import Record

SYSTEM = "https://credence.health/fhir/identifier/writeback"

# R4 types whose records a client may create, without an ``identifier`` that repeats.
_TAGGED = frozenset(
    (
        *("AuditEvent", "Binary", "Bundle", "Composition", "ConceptMap", "Linkage", "OperationOutcome"),
        *(
            "Parameters",
            "Provenance",
            "QuestionnaireResponse",
            "RequestGroup",
            "SearchParameter",
            "Subscription",
        ),
    )
)


def for_create(content: JsonObject, key: str) -> JsonObject:
    """The content with the key on it."""
    if content["resourceType"] in _TAGGED:
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
    return {"_tag" if type in _TAGGED else "identifier": f"{SYSTEM}|{key}"}


def condition(type: str, key: str) -> str:
    """The same search as an ``If-None-Exist`` header."""
    return urlencode(search(type, key), safe=":/|")


def is_marked(record: Record, key: str) -> bool:
    """Whether the record carries the key of this very update."""
    tags = (record.content.get("meta") or {}).get("tag", [])
    return any(tag.get("system") == SYSTEM and tag.get("code") == key for tag in tags)
