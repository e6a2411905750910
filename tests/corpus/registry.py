"""All suites, in the order in which they are reported. A new one is a file here and a line below."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from tests.corpus.suite import Case, Run, Suite


def _in(module: str) -> Run:
    """``run`` of a module that is imported when the suite runs: one that is broken must not stop the "
    "others."""

    def run(material: Path) -> Iterable[Case]:
        found: Iterable[Case] = import_module(f"tests.corpus.{module}").run(material)
        return found

    return run


SUITES: tuple[Suite, ...] = (
    Suite("fhir-r4-examples", "fhir-r4/examples*.tar*", _in("fhir_r4_examples")),
    Suite("fhir-r4-examples-xml", "fhir-r4/examples*.tar*", _in("fhir_r4_examples_xml")),
    Suite("fhir-r4-examples-valid", "fhir-r4/examples*.tar*", _in("fhir_r4_examples_valid")),
    Suite("fhir-r4-expansions", "fhir-r4/definitions*.tar*", _in("fhir_r4_expansions")),
    Suite("synthea", "synthea*.tar*", _in("synthea")),
    Suite("fhirpath", "fhir-r4/fhirpath", _in("fhirpath_suite")),
    Suite("fhirpath-patch", "fhir-r4/patch", _in("fhirpath_patch")),
    Suite("us-core-requirements", "us-core", _in("us_core_requirements")),
    Suite("fhir-r4-validator", "fhir-r4/validator", _in("fhir_r4_validator")),
    Suite("fhir-r4-validator-http", "fhir-r4/validator", _in("fhir_r4_validator_http")),
    Suite("subscriptions", "subscriptions", _in("subscriptions_backport")),
    Suite("linkage", "linkage", _in("linkage")),
    Suite("hl7v2-maps", "hl7v2", _in("hl7v2_maps")),
    Suite(
        "emotion",
        "emotion",
        _in("emotion"),
        absent="no recordings in emotion/<speaker>/<label>/*.wav, nothing to say",
    ),
    Suite("terminology-tx", "terminology-tx*", _in("terminology_tx")),
    Suite("us-core-examples", "us-core/us_core*.tgz", _in("us_core_examples")),
)
