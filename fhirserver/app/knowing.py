"""The terminology of a server put together: what it holds, who it asks, what maps and is browsed."""

from __future__ import annotations

from dataclasses import dataclass

from fhirserver.app.mapping import Mapping, make_mapping
from fhirserver.app.remote_terminology import routed, routed_maps
from fhirserver.app.settings import Settings
from fhirserver.app.storages import make_releases
from fhirserver.model.validation.profiles import Validator
from fhirserver.ports.concept_maps import ConceptMaps
from fhirserver.ports.storage import Key
from fhirserver.ports.terminology import Terminology
from fhirserver.store.conformance import StoredConformance
from fhirserver.store.store import Store
from terminology.browsing.browser import Browser
from terminology.browsing.directory import Directory
from terminology.built_in import built_in, built_in_urls
from terminology.releases.system import ReleaseSystems
from terminology.service import TerminologyService


@dataclass(frozen=True, slots=True)
class Knowing:
    """What answers about codes, all over the same holdings: a change of conformance resources is told to each."""

    terminology: Terminology
    validator: Validator
    mapping: Mapping
    concept_maps: ConceptMaps
    browsing: Browser


def make_knowing(
    settings: Settings, store: Store, conformance: StoredConformance, reserved: frozenset[Key]
) -> Knowing:
    """``reserved``: the server's own definitions, which are told apart from what people stored."""
    releases = make_releases(settings)
    limit = settings.terminology.expansion_limit
    own = TerminologyService(conformance, limit, releases=releases, over_release=ReleaseSystems())
    terminology = routed(own, settings.terminology, settings.secrets, conformance.find)
    remote = settings.terminology.remote
    validator = Validator(conformance, terminology, settings.rules, remote.kept if remote else None)
    mapping = make_mapping(store, conformance, terminology, own.library)
    concept_maps = routed_maps(mapping.translator, terminology)
    validator.translate_by(concept_maps)
    conformance.listen(own.forget)
    conformance.listen(lambda _: validator.forget())
    directory = Directory(conformance, releases, built_in_urls(), built_in, reserved)
    return Knowing(terminology, validator, mapping, concept_maps, Browser(own.library, directory))
