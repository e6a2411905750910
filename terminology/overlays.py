"""The resources that requests bring along (``tx-resource``), alone or kept under a ``cache-id``."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from threading import Lock
from types import MappingProxyType

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from terminology.code_systems.content import ContentSystem
from terminology.keeping import weight_of

Name = tuple[str, str, str]
"""``(resource type, url, version)``"""
_TYPES = frozenset({"CodeSystem", "ValueSet", "ConceptMap", "NamingSystem"})
_SUPPLEMENT_TYPE = "http://hl7.org/fhir/StructureDefinition/codesystem-supplement-type"
MOST_CACHES = 200
MOST_OF_ONE = 20
MOST_BYTES = 96 * 1024 * 1024
"""In memory: some 20 MB of JSON."""


class Overlay:
    """Some resources by type, url and version; immutable. Systems are made of them when they are asked for."""

    def __init__(self, resources: Mapping[Name, JsonObject] = MappingProxyType({})):
        self._resources = resources
        self._systems: dict[Name, ContentSystem] = {}
        self._weights: dict[Name, int] = {}

    def __bool__(self) -> bool:
        return bool(self._resources)

    def of(self, type: str, url: str) -> Iterator[JsonObject]:
        """All versions of one, in no order."""
        return iter(self._by_url.get((type, url), ()))

    @cached_property
    def _by_url(self) -> Mapping[tuple[str, str], Sequence[JsonObject]]:
        found: dict[tuple[str, str], list[JsonObject]] = {}
        for (type, url, _), one in self._resources.items():
            found.setdefault((type, url), []).append(one)
        return found

    @cached_property
    def language_packs(self) -> Sequence[JsonObject]:
        return [one for one in self.all("CodeSystem") if is_language_pack(one)]

    def all(self, type: str) -> Iterator[JsonObject]:
        return (one for name, one in self._resources.items() if name[0] == type)

    def system(self, resource: JsonObject) -> ContentSystem:
        """The system of one of the CodeSystems here."""
        name = _name(resource)
        if name not in self._systems:
            self._systems[name] = ContentSystem(resource)
        return self._systems[name]

    def with_these(self, resources: Iterable[JsonObject]) -> Overlay:
        """Those here and others, which come before those of the same name. Refuses what has no place here."""
        added = {_checked(one): one for one in resources}
        if not added:
            return self
        after = Overlay({**self._resources, **added})
        after._systems = {name: system for name, system in self._systems.items() if name not in added}
        after._weights = {name: weight for name, weight in self._weights.items() if name not in added}
        return after

    @cached_property
    def bytes(self) -> int:
        """What it takes in memory, roughly; each resource is weighed once."""
        for name, one in self._resources.items():
            if name not in self._weights:
                self._weights[name] = weight_of(one)
        return sum(self._weights.values())


def is_language_pack(header: JsonObject) -> bool:
    """Whether a supplement only translates: such are in use without being asked for."""
    return "supplements" in header and any(
        one.get("url") == _SUPPLEMENT_TYPE and one.get("valueCode") == "lang-pack"
        for one in header.get("extension", ())
    )


def _name(resource: JsonObject) -> Name:
    return str(resource["resourceType"]), str(resource.get("url", "")), str(resource.get("version", ""))


def _checked(resource: JsonObject) -> Name:
    at = "Parameters.parameter.where(name='tx-resource').resource"
    if resource.get("resourceType") not in _TYPES:
        raise refuse(Category.INVALID, "invalid", "A tx-resource is a CodeSystem, ValueSet or ConceptMap", at)
    if not resource.get("url") and resource["resourceType"] != "NamingSystem":
        raise refuse(Category.INVALID, "required", "A tx-resource has a url", f"{at}.url")
    return _name(resource)


class OverlayCache:
    """Overlays by principal and ``cache-id``: the ones used last, bounded in number and bytes.

    They are kept by this process alone, and only as long as there is room: a client sends what it needs again when
    it is told that something is not known.
    """

    def __init__(self, most_bytes: int = MOST_BYTES):
        self._most_bytes = most_bytes
        self._kept: OrderedDict[tuple[str, str], Overlay] = OrderedDict()
        self._lock = Lock()

    def overlay(self, principal: str, cache: str, resources: Sequence[JsonObject]) -> Overlay:
        """What is kept under the id, with what this request adds to it."""
        if not cache:
            return Overlay().with_these(resources)
        with self._lock:
            known = self._kept.pop((principal, cache), None) or Overlay()
            after = known.with_these(resources)
            self._kept[principal, cache] = after
            self._make_room(principal)
            return after

    def _make_room(self, principal: str) -> None:
        own = [key for key in self._kept if key[0] == principal]
        for key in own[:-MOST_OF_ONE]:
            del self._kept[key]
        while (
            len(self._kept) > MOST_CACHES or sum(one.bytes for one in self._kept.values()) > self._most_bytes
        ):
            self._kept.popitem(last=False)
