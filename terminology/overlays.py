"""The resources that requests bring along (``tx-resource``), alone or kept under a ``cache-id``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType

from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from terminology.code_systems.content import ContentSystem
from terminology.keeping import weight_of

Name = tuple[str, str, str]
"""``(resource type, url, version)``"""
_TYPES = frozenset({"CodeSystem", "ValueSet", "ConceptMap", "NamingSystem"})
_SUPPLEMENT_TYPE = "http://hl7.org/fhir/StructureDefinition/codesystem-supplement-type"


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

    def has(self, resource: JsonObject) -> bool:
        """Whether it is here, just as it is."""
        return self._resources.get(_name(resource)) == resource

    @property
    def resources(self) -> Sequence[JsonObject]:
        return [*self._resources.values()]

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
