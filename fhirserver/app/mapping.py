"""What maps codes and keeps closure tables, wired to what is stored."""

from __future__ import annotations

from dataclasses import dataclass

from fhirserver.app.securing import LateRecords
from fhirserver.ports.terminology import Terminology
from fhirserver.store.conformance import StoredConformance
from fhirserver.store.store import Store
from terminology.concept_maps.closure_tables import ClosureTables
from terminology.concept_maps.placing import Placing
from terminology.concept_maps.states import HierarchyStates
from terminology.concept_maps.translator import Translator
from terminology.naming import SystemNames


@dataclass(frozen=True, slots=True)
class Mapping:
    """Each follows what is stored, once ``conformance`` has caught up."""

    names: SystemNames
    translator: Translator
    closures: ClosureTables


def make_mapping(store: Store, conformance: StoredConformance, terminology: Terminology) -> Mapping:
    names, states = SystemNames(conformance), HierarchyStates(conformance)

    def holds(value_set: str, system: str, code: str) -> bool:
        return terminology.validate_code(value_set, system, code).result

    translator = Translator(conformance, names.url, holds)
    for follower in (names, states, translator):
        conformance.listen(follower.forget)
    placing = Placing(terminology, states.state, names.url)
    return Mapping(names, translator, ClosureTables(LateRecords(store.storage), placing))
