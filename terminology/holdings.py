"""What this server holds of terminology, as it is at one moment: stored resources, R4's own, imported releases, and
the systems that are built in. Replaced as a whole when something changes, so that an answer which is just being
worked out on the old state cannot be kept for the new.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeAlias, runtime_checkable

from fhirserver.kernel.json import JsonObject
from fhirserver.model.canonicals import Rank, rank
from fhirserver.model.definitions import definitions
from fhirserver.ports.releases import Release, Releases
from fhirserver.ports.terminology import KnownSystem
from terminology.code_systems.content import ContentSystem
from terminology.expanding.keeping import KeptCompositions
from terminology.implicit import IMPLIED
from terminology.keeping import Keeping, weight_of
from terminology.systems import System
from terminology.versions import joined, newest, split

KEPT = 512
"""Of what is small: versions and supplements, by url."""
SYSTEM_BYTES, VALUE_SET_BYTES, RESOURCE_BYTES = 48_000_000, 24_000_000, 12_000_000
"""How much is kept of code systems and value sets that were read last. All of R4's fit."""

BuiltIn: TypeAlias = Callable[[str], System | None]
"""The system of a url whose codes this server knows by a grammar or a list, or None."""
OverRelease: TypeAlias = Callable[[Release], System]


@runtime_checkable
class Stored(Protocol):
    """The resources that are found by canonical url."""

    def find(self, url: str, type: str = "") -> JsonObject | None:
        """The resource: the version after ``|``, or else the best there is. ``Type/id`` finds what is stored there."""
        ...

    def versions(self, url: str, type: str) -> Sequence[str]:
        """Every version of it, the best last; an empty one where the resource has none."""
        ...

    def urls(self, type: str) -> Iterable[str]:
        """Every canonical url of a type."""
        ...

    def supplements(self, system: str) -> Sequence[str]:
        """The CodeSystems that supplement a system, as canonicals."""
        ...

    def with_value_set(self, url: str) -> Sequence[str]:
        """The CodeSystems that say that a value set holds all their codes (``CodeSystem.valueSet``), as canonicals."""
        ...


def packed(url: str, type_name: str) -> JsonObject | None:
    """The resources that R4 itself defines."""
    return definitions().archive.by_url(url, type_name)


def packed_urls(type: str) -> list[str]:
    """The canonical urls of what R4 itself defines of a type."""
    return [entry.url for entry in definitions().archive.entries(type) if entry.url]


@dataclass(frozen=True)
class Resolved:
    """:class:`Stored` over a function: one version of each, no supplements."""

    resolve: Callable[[str, str], JsonObject | None] = packed
    listed: Callable[[], Iterable[str]] = lambda: packed_urls("CodeSystem")

    def find(self, url: str, type: str = "") -> JsonObject | None:
        return self.resolve(url, type)

    def versions(self, url: str, type: str) -> Sequence[str]:
        found = self.find(url, type)
        return [] if found is None else [str(found.get("version", ""))]

    def urls(self, type: str) -> Iterable[str]:
        return self.listed() if type == "CodeSystem" else packed_urls(type)

    def supplements(self, system: str) -> Sequence[str]:
        return ()

    def with_value_set(self, url: str) -> Sequence[str]:
        return ()


_PLACES = frozenset({"CodeSystem", "ValueSet"})
"""What names a resource by where it is stored begins with one."""
MISNAMED = {("http://hl7.org/fhir/CodeSystem/task-code", "3.6.0"): "4.0.1"}
"""Versions that R4's own value sets name and R4 does not have."""


