"""The world resource as FHIR: content, ``meta`` and the confidence of what is trusted less."""

from __future__ import annotations

from decimal import Decimal

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.survivorship import World
from fhirserver.world.units import join, member_of
from fhirserver.world.vocabulary import CONFIDENCE, SOURCE_PREFIX, VERIFICATION_STATUS, verification_status

_UNMARKED = frozenset({"meta", "contained"})
_EMPTY: tuple[Json, ...] = (None, {}, [])


def confidence_extension(confidence: Decimal) -> JsonObject:
    """The extension by which a confidence is said."""
    return {"url": CONFIDENCE, "valueDecimal": confidence}


def clean(content: JsonObject) -> JsonObject:
    """What a source says, without what the server adds: versions, confidences and the status tag.

    A resource that was read, edited and sent back must not state our own marks as the source's words.
    """
    result: JsonObject = {}
    for member, value in content.items():
        kind = type(value)
        if member == "meta":
            value = _clean_meta(value)
        elif kind is dict:
            value = _without_marks(value)
        elif kind is list:
            value = _items_without_marks(value)
        if value not in _EMPTY:
            result[member] = value
    return result


def _items_without_marks(items: list[Json]) -> list[Json]:
    """The items without marks; none where nothing but nulls is left."""
    marked = any(type(item) is dict and "extension" in item for item in items)
    kept = [_without_marks(item) for item in items] if marked else items
    return kept if any(item is not None for item in kept) else []


def _clean_meta(meta: Json) -> JsonObject:
    if not isinstance(meta, dict):
        return {}
    kept = {name: meta[name] for name in ("extension", "source") if name in meta}  # first, as rendered
    kept.update((name, value) for name, value in meta.items() if name not in ("versionId", "lastUpdated"))
    if isinstance(kept.get("source"), str) and kept["source"].startswith(SOURCE_PREFIX):
        del kept["source"]
    if "extension" in kept:
        kept["extension"] = [item for item in kept["extension"] if item.get("url") != CONFIDENCE]
    if "tag" in kept:
        kept["tag"] = [tag for tag in kept["tag"] if tag.get("system") != VERIFICATION_STATUS]
    return {name: value for name, value in kept.items() if value not in ([], {})}


def _without_marks(value: Json) -> Json:
    """The value without confidence extensions on the element itself (one level: units are top-level)."""
    if not isinstance(value, dict) or "extension" not in value:
        return value
    extensions = value["extension"]
    if not isinstance(extensions, list):
        return value
    kept = [item for item in extensions if not (isinstance(item, dict) and item.get("url") == CONFIDENCE)]
    if len(kept) == len(extensions):
        return value
    rest = {**value, "extension": kept}
    if not kept:
        del rest["extension"]
    return rest or None


def render(type: str, id: str, version: int, recorded: str, world: World) -> JsonObject:
    """The FHIR resource of a world, ``meta`` first, with the server's own marks."""
    units = world.units
    meta = dict(units["meta"]["meta"]) if "meta" in units else {}
    if world.lower:
        units = {unit: _marked(unit, value, world.lower.get(unit)) for unit, value in units.items()}
    body = join(units)
    body.pop("meta", None)
    return {"resourceType": type, "id": id, "meta": _meta(meta, version, recorded, world), **body}


def _meta(stated: JsonObject, version: int, recorded: str, world: World) -> JsonObject:
    meta: JsonObject = {"versionId": str(version), "lastUpdated": recorded}
    meta["extension"] = [*stated.get("extension", ()), confidence_extension(world.confidence)]
    meta["source"] = stated.get("source") or SOURCE_PREFIX + world.sources[0]
    for name, value in stated.items():
        meta.setdefault(name, value)
    status = {"system": VERIFICATION_STATUS, "code": verification_status(world.confidence)}
    meta["tag"] = [*stated.get("tag", ()), status]
    return meta


def _marked(unit: str, value: Json, confidence: Decimal | None) -> Json:
    """The unit's value with its confidence on the element(s), where it is less than the resource's."""
    if confidence is None or unit in _UNMARKED:
        return value
    mark = confidence_extension(confidence)
    if isinstance(value, list):
        if member_of(unit) in ("extension", "modifierExtension"):
            return value
        return [_marked_item(item, mark) for item in value]
    marked: JsonObject = dict(value)
    for member, inner in value.items():
        if not member.startswith("_"):
            _mark_member(marked, member, inner, mark)
        elif member[1:] not in value and isinstance(inner, dict):
            marked[member] = _marked_item(inner, mark)
    return marked


def _mark_member(marked: JsonObject, member: str, inner: Json, mark: JsonObject) -> None:
    """Put the mark on a complex member itself, on a primitive one by its sibling."""
    sibling = f"_{member}"
    if isinstance(inner, dict):
        marked[member] = _marked_item(inner, mark)
    elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
        marked[member] = [_marked_item(item, mark) for item in inner]
    elif isinstance(inner, list):
        siblings = marked.get(sibling) or [None] * len(inner)
        marked[sibling] = [_marked_item(item or {}, mark) for item in siblings]
    else:
        marked[sibling] = _marked_item(marked.get(sibling) or {}, mark)


def _marked_item(item: JsonObject, mark: JsonObject) -> JsonObject:
    return {**item, "extension": [*item.get("extension", ()), mark]}
