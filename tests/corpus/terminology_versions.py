"""Resources of R5 as a server of R4 gets them, and its answers as R5 has them.

What R4 has no element for is in the extensions that the two versions have for that:
https://hl7.org/fhir/versions.html#extensions
"""

from __future__ import annotations

from typing import Any

from fhirserver.kernel.json import Json, JsonObject

_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-"
_NEW_OPERATORS = ("child-of", "descendent-leaf")
_EQUIVALENCE = {
    "related-to": "relatedto",
    "equivalent": "equivalent",
    "source-is-narrower-than-target": "wider",
    "source-is-broader-than-target": "narrower",
    "not-related-to": "disjoint",
}
_TRANSLATE = {
    "sourceCode": "code",
    "sourceSystem": "system",
    "sourceVersion": "version",
    "sourceScope": "source",
    "sourceCoding": "coding",
    "sourceCodeableConcept": "codeableConcept",
    "targetSystem": "targetsystem",
    "targetScope": "target",
}
_NOT_IN_R4 = (
    "versionAlgorithmString",
    "versionAlgorithmCoding",
    "copyrightLabel",
    "approvalDate",
    "lastReviewDate",
)


def to_r4(resource: JsonObject, operation: str = "") -> JsonObject:
    """A resource of a request, with those inside it. What is no element of FHIR (``title:de``) goes, too."""
    return _converted(_without_notes(resource), operation)


def _without_notes(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_notes(one) for one in value]
    if isinstance(value, dict):
        return {name: _without_notes(held) for name, held in value.items() if ":" not in name}
    return value


def _converted(resource: JsonObject, operation: str = "") -> JsonObject:
    match resource.get("resourceType"):
        case "Parameters":
            named = _TRANSLATE if operation == "translate" else {}
            return {
                **resource,
                "parameter": [_parameter(one, named) for one in resource.get("parameter", ())],
            }
        case "Bundle":
            return {**resource, "entry": [_entry(one) for one in resource.get("entry", ())]}
        case "ValueSet":
            return _value_set(resource)
        case "CodeSystem":
            return _canonical(resource)
        case "ConceptMap":
            return _concept_map(resource)
    return resource


def _entry(entry: JsonObject) -> JsonObject:
    return {**entry, "resource": _converted(entry["resource"])} if "resource" in entry else entry


def _parameter(parameter: JsonObject, named: dict[str, str]) -> JsonObject:
    converted = {**parameter, "name": named.get(parameter["name"], parameter["name"])}
    if "resource" in parameter:
        converted["resource"] = _converted(parameter["resource"])
    if "part" in parameter:
        converted["part"] = [_parameter(one, {}) for one in parameter["part"]]
    return converted


def _canonical(resource: JsonObject) -> JsonObject:
    kept = {name: value for name, value in resource.items() if name not in _NOT_IN_R4}
    if "contained" in kept:
        kept["contained"] = [_converted(one) for one in kept["contained"]]
    return kept


def _extension(path: str, value: JsonObject) -> JsonObject:
    return {"url": _R5 + path, **value}


def _value_set(resource: JsonObject) -> JsonObject:
    converted = _canonical(resource)
    if "compose" in converted:
        compose = dict(converted["compose"])
        properties = compose.pop("property", ())
        if properties:
            more = [_extension("ValueSet.compose.property", {"valueString": name}) for name in properties]
            compose["extension"] = [*compose.get("extension", ()), *more]
        for side in ("include", "exclude"):
            if side in compose:
                compose[side] = [_included(one) for one in compose[side]]
        converted["compose"] = compose
    return converted


def _included(include: JsonObject) -> JsonObject:
    converted = {name: value for name, value in include.items() if name != "copyright"}
    if "filter" in include:
        converted["filter"] = [_filter(one) for one in include["filter"]]
    return converted


def _filter(filter: JsonObject) -> JsonObject:
    if filter.get("op") not in _NEW_OPERATORS:
        return filter
    kept = {name: value for name, value in filter.items() if name != "op"}
    operator = _extension("ValueSet.compose.include.filter.op", {"valueCode": filter["op"]})
    return {**kept, "_op": {"extension": [operator]}}


def _concept_map(resource: JsonObject) -> JsonObject:
    converted = _canonical(resource)
    for name in ("sourceScope", "targetScope"):
        for type in ("Uri", "Canonical"):
            if name + type in converted:
                converted[name.removesuffix("Scope") + type] = converted.pop(name + type)
    converted.pop("property", None)
    converted.pop("additionalAttribute", None)
    converted["group"] = [_group(one) for one in resource.get("group", ())]
    return converted


def _group(group: JsonObject) -> JsonObject:
    converted = {**group, "element": [_element(one) for one in group.get("element", ())]}
    for side in ("source", "target"):
        if side in group:
            url, _, version = group[side].partition("|")
            converted |= {side: url, **({f"{side}Version": version} if version else {})}
    if "unmapped" in group:
        unmapped = {name: value for name, value in group["unmapped"].items() if name != "relationship"}
        if "otherMap" in unmapped:
            unmapped["url"] = unmapped.pop("otherMap")
        unmapped["mode"] = {"use-source-code": "provided"}.get(unmapped["mode"], unmapped["mode"])
        converted["unmapped"] = unmapped
    return converted


def _element(element: JsonObject) -> JsonObject:
    converted = {name: value for name, value in element.items() if name != "noMap"}
    if element.get("noMap"):
        converted["target"] = [{"equivalence": "unmatched"}]
    elif "target" in element:
        converted["target"] = [_target(one) for one in element["target"]]
    return converted


def _target(target: JsonObject) -> JsonObject:
    converted = {name: value for name, value in target.items() if name not in ("relationship", "property")}
    converted["equivalence"] = _EQUIVALENCE[target["relationship"]]
    return converted


# And back


def to_r5(answer: Json) -> Json:
    """An answer, whatever resource it is: the extensions that stand for elements of R5 become these again."""
    if isinstance(answer, list):
        return [to_r5(one) for one in answer]
    if not isinstance(answer, dict):
        return answer
    converted = {name: to_r5(value) for name, value in answer.items()}
    extensions = converted.get("extension")
    if isinstance(extensions, list):
        _unfold(converted, extensions)
    operator = converted.get("_op")
    if isinstance(operator, dict) and "op" not in converted and operator.get("extension"):
        converted["op"] = operator["extension"][0]["valueCode"]
        del converted["_op"]
    return converted


def _unfold(element: JsonObject, extensions: list[JsonObject]) -> None:
    """Properties of expansions and of composes, in place."""
    left: list[JsonObject] = []
    for extension in extensions:
        url = str(extension.get("url"))
        if url in (_R5 + "ValueSet.expansion.contains.property", _R5 + "ValueSet.expansion.property"):
            element.setdefault("property", []).append(_members(extension["extension"]))
        elif url == _R5 + "ValueSet.compose.property":
            element.setdefault("property", []).append(extension["valueString"])
        else:
            left.append(extension)
    if left:
        element["extension"] = left
    else:
        del element["extension"]


def _members(extensions: list[JsonObject]) -> JsonObject:
    members: JsonObject = {}
    for one in extensions:
        name, value = next((name, value) for name, value in one.items() if name.startswith("value"))
        members[one["url"] + (name.removeprefix("value") if one["url"] == "value" else "")] = value
    return members
