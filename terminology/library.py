"""Finds what is named by canonical url and version, for one request: a :class:`terminology.systems.Library`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhirserver.kernel import effort
from fhirserver.kernel.json import JsonObject
from fhirserver.model.canonicals import version_order
from terminology.asked import PLAIN, Asked
from terminology.code_systems.content import ContentSystem
from terminology.code_systems.supplements import SupplementedSystem
from terminology.holdings import Holdings, has_codes, rank_of
from terminology.implicit import implicit_value_set, value_set_of_all
from terminology.overlays import Overlay, is_language_pack
from terminology.systems import System
from terminology.versions import fits, joined, split

SUPPLEMENT = "http://hl7.org/fhir/StructureDefinition/valueset-supplement"
LONGEST_CANONICAL = 2048
"""Nothing here has a longer one: it is not looked for, so that nothing is kept of it."""
_KEPT = 4096


class RequestLibrary:
    """What the server holds with what the request brings along over it. Kept for one request, in one thread.

    A version that the request brings comes before those that the server holds.
    """

    def __init__(self, holdings: Holdings, overlay: Overlay | None = None, asked: Asked = PLAIN):
        self.holdings, self.overlay, self.asked = holdings, overlay or Overlay(), asked
        self._systems: dict[tuple[str, str], System | None] = {}
        self._supplements: dict[str, ContentSystem | None] = {}

    @property
    def is_plain(self) -> bool:
        """Whether it is no more than what the server holds, so that answers may be kept for others."""
        return not self.overlay and self.asked.is_plain

    # Code systems

    def system(self, url: str, version: str = "") -> System | None:
        """The version that the request forces, else the one named, else the one the request asks for or checks, else
        the best. Supplements in use are laid over it."""
        wanted = self.version_for(url, version)
        key = (url, wanted)
        if key in self._systems:
            return self._systems[key]
        found = self._plain_system(url, wanted) if _is_short(url, wanted) else None
        system = self._supplemented(found) if found is not None else None
        if len(self._systems) >= _KEPT:
            self._systems = {}
        if _is_short(url, wanted):
            self._systems[key] = system
        return system

    def version_for(self, url: str, version: str = "") -> str:
        """The version in which a system is meant; empty where any will do."""
        asked = self.asked
        forced = asked.force_system_version.get(url)
        return forced or version or asked.system_version.get(url) or asked.check_system_version.get(url) or ""

    def is_forced(self, url: str) -> bool:
        return url in self.asked.force_system_version

    def is_checked(self, url: str, version: str) -> bool:
        """Whether a version that is used is one that the request allows (``check-system-version``)."""
        return fits(version, self.checked_version(url))

    def checked_version(self, url: str) -> str:
        """The version that the request requires, or an empty text."""
        return self.asked.check_system_version.get(url, "")

    def _plain_system(self, url: str, version: str) -> System | None:
        brought = [one for one in self.overlay.of("CodeSystem", url) if has_codes(one)]
        best = _best(brought, version)
        return self.overlay.system(best) if best is not None else self.holdings.system(url, version)

    def system_versions(self, url: str) -> Sequence[str]:
        """Oldest first."""
        if not _is_short(url):
            return []
        brought = (str(one.get("version", "")) for one in self.overlay.of("CodeSystem", url))
        versions = {*brought, *self.holdings.system_versions(url)} - {""}
        return sorted(versions, key=version_order)

    def code_system(self, canonical: str) -> JsonObject | None:
        """The CodeSystem resource, whether its codes are here or not: also one that is not-present, or a supplement."""
        url, version = split(canonical)
        if not _is_short(canonical):
            return None
        brought = _best(self.overlay.of("CodeSystem", url), version)
        return brought if brought is not None else self.holdings.code_system(canonical)

    # Supplements

    def with_supplements(self, value_set: JsonObject) -> RequestLibrary:
        """This one, with the supplements that a value set says it needs in use as well."""
        needed = (
            str(one.get("valueCanonical") or one.get("valueUri") or "")
            for one in value_set.get("extension", ())
            if one.get("url") == SUPPLEMENT
        )
        return self.with_supplement_urls(needed)

    def with_supplement_urls(self, canonicals: Iterable[str]) -> RequestLibrary:
        supplements = tuple(dict.fromkeys((*self.asked.supplements, *filter(None, canonicals))))
        if supplements == self.asked.supplements:
            return self
        asked = self.asked
        more = Asked(
            asked.resources,
            asked.cache,
            asked.principal,
            asked.system_version,
            asked.check_system_version,
            asked.force_system_version,
            asked.value_sets,
            supplements,
        )
        return RequestLibrary(self.holdings, self.overlay, more)

    def missing_supplements(self) -> list[str]:
        """The supplements that are asked for and not known here."""
        return [canonical for canonical in self.asked.supplements if self._supplement(canonical) is None]

    def supplements_of(self, url: str, version: str) -> list[ContentSystem]:
        """Those in use for a system: the ones asked for, and the language packs known here."""
        asked = [
            one for canonical in self.asked.supplements if (one := self._supplement(canonical)) is not None
        ]
        brought = [self._made(one) for one in effort.watch(self.overlay.language_packs)]
        held = (self._supplement(canonical) for canonical in self.holdings.supplements(url))
        packs = [one for one in held if one is not None and is_language_pack(one.header)]
        found: dict[tuple[str, str], ContentSystem] = {}
        for one in (*asked, *brought, *packs):
            if _supplements(one.header, url, version):
                found.setdefault((one.url, one.version), one)
        return list(found.values())

    def _supplemented(self, system: System) -> System:
        supplements = self.supplements_of(system.url, system.version)
        return SupplementedSystem(system, supplements) if supplements else system

    def _supplement(self, canonical: str) -> ContentSystem | None:
        if canonical not in self._supplements:
            resource = self.code_system(canonical)
            is_one = resource is not None and resource.get("supplements")
            self._supplements[canonical] = self._made(resource) if resource is not None and is_one else None
        return self._supplements[canonical]

    def _made(self, resource: JsonObject) -> ContentSystem:
        url = str(resource.get("url", ""))
        if any(one is resource for one in effort.watch(self.overlay.of("CodeSystem", url))):
            return self.overlay.system(resource)
        return ContentSystem(resource)

    # Value sets and maps

    def value_set_meant(self, canonical: str) -> str:
        """The canonical, where it names no version with the one asked for (``default-valueset-version``)."""
        url, version = split(canonical)
        return joined(url, version or self.asked.value_sets.get(url, ""))

    def value_set(self, canonical: str) -> JsonObject | None:
        """The one named, in the version named or that the request asks for (``default-valueset-version``), or one that
        its url implies. The caller does not change it."""
        url, version = split(self.value_set_meant(canonical))
        brought = _best(self.overlay.of("ValueSet", url), version)
        if brought is not None:
            return brought
        if not _is_short(canonical, version):
            return implicit_value_set(canonical, self.system)
        found = self.holdings.value_set(canonical if canonical != url else joined(url, version))
        if found is None and version:
            fitting = [one for one in self.holdings.value_set_versions(url) if fits(one, version)]
            newest = max(fitting, key=version_order, default=None)
            found = self.holdings.value_set(joined(url, newest)) if newest is not None else None
        if found is None:
            found = implicit_value_set(canonical, self.system) or self._value_set_of_all(canonical, version)
        return found

    def _value_set_of_all(self, canonical: str, version: str) -> JsonObject | None:
        """The value set that a code system known here says holds all its codes (``CodeSystem.valueSet``)."""
        url = split(canonical)[0]
        brought = (
            joined(str(one.get("url", "")), str(one.get("version", "")))
            for one in self.overlay.all("CodeSystem")
            if split(str(one.get("valueSet", "")))[0] == url
        )
        for name in dict.fromkeys(split(one)[0] for one in (*brought, *self.holdings.with_value_set(url))):
            system = self.system(name)
            if system is not None and _is_named(system.header, url, version):
                return value_set_of_all(canonical, system)
        return None

    def value_set_versions(self, url: str) -> Sequence[str]:
        """Oldest first."""
        if not _is_short(url):
            return []
        brought = (str(one.get("version", "")) for one in self.overlay.of("ValueSet", url))
        versions = {*brought, *self.holdings.value_set_versions(url)} - {""}
        return sorted(versions, key=version_order)

    def concept_maps(self) -> Sequence[JsonObject]:
        return [*self.overlay.all("ConceptMap"), *self.holdings.all_of("ConceptMap")]


def _is_short(*names: str) -> bool:
    return sum(map(len, names)) <= LONGEST_CANONICAL


def _best(resources: Iterable[JsonObject], version: str) -> JsonObject | None:
    """The one with exactly this version, else the best of those that fit."""
    fitting = [one for one in effort.watch(resources) if fits(str(one.get("version", "")), version)]
    exact = [one for one in fitting if version and one.get("version") == version]
    return max(exact or fitting, key=rank_of, default=None)


def _supplements(header: JsonObject, url: str, version: str) -> bool:
    """Whether a supplement is for this version of a system."""
    of, wanted = split(str(header.get("supplements", "")))
    return of == url and fits(version, wanted)


def _is_named(header: JsonObject, url: str, version: str) -> bool:
    """Whether a system, as it is used, says that the value set in the version asked for holds all its codes."""
    named, stated = split(str(header.get("valueSet", "")))
    return named == url and version in ("", stated or str(header.get("version", "")))
