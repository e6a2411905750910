"""Rules of single resource types that no invariant says, by the name of the type.

Each rule gets the resource, its place and the run, once the structure is known to be that of its type or
faults in it are reported; what is not as it should be is passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.resource_rules import (
    bundle,
    capability_statement,
    code_system,
    concept_map,
    measure_report,
    questionnaire,
    questionnaire_response,
    search_parameter,
    structure_definition,
    value_set,
)
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

ResourceRule: TypeAlias = Callable[[JsonObject, Place, Run], None]

RESOURCE_RULES: dict[str, ResourceRule] = {
    "Bundle": bundle.check,
    "CapabilityStatement": capability_statement.check,
    "CodeSystem": code_system.check,
    "ConceptMap": concept_map.check,
    "MeasureReport": measure_report.check,
    "Questionnaire": questionnaire.check,
    "QuestionnaireResponse": questionnaire_response.check,
    "SearchParameter": search_parameter.check,
    "StructureDefinition": structure_definition.check,
    "ValueSet": value_set.check,
}
