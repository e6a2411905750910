"""A SubscriptionTopic as an R4 Basic, and back. https://hl7.org/fhir/uv/subscriptions-backport/components.html

R4 has no SubscriptionTopic: the guide carries it in a Basic with the code ``SubscriptionTopic``, its elements as the
extensions by which later versions of FHIR are read in earlier ones.
"""

from __future__ import annotations

import re
from typing import Final

from fhirserver.interactions.subscription.vocabulary import FHIR_TYPES, RELATED_QUERY, TOPIC_TYPE
from fhirserver.kernel.json import Json, JsonObject

_EXTENSION: Final = re.compile(
    r"http://hl7\.org/fhir/[45]\.\d/StructureDefinition/extension-SubscriptionTopic\.(\w+)"
)
_URL: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."
_TYPES: Final = {
    **dict.fromkeys(("url", "derivedFrom", "resource", "instantiatesUri"), "Uri"),
    **dict.fromkeys(("filterDefinition",), "Uri"),
    **dict.fromkeys(("description", "purpose", "copyright"), "Markdown"),
    **dict.fromkeys(
        ("status", "supportedInteraction", "resultForCreate", "resultForDelete", "comparator", "modifier"),
        "Code",
    ),
    **dict.fromkeys(("requireBoth", "experimental"), "Boolean"),
    **dict.fromkeys(("date",), "DateTime"),
    **dict.fromkeys(("approvalDate", "lastReviewDate"), "Date"),
    **dict.fromkeys(("effectivePeriod",), "Period"),
    **dict.fromkeys(("identifier",), "Identifier"),
    **dict.fromkeys(("event", "jurisdiction"), "CodeableConcept"),
    **dict.fromkeys(("contact",), "ContactDetail"),
    **dict.fromkeys(("useContext",), "UsageContext"),
}
"""The types of elements that are no strings."""
_GROUPS: Final = frozenset(
    {"resourceTrigger", "eventTrigger", "canFilterBy", "notificationShape", "queryCriteria"}
)
_LISTS: Final = frozenset(
    {
        *("resourceTrigger", "eventTrigger", "canFilterBy", "notificationShape", "supportedInteraction"),
        *("comparator", "modifier", "include", "revInclude", "identifier", "derivedFrom", "useContext"),
        *("jurisdiction", "contact"),
    }
)
_KEPT: Final = ("id", "meta", "implicitRules", "language", "text", "contained")


def is_topic(resource: JsonObject) -> bool:
    """Whether a Basic carries a topic."""
    code = resource.get("code") if resource.get("resourceType") == "Basic" else None
    codings = code.get("coding") if isinstance(code, dict) else None
    return isinstance(codings, list) and any(
        isinstance(one, dict) and one.get("system") == FHIR_TYPES and one.get("code") == TOPIC_TYPE
        for one in codings
    )


def topic_of(basic: JsonObject) -> JsonObject:
    """The SubscriptionTopic that a Basic carries."""
    topic: JsonObject = {"resourceType": TOPIC_TYPE}
    topic.update({name: basic[name] for name in _KEPT if name in basic})
    other = []
    for extension in [*(basic.get("modifierExtension") or ()), *(basic.get("extension") or ())]:
        found = _EXTENSION.fullmatch(str(extension.get("url", "")))
        if found:
            _put(topic, found[1], extension)
        else:
            other.append(extension)
    return {**topic, "extension": other} if other else topic


def _put(into: JsonObject, name: str, extension: JsonObject) -> None:
    if name in _GROUPS:
        value: Json = _group(extension)
    else:
        value = next((value for key, value in extension.items() if key.startswith("value")), None)
    if name in _LISTS:
        into.setdefault(name, []).append(value)
    else:
        into[name] = value


def _group(extension: JsonObject) -> JsonObject:
    group: JsonObject = {}
    for part in extension.get("extension") or ():
        name = str(part.get("url", ""))
        if "/" in name:
            group.setdefault("extension", []).append(part)
        else:
            _put(group, name, part)
    return group


def basic_of(topic: JsonObject) -> JsonObject:
    """The Basic that carries a SubscriptionTopic."""
    basic: JsonObject = {"resourceType": "Basic"}
    basic.update({name: topic[name] for name in _KEPT if name in topic})
    extensions: list[JsonObject] = []
    for name, value in topic.items():
        if name == "status":
            basic["modifierExtension"] = [{"url": f"{_URL}status", "valueCode": value}]
        elif name == "extension":
            extensions += value
        elif name not in _KEPT and name != "resourceType" and not name.startswith("_"):
            extensions += [_extension(f"{_URL}{name}", name, one) for one in _each(value)]
    basic["extension"] = extensions
    basic["code"] = {"coding": [{"system": FHIR_TYPES, "code": TOPIC_TYPE}]}
    return basic


def _each(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]


def _extension(url: str, name: str, value: Json) -> JsonObject:
    if name in _GROUPS and isinstance(value, dict):
        return {"url": url, "extension": list(_parts(value))}
    return {"url": url, f"value{_TYPES.get(name, 'String')}": value}


def _parts(group: JsonObject) -> list[JsonObject]:
    parts: list[JsonObject] = []
    for name, value in group.items():
        if name == "extension":
            parts += [one for one in value if one.get("url") == RELATED_QUERY]
        else:
            parts += [_extension(name, name, one) for one in _each(value)]
    return parts
