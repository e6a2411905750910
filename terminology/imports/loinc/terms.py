"""Terms and parts of LOINC: Loinc.csv and Part.csv."""

from __future__ import annotations

from fhirserver.ports.terminology import Designation
from terminology.imports.loinc.layout import COLUMNS, FILES, LOINC, NAMES
from terminology.imports.loinc.reading import INACTIVE, Reading
from terminology.imports.tables import Values


def read_terms(reading: Reading) -> None:
    reading.sources.one(*FILES["terms"])
    optional = ("STATUS", "DefinitionDescription", *NAMES, *COLUMNS)
    for table in reading.tables("terms", only_first=True):
        for row in reading.first_rows(table, ("LOINC_NUM", "LONG_COMMON_NAME"), optional):
            _write_term(reading, row)


def _write_term(reading: Reading, row: Values) -> None:
    code, display, status, definition = row[:4]
    names = dict(zip(NAMES, row[4:], strict=False))
    values = dict(zip(COLUMNS, row[4 + len(NAMES) :], strict=True))
    display = display or names["SHORTNAME"] or values["COMPONENT"]
    reading.writer.concept(code, display, definition, inactive=status in INACTIVE, status=status.lower())
    for use, text in names.items():
        name(reading, code, text, use)
    for column, text in values.items():
        if text:
            reading.writer.property(code, column, text)
    others = values["EXTERNAL_COPYRIGHT_NOTICE"]
    reading.writer.property(code, "copyright", "3rdParty" if others else "LOINC")


def name(reading: Reading, code: str, text: str, use: str, language: str = "en") -> None:
    """A designation, if there is a text; its use is the column that it stands in."""
    if text:
        reading.writer.designation(code, Designation(text, language, {"system": LOINC, "code": use}))


def read_parts(reading: Reading) -> None:
    for table in reading.tables("parts"):
        needed, optional = ("PartNumber", "PartTypeName", "PartName"), ("PartDisplayName", "Status")
        for code, kind, text, display, status in reading.first_rows(table, needed, optional):
            inactive = status in INACTIVE
            reading.writer.concept(
                code, text or display, inactive=inactive, abstract=True, status=status.lower()
            )
            reading.writer.property(code, "PartTypeName", kind)
            name(reading, code, display if display != text else "", "DisplayName")
