"""What maps codes, keeps closure tables and what clients bring along, wired to what is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fhirserver.app.late_records import LateRecords
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.code_validation import Coded, CodeQuestion
from fhirserver.ports.terminology import Terminology
from fhirserver.ports.terminology_asked import Asked
from fhirserver.store.conformance import StoredConformance
from fhirserver.store.store import Store
from terminology.concept_maps.closure_tables import ClosureTables
from terminology.concept_maps.placing import Placing
from terminology.concept_maps.states import HierarchyStates
from terminology.concept_maps.translator import Translator
from terminology.kept_overlays import KeptOverlays
from terminology.library import RequestLibrary
from terminology.naming import SystemNames


@dataclass(frozen=True, slots=True)
class Mapping:
    """Each follows what is stored, once ``conformance`` has caught up."""

    names: SystemNames
    translator: Translator
    closures: ClosureTables
    kept_resources: KeptOverlays


def make_mapping(
    store: Store,
    conformance: StoredConformance,
    terminology: Terminology,
    library: Callable[[Asked], RequestLibrary],
) -> Mapping:
    """``library`` finds what a request brings along."""
    names, states = SystemNames(conformance), HierarchyStates(conformance)

    def holds(value_set: str, system: str, code: str, asked: Asked) -> bool:
        question = CodeQuestion((Coded(system, code),), "coding", value_set)
        return terminology.validate(question, asked).result

    def brought(asked: Asked) -> Iterable[JsonObject]:
        return () if asked.is_plain else library(asked).overlay.all("ConceptMap")

    translator = Translator(conformance, names.url, holds, brought)
    for follower in (names, states, translator):
        conformance.listen(follower.forget)
    placing = Placing(terminology, states.state, names.url)
    records = LateRecords(store.storage)
    return Mapping(names, translator, ClosureTables(records, placing), KeptOverlays(records))
