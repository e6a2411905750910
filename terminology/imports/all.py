"""All kinds of releases that can be imported."""

from __future__ import annotations

from terminology.imports.csv_file import CsvImport
from terminology.imports.cvx import CvxImport
from terminology.imports.fhir_json import FhirImport
from terminology.imports.icd_10_cm import Icd10CmImport
from terminology.imports.kind import Import
from terminology.imports.loinc.release import LoincImport
from terminology.imports.ndc import NdcImport
from terminology.imports.nucc import NuccImport
from terminology.imports.rxnorm import RxNormImport
from terminology.imports.snomed.release import SnomedImport

IMPORTS: tuple[Import, ...] = (
    SnomedImport(),
    LoincImport(),
    RxNormImport(),
    Icd10CmImport(),
    CvxImport(),
    NuccImport(),
    NdcImport(),
    FhirImport(),
    CsvImport(),
)
"""In the order in which the help lists them."""


def find_import(kind: str) -> Import | None:
    return next((one for one in IMPORTS if one.kind == kind), None)
