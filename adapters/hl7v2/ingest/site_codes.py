"""A site's maps of codes for which ConceptMaps on the server stand, as they are stored now.

A site with other codes is another site: the compiled maps and all that the conversion remembers belong to the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from weakref import WeakKeyDictionary

from adapters.hl7v2.convert.site import Site
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.concept_maps import ConceptMaps

Codes = dict[str, Mapping[str, JsonObject]]
"""By the canonical url of a ConceptMap."""
_NOTHING: Mapping[str, JsonObject] = {}


class SiteCodes:
    """Remembers the site that it made last of each, as long as the ConceptMaps are the same."""

    def __init__(self, maps: ConceptMaps):
        self._maps = maps
        self._made: WeakKeyDictionary[Site, tuple[Codes, Site]] = WeakKeyDictionary()

    def resolved(self, site: Site) -> tuple[Site, tuple[str, ...]]:
        """The site with the codes, and the ConceptMaps that are not here."""
        named = {
            *site.concept_maps.values(),
            *(one for _, _, own in site.senders for one in own.concept_maps.values()),
        }
        if not named:
            return site, ()
        codes: Codes = {map: self._codes(map) for map in named}
        missing = tuple(sorted(map for map, found in codes.items() if found is _NOTHING))
        held = self._made.get(site)
        if held is None or any(held[0][map] is not codes[map] for map in named):
            held = self._made[site] = (codes, _with(site, codes))
        return held[1], missing

    def _codes(self, map: str) -> Mapping[str, JsonObject]:
        try:
            return self._maps.codes(map)
        except Refusal:
            return _NOTHING


def _with(site: Site, codes: Codes) -> Site:
    """What the site lists itself comes before what a ConceptMap says."""
    own = {name: {**codes[map], **site.codes.get(name, {})} for name, map in site.concept_maps.items()}
    senders = tuple((application, facility, _with(one, codes)) for application, facility, one in site.senders)
    return replace(site, codes={**site.codes, **own}, senders=senders)