class Holdings:
    """Safe between threads: what two read at once is the same."""

    def __init__(
        self,
        stored: Stored,
        built_in: BuiltIn,
        releases: Releases | None = None,
        over_release: OverRelease | None = None,
    ):
        self._stored, self._built_in = stored, built_in
        self._releases, self._over_release = releases, over_release
        self._generation = releases.generation() if releases is not None else 0
        self.system_versions = lru_cache(KEPT)(self._read_versions)
        self.system = Keeping(self._read_system, _weight_of_system, SYSTEM_BYTES)
        self.value_set = Keeping(
            lambda canonical: stored.find(canonical, "ValueSet"), weight_of, VALUE_SET_BYTES
        )
        self.value_set_versions = lru_cache(KEPT)(self._read_value_set_versions)
        self.supplements = lru_cache(KEPT)(lambda url: tuple(stored.supplements(url)))
        self.code_system = Keeping(
            lambda canonical: stored.find(canonical, "CodeSystem"), weight_of, RESOURCE_BYTES
        )
        self.with_value_set = lru_cache(KEPT)(lambda url: tuple(self._with_value_set(url)))
        self.compositions = KeptCompositions()

    def take_over(self, before: Holdings, changed: Collection[str]) -> None:
        """Keep what was read before of all resources but those with a url that ``changed``. Supplements and what value
        sets hold draw on others, and are read anew."""

        def is_as_before(canonical: str) -> bool:
            return split(canonical)[0] not in changed and canonical.partition("/")[0] not in _PLACES

        self.system.take_over(before.system, is_as_before)
        self.value_set.take_over(before.value_set, is_as_before)
        self.code_system.take_over(before.code_system, is_as_before)

    @property
    def is_current(self) -> bool:
        """Whether no release was imported or removed since."""
        return self._releases is None or self._releases.generation() == self._generation

    # Code systems

    def _read_versions(self, url: str) -> tuple[str, ...]:
        """The best last."""
        stored = self._stored.versions(url, "CodeSystem")
        imported = self._releases.versions(url) if self._releases is not None else ()
        return tuple(dict.fromkeys((*stored, *reversed(imported))))

    def _read_system(self, url: str, version: str = "") -> System | None:
        version = MISNAMED.get((url, version), version)
        exact = self._best(url) if not version else newest(self.system_versions(url), version)
        found = None if exact is None else self._of_version(url, exact)
        if found is None and (built_in := self._built_in(url)) is not None:
            return built_in if version in ("", built_in.version) or not built_in.version else None
        return found

    def _best(self, url: str) -> str | None:
        """The best version, of imported releases first: a stored resource of such a system is seldom all of it."""
        if self._releases is not None and (imported := self._releases.versions(url)):
            return imported[0]
        versions = self.system_versions(url)
        return versions[-1] if versions else None

    def _of_version(self, url: str, version: str) -> System | None:
        if self._releases is not None and self._over_release is not None:
            release = self._releases.find(url, version) if version in self._releases.versions(url) else None
            if release is not None:
                return self._over_release(release)
        resource = self._stored.find(joined(url, version), "CodeSystem")
        return ContentSystem(resource) if resource is not None and has_codes(resource) else None

    def known_urls(self) -> Iterator[str]:
        """Of every system that may be known: stored, of R4, or imported."""
        yield from self._stored.urls("CodeSystem")
        if self._releases is not None:
            yield from (str(header["url"]) for header in self._releases.all())

    def known_system(self, url: str, version: str) -> KnownSystem | None:
        """What is told of a version of a system; None where its codes are not here. Nothing is kept in memory."""
        if self._releases is not None and version in self._releases.versions(url):
            release = self._releases.find(url, version)
            return KnownSystem(url, version, bool(release and release.header.get("hierarchyMeaning")))
        resource = self._stored.find(joined(url, version), "CodeSystem")
        if resource is not None and has_codes(resource):
            return KnownSystem(url, version, any(map(_is_related, resource.get("concept", ()))))
        built_in = self._built_in(url)
        return KnownSystem(url, built_in.version) if built_in is not None else None

    # All else

    def _with_value_set(self, url: str) -> Iterator[str]:
        """The code systems all of whose codes a value set holds, as they say themselves: as canonicals."""
        yield from self._stored.with_value_set(url)
        for header in self._releases.all() if self._releases is not None else ():
            if split(str(header.get("valueSet", "")))[0] == url:
                yield joined(str(header["url"]), str(header.get("version", "")))
        if url in IMPLIED:
            yield IMPLIED[url]

    def _read_value_set_versions(self, url: str) -> tuple[str, ...]:
        return tuple(self._stored.versions(url, "ValueSet"))

    def concept_map(self, canonical: str) -> JsonObject | None:
        return self._stored.find(canonical, "ConceptMap")

    def all_of(self, type: str) -> Iterator[JsonObject]:
        """Every resource of a type, in all its versions."""
        for url in dict.fromkeys(self._stored.urls(type)):
            for version in self._stored.versions(url, type):
                found = self._stored.find(joined(url, version), type)
                if found is not None:
                    yield found


def _is_related(concept: JsonObject) -> bool:
    """Whether a concept of the top has others below or above it."""
    return bool(concept.get("concept")) or any(
        one.get("code") in ("parent", "subsumedBy", "child") for one in concept.get("property", ())
    )


def _weight_of_system(system: System | None) -> int:
    """Bytes that a system takes in memory, roughly; what is on disk or built in takes none here."""
    return system.weight if isinstance(system, ContentSystem) else 0


def has_codes(resource: JsonObject) -> bool:
    """Whether a CodeSystem can be asked for its codes: a supplement has none of its own."""
    if resource.get("content") == "supplement" or "supplements" in resource:
        return False
    return bool(resource.get("concept")) or resource.get("content") == "complete"


def rank_of(resource: JsonObject) -> Rank:
    """The greatest is meant where no version is stated."""
    status, version, date = (str(resource.get(name, "")) for name in ("status", "version", "date"))
    return rank(status, version, date, 0)
