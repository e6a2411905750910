"""Codings that were translated, and what they say of it; and records as their sender means them, without that."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.vocabulary import MAPPED_BY, MAPPED_FROM, MAPPING_EQUIVALENCE

UNMATCHED = "unmatched"
_OURS = frozenset({MAPPED_BY, MAPPING_EQUIVALENCE, MAPPED_FROM})


def is_concept(value: JsonObject) -> bool:
    return isinstance(value.get("coding"), list)


def is_coding(value: JsonObject) -> bool:
    """Not a Quantity, which has a code and a system too."""
    return "code" in value and "system" in value and "value" not in value


def marked(coding: JsonObject, map: str, equivalence: str) -> JsonObject:
    """The coding, saying by which map it was translated, or was not."""
    stated = [
        *coding.get("extension", ()),
        {"url": MAPPED_BY, "valueCanonical": map},
        {"url": MAPPING_EQUIVALENCE, "valueCode": equivalence},
    ]
    return {**coding, "extension": stated}


def is_translation(coding: JsonObject) -> bool:
    """Whether it was made by a map: it is not what the sender said."""
    return next(_said(coding, MAPPING_EQUIVALENCE), UNMATCHED) != UNMATCHED


def plain(coding: JsonObject) -> JsonObject:
    """The coding without remarks of ours."""
    if "extension" not in coding:
        return coding
    left = [one for one in coding["extension"] if one.get("url") not in _OURS]
    bare = {name: value for name, value in coding.items() if name != "extension"}
    return {**bare, "extension": left} if left else bare


def original(content: JsonObject) -> JsonObject:
    """A resource as its sender means it: translations of ours may come back from an EHR to which they were sent."""
    return {name: _original(value) for name, value in content.items()}


def with_urls(content: JsonObject, named: Callable[[str], str]) -> JsonObject:
    """With the code systems that are named by an OID or UUID named by their urls, where those are known."""
    return {name: _with_urls(value, named) for name, value in content.items()}


def _with_urls(value: Json, named: Callable[[str], str]) -> Json:
    if isinstance(value, list):
        return [_with_urls(one, named) for one in value]
    if not isinstance(value, dict):
        return value
    made = {name: _with_urls(one, named) for name, one in value.items()}
    system = made.get("system")
    if isinstance(system, str) and "code" in made and system.startswith(("urn:oid:", "urn:uuid:")):
        made["system"] = named(system)
    return made


def _original(value: Json) -> Json:
    if isinstance(value, list):
        return [_original(one) for one in value if not (isinstance(one, dict) and _is_beside(one))]
    if not isinstance(value, dict):
        return value
    if "extension" in value:
        if is_translation(value):
            first = next(_said(value, MAPPED_FROM), None)
            return first if isinstance(first, dict) else plain(value)
        value = plain(value)
    return {name: _original(one) for name, one in value.items()}


def _is_beside(value: JsonObject) -> bool:
    """A translation whose original stands beside it."""
    return is_translation(value) and next(_said(value, MAPPED_FROM), None) is None


def _said(coding: JsonObject, url: str) -> Iterator[Json]:
    extensions = coding.get("extension")
    for one in extensions if isinstance(extensions, list) else ():
        if isinstance(one, dict) and one.get("url") == url:
            yield next((value for name, value in one.items() if name.startswith("value")), None)
