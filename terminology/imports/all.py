"""All kinds of releases that can be imported."""

from __future__ import annotations

from terminology.imports.csv_file import CsvImport
from terminology.imports.fhir_json import FhirImport
from terminology.imports.kind import Import

IMPORTS: tuple[Import, ...] = (FhirImport(), CsvImport())
"""In the order in which the help lists them."""


def find_import(kind: str) -> Import | None:
    return next((one for one in IMPORTS if one.kind == kind), None)
