"""What operators look around in terminology with, over what this server holds."""

from __future__ import annotations

from fhirserver.ports.releases import Releases
from fhirserver.store.conformance import StoredConformance
from terminology.asked import Asked
from terminology.browsing.browser import Browser
from terminology.browsing.catalogue import Catalogue
from terminology.code_systems.content import ContentSystem
from terminology.grammars import GRAMMARS
from terminology.holdings import Holdings
from terminology.library import RequestLibrary
from terminology.listed import LISTS, listed
from terminology.systems import System


def make_browser(conformance: StoredConformance, releases: Releases | None = None) -> Browser:
    """Follows what is stored, and what is imported."""
    held = [_holdings(conformance, releases)]
    conformance.listen(lambda _: held.__setitem__(0, _holdings(conformance, releases)))

    def library(asked: Asked) -> RequestLibrary:
        if not held[0].is_current:
            held[0] = _holdings(conformance, releases)
        return RequestLibrary(held[0], asked=asked)

    return Browser(library, Catalogue(conformance, releases, (*GRAMMARS, *LISTS), _built_in))


def _holdings(conformance: StoredConformance, releases: Releases | None) -> Holdings:
    return Holdings(conformance, _built_in, releases)


def _built_in(url: str) -> System | None:
    resource = listed(url)
    return ContentSystem(resource) if resource is not None else None
